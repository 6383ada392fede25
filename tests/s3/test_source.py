"""Bills on S3: found, read and loaded, whatever way the bucket is reached."""

import json

import pytest
from installation import bill_csv, expected, manifest
from object_store import KEY, REGION, SECRET

AUGUST, RESTATED = ["1.25", "2"], ["3"]


def deliver(store, bucket, prefix, month, delivery_id, amounts, *, listed="{key}"):
    """A delivery below the prefix; `listed`: how the manifest writes the file's name."""
    key = f"{prefix}{month}/{month}-{delivery_id}.csv"
    store.put(bucket, key, bill_csv(month, amounts))
    name = listed.format(key=key, bucket=bucket, relative=key.removeprefix(prefix))
    store.put(bucket, f"{prefix}{month}/manifest.json", manifest(delivery_id, name))
    return key


def test_add_run_restate(installation, store, bucket):
    """End to end; the manifest names its files as vendors do: s3:// URLs."""
    deliver(store, bucket, "exports/acme/", "2026-08", "d1", AUGUST, listed="s3://{bucket}/{key}")
    added = installation.done(
        "add", "acme", f"s3://{bucket}/exports/acme", "--endpoint-url", store.url
    )
    assert "2026-08" in added.out
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    deliver(store, bucket, "exports/acme/", "2026-08", "d2", RESTATED)
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(RESTATED, "d2")}
    assert "nothing new" in installation.done().out


@pytest.mark.parametrize("location", ["exports", "exports/", ""])
def test_prefix(installation, store, bucket, location):
    """With and without a slash at the end; a longer prefix that begins alike is another place."""
    prefix = f"{location.rstrip('/')}/" if location else ""
    deliver(store, bucket, prefix, "2026-08", "d1", AUGUST)
    if location:
        deliver(store, bucket, "exports-of-others/", "2026-07", "d1", AUGUST)
    installation.add_source("acme", f"s3://{bucket}/{location}", endpoint_url=store.url)
    ended = installation.done("plan")
    assert "1 deliveries to load" in ended.out
    assert "2026-07" not in ended.out


def test_more_keys_than_a_page(installation, store, proxy, bucket):
    """1,000 keys come in one answer; the delivery lies behind them."""
    for number in range(1005):
        store.put(bucket, f"exports/0/{number:04d}.txt", b"")
    deliver(store, bucket, "exports/", "2026-08", "d1", AUGUST)
    installation.add_source("acme", f"s3://{bucket}/exports", endpoint_url=proxy.url)
    assert "1 deliveries to load" in installation.done("plan").out
    assert proxy.count("list-type=2") == 2
    assert proxy.count(r"^GET /[^?]*\.txt") == 0


def test_profile(installation, store, bucket, tmp_path):
    """Keys and region of a profile; nothing in the environment but where the file is."""
    config = tmp_path.parent / f"{bucket}.aws"
    config.write_text(
        f"[profile bills]\nregion = {REGION}\naws_access_key_id = {KEY}\n"
        f"aws_secret_access_key = {SECRET}\n"
    )
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.env = {"AWS_CONFIG_FILE": str(config)}
    installation.add_source("acme", f"s3://{bucket}", endpoint_url=store.url, profile="bills")
    installation.done("plan")
    installation.sources = []
    installation.add_source("acme", f"s3://{bucket}", endpoint_url=store.url, profile="bill")
    ended = installation.run("plan")
    assert ended.code == 2
    assert "profile (bill) could not be found" in ended.err
    assert "[sources.s3]" in ended.err


def test_role(installation, store, proxy, bucket):
    """The role's own keys read the bills, not those that assumed it."""
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.add_source(
        "acme",
        f"s3://{bucket}",
        endpoint_url=proxy.url,
        region=REGION,
        role_arn="arn:aws:iam::123456789012:role/bills",
        external_id="ours",
    )
    installation.done("plan")
    assumed = [key for line, key in proxy.requests if line.startswith("POST /")]
    read = {key for line, key in proxy.requests if line.startswith("GET /")}
    assert assumed == [KEY]
    assert len(read) == 1
    assert KEY not in read


def test_region(installation, store, proxy, bucket):
    """Signed for the region that is set."""
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.add_source(
        "acme", f"s3://{bucket}", endpoint_url=proxy.url, region="ap-southeast-2"
    )
    installation.done("plan")
    assert proxy.regions == {"ap-southeast-2"}


def test_plan_as_run_sees_a_new_etag(installation, store, bucket):
    """The same name with other bytes is another delivery of the month."""
    key = deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.add_source("acme", f"s3://{bucket}", endpoint_url=store.url)
    installation.done()
    store.put(bucket, key, bill_csv("2026-08", RESTATED))
    assert "restated" in installation.done("plan").out
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(RESTATED, "d1")}
    files = [json.loads(row.files) for row in deliveries_of(installation)]
    assert len({file["sha256"] for each in files for file in each}) == 2


def deliveries_of(installation):
    from finops_stack.warehouse.register import deliveries

    with installation.attached() as connection:
        return deliveries(connection)
