"""The lake on S3: raw files byte for byte, DuckLake's data, all with keys from the environment."""

import hashlib
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from installation import expected, files_with
from object_store import CREDENTIALS, KEY, REGION, SECRET
from pyarrow import parquet

# More rows than DuckLake keeps in the catalogue: their Parquet files are on S3.
AUGUST, RESTATED = ["1.25", "2"] * 6, ["3", "4", "5"] * 6


@pytest.fixture
def on_s3(installation, store, bucket, monkeypatch):
    """Bills in a local folder, the lake's files in a bucket, its catalogue on this disk."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    installation.settings = (
        f'[lake]\nstorage = "s3://{bucket}/finops/prod"\n'
        f'[lake.s3]\nendpoint_url = "{store.url}"\nregion = "{REGION}"\n'
    )
    installation.add_source("acme")
    return installation


def deliver_parquet(installation, month, delivery_id, amounts):
    """As Parquet: of a csv only its text Parquet goes to the raw zone."""
    folder = installation.bills("acme") / month
    installation.deliver("acme", month, delivery_id, amounts)
    path = folder / f"{month}-{delivery_id}.csv"
    names, *rows = [line.split(",") for line in path.read_text().splitlines()]
    table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(names)})
    parquet.write_table(table, path.with_suffix(".parquet"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(".csv", ".parquet"))
    return path.with_suffix(".parquet").read_bytes()


def test_run_restate_read(on_s3, store, bucket):
    """Published, restated, read at both snapshots, exported; raw files unchanged."""
    first = deliver_parquet(on_s3, "2026-08", "d1", AUGUST)
    on_s3.done()
    assert on_s3.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    second = deliver_parquet(on_s3, "2026-08", "d2", RESTATED)
    on_s3.deliver("acme", "2026-09", "d1", AUGUST)
    on_s3.done()
    after = {
        ("acme", "2026-08"): expected(RESTATED, "d2"),
        ("acme", "2026-09"): expected(AUGUST, "d1"),
    }
    assert on_s3.totals() == after
    raw = [key for key in store.keys(bucket, "finops/prod/raw/acme/") if key.endswith(".parquet")]
    hashes = {hashlib.sha256(store.body(bucket, key)).hexdigest() for key in raw}
    assert {hashlib.sha256(each).hexdigest() for each in (first, second)} <= hashes
    assert len(raw) == 3
    assert not (on_s3.lake / "data").exists()
    assert not (on_s3.lake / "raw").exists()
    assert store.keys(bucket, "finops/prod/lake/")
    snapshots = [each.snapshot_id for each in on_s3.publications()]
    with on_s3.attached(snapshots[0]) as connection:
        assert connection.execute("select sum(BilledCost) from focus").fetchone()[0] == sum(
            map(Decimal, AUGUST)
        )
    answer = on_s3.done("query", "select count(*) as n, sum(BilledCost) as cost from focus")
    whole = sum(map(Decimal, AUGUST + RESTATED))
    assert f"{whole.normalize():f}" in answer.out
    on_s3.done("export", "--to", str(on_s3.folder / "out"))
    exported = duckdb.sql(f"select sum(BilledCost) from '{on_s3.folder}/out/**/*.parquet'")
    assert exported.fetchone()[0] == whole
    assert files_with(KEY, on_s3.folder) == []
    assert files_with(SECRET, on_s3.folder) == []


def test_storage_faults(on_s3, proxy, store, bucket):
    """The lake's bucket refuses: one message, nothing published; then it works."""
    on_s3.settings = on_s3.settings.replace(store.url, proxy.url)
    on_s3.write_settings()
    on_s3.deliver("acme", "2026-08", "d1", AUGUST)
    proxy.break_with("AccessDenied", r"^(PUT|POST) .*/raw/")
    ended = on_s3.run()
    assert ended.code == 1, ended.text
    assert "could not load into s3://" in ended.err
    assert "Traceback" not in ended.text
    assert SECRET not in ended.text
    proxy.reset()
    proxy.break_with("AccessDenied", r"^(PUT|POST) .*/lake/")
    ended = on_s3.run()
    assert ended.code == 1, ended.text
    assert "Traceback" not in ended.text
    assert SECRET not in ended.text
    assert on_s3.totals() == {}
    proxy.reset()
    on_s3.done()
    assert on_s3.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


def test_no_credentials(on_s3, bucket):
    """Said before any work."""
    on_s3.deliver("acme", "2026-08", "d1", AUGUST)
    on_s3.env = {}
    ended = on_s3.run()
    assert ended.code == 2, ended.text
    assert f"no AWS credentials were found for the lake's storage s3://{bucket}" in ended.err
    assert "Traceback" not in ended.text


def test_profile_and_role(on_s3, tmp_path, bucket):
    """The keys of a profile; a role is the profile's business."""
    config = tmp_path.parent / f"{bucket}.aws"
    config.write_text(
        f"[profile lake]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    on_s3.env = {"AWS_CONFIG_FILE": str(config)}
    on_s3.settings += 'profile = "lake"\n'
    on_s3.write_settings()
    on_s3.deliver("acme", "2026-08", "d1", AUGUST)
    on_s3.done()
    assert "19.5" in on_s3.done("query", "select sum(BilledCost) from focus").out
    on_s3.settings += 'role_arn = "arn:aws:iam::123456789012:role/lake"\n'
    on_s3.write_settings()
    ended = on_s3.run()
    assert ended.code == 2
    assert "profile" in ended.err


def test_raw_zone_holds_what_deliveries_name_and_dlts_newest_records(on_s3, store, bucket):
    """Two loads and a refused one: of that no file, and of dlt's records one a kind."""
    on_s3.deliver("acme", "2026-08", "d1", AUGUST)
    on_s3.done()
    on_s3.deliver("acme", "2026-09", "d1", RESTATED)
    on_s3.done()
    on_s3.deliver("acme", "2026-10", "d1", ["NaN"])
    ended = on_s3.run()
    assert ended.code == 2, ended.text
    keys = store.keys(bucket, "finops/prod/raw/acme/")
    assert [key.rsplit("/", 1)[-1][:7] for key in keys if key.endswith(".parquet")] == [
        "2026-08",
        "2026-09",
    ]
    assert len([key for key in keys if "/_dlt_" in key and key.endswith(".jsonl")]) == 2
    shown = on_s3.run("doctor").out
    assert "ok      raw files: each is named by a delivery" in shown
