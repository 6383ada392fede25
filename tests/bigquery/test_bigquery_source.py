"""Bills in a BigQuery table: listed month by month, read with their nested columns, loaded."""

import hashlib
import sys
from pathlib import Path

import pytest
from bigquery_store import PROJECT
from google.cloud.bigquery import SchemaField
from installation import expected
from pyarrow import parquet
from tables import EXPORT, rows

from finops_stack.config import BigQuerySettings, Source
from finops_stack.deliveries.storage import open_storage
from finops_stack.deliveries.storage.base import ChangedWhileReadError
from finops_stack.errors import InputError

AUGUST, SEPTEMBER, LATE = ["1.25", "2"], ["3"], ["0.5"]
VENDORS = Path(__file__).parent / "vendors"


def place(dataset, table="export"):
    return f"bigquery://{PROJECT}/{dataset}/{table}"


@pytest.fixture
def export(store, bucket):
    """The dataset of a table with two months."""
    store.make_table(bucket, "export", EXPORT)
    store.insert(bucket, "export", rows("2026-08", AUGUST, exported="2026-09-01"))
    store.insert(bucket, "export", rows("2026-09", SEPTEMBER, exported="2026-10-01"))
    return bucket


@pytest.fixture
def opened(store):
    """A table's storage, in this process."""

    def open_at(location, **settings):
        asked = BigQuerySettings(endpoint_url=store.url, **settings)
        return open_storage(Source(name="x", vendor="tables", location=location, bigquery=asked))

    return open_at


def test_add_run_late_rows(installation, store, export):
    """End to end; late rows make their month a new delivery, and only that one."""
    config = installation.folder / "finops.toml"
    config.write_text(f'vendor_folders = ["{VENDORS}"]\n[engine]\nthreads = 1\n')
    added = installation.done("add", "tables", place(export), "--endpoint-url", store.url)
    assert "2026-09" in added.out
    installation.done()
    totals = installation.totals()
    assert {key: value[1:] for key, value in totals.items()} == {
        ("tables", "2026-08"): expected(AUGUST, "")[1:],
        ("tables", "2026-09"): expected(SEPTEMBER, "")[1:],
    }
    assert "2 months in bigquery://" in installation.done("doctor").out
    assert "nothing new" in installation.done().out
    store.insert(export, "export", rows("2026-08", LATE, exported="2026-10-04"))
    installation.done()
    after = installation.totals()
    assert after["tables", "2026-08"][1:] == expected(AUGUST + LATE, "")[1:]
    assert after["tables", "2026-09"] == totals["tables", "2026-09"]


def test_listing(opened, export):
    """One object a month; the version tells rows and newest export time."""
    listed = opened(place(export)).list()
    assert [(item.key, item.version) for item in listed] == [
        ("invoice_month=202608/rows.parquet", "2-2026-09-01T06:00:00+00:00"),
        ("invoice_month=202609/rows.parquet", "1-2026-10-01T06:00:00+00:00"),
    ]
    assert all(item.size_bytes > 0 for item in listed)
    assert listed[0].modified.isoformat() == "2026-09-01T06:00:00+00:00"


def test_nested_columns(opened, export, tmp_path):
    """As they are in the table; money stays decimal."""
    storage = opened(place(export))
    item = storage.list()[0]
    sha256 = storage.download(item, tmp_path / "file")
    assert sha256 == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    table = parquet.read_table(tmp_path / "file")
    assert str(table.schema.field("cost").type) == "decimal128(38, 9)"
    assert table.schema.field("invoice").type.field("month").type == "string"
    assert table.column("labels").to_pylist() == [[{"key": "team", "value": "shop"}]] * 2
    assert sorted(map(str, table.column("cost").to_pylist())) == ["1.250000000", "2.000000000"]


