"""What Google Cloud Storage or a network can do wrong; one clear message, no storm, no secret."""

import time

import pytest
from finops_runner import wait_until
from installation import bill_csv, expected, manifest

AUGUST = ["1.25", "2"]
BUDGET_S = 3
SHORT = {"finops_stack.deliveries.storage.retry.RETRY_BUDGET_S": BUDGET_S}
KEY_2026_08 = "exports/2026-08/2026-08-d1.csv"
LISTING = r"/o\?"
MANIFEST = r"^GET /download/.*manifest\.json"
FILE = r"^GET /download/.*\.csv"


@pytest.fixture
def bills(installation, store, proxy, bucket):
    """One delivery behind the proxy."""
    store.put(bucket, KEY_2026_08, bill_csv("2026-08", AUGUST))
    store.put(bucket, "exports/2026-08/manifest.json", manifest("d1", KEY_2026_08))
    installation.add_source("acme", f"gs://{bucket}/exports", endpoint_url=proxy.url)
    return installation


def require_one_message(ended, code, *words):
    """Exit code, each word once or more, one warning, no traceback, no secret."""
    assert ended.code == code, ended.text
    for word in words:
        assert word in ended.err, (word, ended.err)
    assert ended.err.count("warning:") + ended.err.count("error:") == 1, ended.err
    assert "hint:" in ended.err
    assert "Traceback" not in ended.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [("AccessDenied", "was refused (403)"), ("ExpiredLogin", "the credentials were refused")],
)
def test_refused_listing(bills, proxy, bucket, kind, words):
    """Not tried again: it would not be granted the second time either."""
    proxy.break_with(kind)
    ended = bills.run("plan")
    require_one_message(ended, 2, f"storage.objects.list gs://{bucket}/exports/", words)
    assert proxy.count(LISTING) == 1


def test_refused_file(bills, proxy):
    """The bill is refused, its key and the action named; nothing is loaded."""
    proxy.break_with("AccessDenied", FILE)
    ended = bills.run()
    require_one_message(ended, 2, "acme 2026-08 was refused", "storage.objects.get", KEY_2026_08)
    assert proxy.count(FILE) == 1
    assert bills.totals() == {}
    proxy.reset()
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


def test_no_bucket(bills, bucket):
    bills.sources[0] = ("acme", f"gs://{bucket}-not/exports", bills.sources[0][2])
    bills.write_settings()
    require_one_message(bills.run("plan"), 2, f"there is no bucket {bucket}-not")


@pytest.mark.parametrize(
    "kind", ["InternalError", "ServiceUnavailable", "TooManyRequests", "reset"]
)
def test_passing_faults_of_listing(bills, proxy, kind):
    """Twice, then well: nobody notices."""
    proxy.break_with(kind, LISTING, times=2)
    bills.done("plan", constants=SHORT)
    assert proxy.count(LISTING) == 3


@pytest.mark.parametrize(
    "kind", ["ServiceUnavailable", "reset", "reset in body", "cut body", "short body"]
)
def test_passing_faults_of_a_manifest(bills, proxy, kind):
    proxy.break_with(kind, MANIFEST, times=1)
    assert "1 deliveries to load" in bills.done("plan", constants=SHORT).out


def test_passing_faults_of_a_file(bills, proxy):
    """All kinds after each other, then a slow but whole answer: loaded right."""
    for kind in ["InternalError", "reset", "reset in body", "cut body", "short body"]:
        proxy.break_with(kind, FILE, times=1)
    proxy.break_with("slow body", FILE)
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


@pytest.mark.parametrize("kind", ["ServiceUnavailable", "reset", "cut body"])
def test_lasting_fault(bills, proxy, kind):
    """Given up after the budget; tried a few times, not hundreds."""
    proxy.break_with(kind, FILE)
    started = time.monotonic()
    ended = bills.run(constants=SHORT)
    assert time.monotonic() - started < BUDGET_S + 25
    require_one_message(ended, 1, "acme 2026-08 was refused", "storage.objects.get", KEY_2026_08)
    assert 2 <= proxy.count(FILE) < 30
    assert bills.totals() == {}
    assert bills.debris() == []


def test_nobody_there(bills):
    """A server that is not there: named, within the budget."""
    bills.sources[0][2]["endpoint_url"] = "http://127.0.0.1:9"
    bills.write_settings()
    require_one_message(
        bills.run("plan", constants=SHORT), 1, "storage.objects.list", "127.0.0.1', port=9"
    )


def test_changed_between_listing_and_reading(bills, store, bucket):
    """Its generation: the bytes that were listed, or none; the next run takes the new delivery."""
    ended = meanwhile(bills, lambda: store.put(bucket, KEY_2026_08, bill_csv("2026-08", ["7"])))
    require_one_message(
        ended, 2, "acme 2026-08 was refused", f"{KEY_2026_08} changed while it was read"
    )
    assert bills.totals() == {}
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(["7"], "d1")}


def test_gone_between_listing_and_reading(bills, store, bucket):
    """As an export that overwrites takes the old run away."""
    blob = store.client.bucket(bucket).blob(KEY_2026_08)
    ended = meanwhile(bills, blob.delete)
    require_one_message(ended, 2, "acme 2026-08 was refused", f"{KEY_2026_08} is not there")


def meanwhile(bills, act):
    """Act between the listing and the rest of a run."""
    log = bills.folder / "points.log"
    run = bills.start(points=str(log), pause_at=["after list", 1, 4])
    wait_until(log.exists, 60)
    act()
    return run.wait()
