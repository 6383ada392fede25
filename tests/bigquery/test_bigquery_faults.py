"""What BigQuery or a network can do wrong; one clear message, no storm."""

import json

import pytest
from bigquery_store import PROJECT
from pyarrow import parquet
from tables import EXPORT, rows

from finops_stack.config import BigQuerySettings, Source
from finops_stack.deliveries.storage import open_storage, retry
from finops_stack.errors import FinopsError

TABLE = r"^GET .*/tables/"
QUERY = r"^POST .*/(queries|jobs)"
RESULTS = r"^GET .*/queries/"


@pytest.fixture
def storage(store, proxy, bucket):
    """A table of one month, behind the proxy."""
    store.make_table(bucket, "export", EXPORT)
    store.insert(bucket, "export", rows("2026-08", ["1", "2"], exported="2026-09-01"))
    location = f"bigquery://{PROJECT}/{bucket}/export"
    settings = BigQuerySettings(endpoint_url=proxy.url, maximum_bytes_billed=1_000_000)
    return open_storage(Source(name="x", vendor="acme", location=location, bigquery=settings))


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(retry, "RETRY_BUDGET_S", 3)


@pytest.mark.parametrize(
    ("match", "action"), [(TABLE, "bigquery.tables.get"), (QUERY, "bigquery.jobs.create")]
)
def test_refused(storage, proxy, match, action):
    """The permission is named; not tried again."""
    proxy.break_with("AccessDenied", match)
    with pytest.raises(FinopsError, match=rf"{action} bigquery://.* was refused \(403\)") as caught:
        storage.list()
    assert "BigQuery" in caught.value.hint
    assert proxy.count(match) == 1


@pytest.mark.parametrize("kind", ["InternalError", "SlowDown", "reset"])
@pytest.mark.parametrize("match", [TABLE, QUERY, RESULTS])
def test_passing_faults(storage, proxy, kind, match):
    proxy.break_with(kind, match, times=1)
    assert len(storage.list()) == 1


@pytest.mark.parametrize("kind", ["InternalError", "reset", "reset in body", "cut body"])
def test_passing_faults_of_a_month(storage, proxy, tmp_path, kind):
    """Rows are read again, and not queried again: that would cost twice."""
    item = storage.list()[0]
    proxy.requests.clear()
    proxy.break_with(kind, RESULTS, times=2)
    storage.download(item, tmp_path / "file")
    assert parquet.read_metadata(tmp_path / "file").num_rows == 2
    assert proxy.count(QUERY) == 1


def test_lasting_fault(storage, proxy, short, tmp_path):
    item = storage.list()[0]
    proxy.break_with("SlowDown", RESULTS)
    with pytest.raises(FinopsError, match="failed"):
        storage.download(item, tmp_path / "file")
    assert 2 <= proxy.count(RESULTS) < 30


def test_nobody_there(short):
    settings = BigQuerySettings(endpoint_url="http://127.0.0.1:9")
    location = "bigquery://test-project/billing/export"
    storage = open_storage(Source(name="x", vendor="acme", location=location, bigquery=settings))
    with pytest.raises(FinopsError, match=r"bigquery\.tables\.get .*Connection refused"):
        storage.list()


def test_what_a_query_may_cost_is_limited(storage, proxy):
    """The limit goes along with every query; going past it is explained."""
    storage.list()
    assert proxy.bodies
    assert all(limit_of(body) == 1_000_000 for body in proxy.bodies)


def limit_of(body):
    sent = json.loads(body)
    query = sent.get("configuration", {}).get("query", sent)
    return int(query["maximumBytesBilled"])