def test_read_and_another_instance(opened, export, tmp_path):
    """What was listed by one is read by another."""
    item = opened(place(export)).list()[1]
    opened(place(export)).download(item, tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 1
    assert opened(place(export)).read(item.key)[:4] == b"PAR1"
    with pytest.raises(InputError, match="is not there"):
        opened(place(export)).read("invoice_month=202501/rows.parquet")


def test_row_groups_are_bounded(opened, store, bucket, tmp_path, monkeypatch):
    """A month larger than memory is written piece by piece."""
    store.make_table(bucket, "export", EXPORT)
    store.do(
        f"insert into `{PROJECT}.{bucket}.export` (billing_account_id, cost, export_time, invoice)"
        " select 'a', cast(n as numeric), timestamp '2026-09-01 00:00:00', struct('202608')"
        " from unnest(generate_array(1, 5000)) as n"
    )
    storage = opened(place(bucket))
    module = sys.modules["finops_stack.deliveries.storage.bigquery"]
    monkeypatch.setattr(module, "_ROW_GROUP_ROWS", 1000)
    monkeypatch.setattr(module, "_PAGE_ROWS", 700)
    storage.download(storage.list()[0], tmp_path / "file")
    metadata = parquet.read_metadata(tmp_path / "file")
    assert metadata.num_rows == 5000
    groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert max(groups) <= 1000
    assert len(groups) >= 5


def test_partitions_of_the_month_only(opened, store, bucket, tmp_path):
    """Where a column partitions the table, the query names the days."""
    store.make_table(bucket, "export", EXPORT, partition="export_time")
    store.insert(bucket, "export", rows("2026-08", AUGUST, exported="2026-09-01"))
    store.insert(bucket, "export", rows("2026-08", LATE, exported="2026-10-04"))
    storage = opened(place(bucket))
    storage.download(storage.list()[0], tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 3
    newest = max(store.client.list_jobs(all_users=True), key=lambda job: job.created)
    assert "t.`export_time` between @first_day and @last_day" in newest.query
    assert "202608" not in newest.query


@pytest.mark.parametrize("kind", ["TIMESTAMP", "DATE", "STRING"])
def test_focus_shape(opened, store, bucket, tmp_path, kind):
    """Months by BillingPeriodStart, which may begin at another midnight than UTC's."""
    start = {"TIMESTAMP": "2026-08-01T07:00:00Z", "DATE": "2026-08-01"}
    schema = [SchemaField("BillingPeriodStart", kind), SchemaField("x_ExportTime", "TIMESTAMP")]
    store.make_table(bucket, "focus", schema)
    value = start.get(kind, "2026-08-01T00:00:00Z")
    row = {"BillingPeriodStart": value, "x_ExportTime": "2026-09-01T00:00:00Z"}
    store.insert(bucket, "focus", [row])
    storage = opened(place(bucket, "focus"))
    (item,) = storage.list()
    assert item.key == "billing_period=2026-08/rows.parquet"
    storage.download(item, tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 1


def test_without_an_export_time(opened, store, bucket, tmp_path):
    """As new as the table; a change of any month is one of all."""
    fields = [field for field in EXPORT if field.name != "export_time"]
    store.make_table(bucket, "export", fields)
    put = [rows("2026-08", AUGUST, exported="x"), rows("2026-09", SEPTEMBER, exported="x")]
    plain = [[{k: v for k, v in r.items() if k != "export_time"} for r in each] for each in put]
    store.insert(bucket, "export", plain[0] + plain[1])
    storage = opened(place(bucket))
    for item in storage.list():
        storage.download(item, tmp_path / "file")
    assert [item.version for item in storage.list()] == [i.version for i in storage.list()]
    store.insert(bucket, "export", plain[1])
    with pytest.raises(ChangedWhileReadError):
        storage.download(item, tmp_path / "file")


def test_rows_that_arrive_while_a_month_is_read(opened, store, export, tmp_path):
    """Not the listed rows: refused, and taken by the next run."""
    storage = opened(place(export))
    item = storage.list()[0]
    store.insert(export, "export", rows("2026-08", LATE, exported="2026-10-04"))
    with pytest.raises(ChangedWhileReadError, match="changed while it was read"):
        storage.download(item, tmp_path / "file")
    storage.download(storage.list()[0], tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 3


def test_rows_without_a_month(opened, store, export):
    """Their cost would be in no bill."""
    (row,) = rows("2026-08", ["1"], exported="2026-10-04")
    store.insert(export, "export", [row | {"invoice": {"month": None}}])
    with pytest.raises(InputError, match="the month of 1 rows is none"):
        opened(place(export)).list()


def test_a_table_that_is_no_bill(opened, store, bucket):
    store.make_table(bucket, "other", [SchemaField("a", "STRING")])
    with pytest.raises(InputError, match=r"neither invoice\.month nor BillingPeriodStart"):
        opened(place(bucket, "other")).list()


def test_a_view(opened, store, export, tmp_path):
    """Read like a table; what tells its news must be in it."""
    of = f"`{PROJECT}.{export}.export`"
    columns = "invoice, cost, export_time"
    store.do(f"create view `{PROJECT}.{export}.everything` as select {columns} from {of}")
    storage = opened(place(export, "everything"))
    items = storage.list()
    assert [item.version for item in items] == [i.version for i in opened(place(export)).list()]
    storage.download(items[0], tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 2
    store.do(f"create view `{PROJECT}.{export}.blind` as select invoice, cost from {of}")
    with pytest.raises(InputError, match="is a view without export_time"):
        opened(place(export, "blind")).list()


def test_no_credentials(installation):
    installation.sources = [("acme", place("billing"), {})]
    installation.write_settings()
    ended = installation.run("plan")
    assert ended.code == 2
    assert f"no Google credentials were found to read {place('billing')}" in ended.err
    assert "no Google credentials" in installation.run("doctor").out


def test_no_table(installation, store, export):
    installation.add_source("acme", place(export, "nope"), endpoint_url=store.url)
    ended = installation.run("plan")
    assert ended.code == 2
    assert f"there is no table {place(export, 'nope')}" in ended.err


def test_no_name_of_a_table(installation, store):
    ended = installation.run("add", "acme", "bigquery://test-project/billing/x;drop")
    assert ended.code == 2
    assert "names no table" in ended.err
