"""N1, N2: what an S3 server or a network can do wrong; one clear message, no storm, no secret."""

import time

import pytest
from finops_runner import wait_until
from installation import bill_csv, expected, manifest
from object_store import KEY, SECRET

AUGUST = ["1.25", "2"]
BUDGET_S = 3
SHORT = {"finops_stack.deliveries.storage.retry.RETRY_BUDGET_S": BUDGET_S}
KEY_2026_08 = "exports/2026-08/2026-08-d1.csv"
LISTING = r"list-type=2"
MANIFEST = r"^GET .*manifest\.json"
FILE = r"^GET .*\.csv"


@pytest.fixture
def bills(installation, store, proxy, bucket):
    """One delivery behind the proxy."""
    store.put(bucket, KEY_2026_08, bill_csv("2026-08", AUGUST))
    store.put(bucket, "exports/2026-08/manifest.json", manifest("d1", KEY_2026_08))
    installation.add_source("acme", f"s3://{bucket}/exports", endpoint_url=proxy.url)
    return installation


def require_one_message(ended, code, *words):
    """Exit code, each word once or more, one warning, no traceback, no secret."""
    assert ended.code == code, ended.text
    for word in words:
        assert word in ended.err, (word, ended.err)
    assert ended.err.count("warning:") + ended.err.count("error:") == 1, ended.err
    assert "hint:" in ended.err
    assert "Traceback" not in ended.text
    assert SECRET not in ended.text
    assert KEY not in ended.text


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("AccessDenied", 2, ["s3:ListBucket s3://{bucket}/exports/", "AccessDenied"]),
        ("InvalidAccessKeyId", 2, ["s3:ListBucket s3://{bucket}/exports/", "InvalidAccessKeyId"]),
        ("SignatureDoesNotMatch", 2, ["s3:ListBucket", "SignatureDoesNotMatch"]),
        ("ExpiredToken", 2, ["s3:ListBucket s3://{bucket}/exports/", "ExpiredToken", "renew"]),
        ("RequestTimeTooSkewed", 2, ["s3:ListBucket", "clock"]),
        ("PermanentRedirect", 2, ["bucket {bucket} lies in another region", "set region"]),
    ],
)
def test_refused_listing(bills, proxy, bucket, kind, code, words):
    """Not tried again: it would not be granted the second time either."""
    proxy.break_with(kind)
    ended = bills.run("plan")
    require_one_message(ended, code, *(word.format(bucket=bucket) for word in words))
    # botocore itself looks once where a bucket lies that was moved.
    assert proxy.count(LISTING) == (2 if kind == "PermanentRedirect" else 1)


def test_refused_file(bills, proxy, bucket):
    """The bill is refused, its key and the action named; nothing is loaded."""
    proxy.break_with("AccessDenied", FILE)
    ended = bills.run()
    require_one_message(ended, 2, "acme 2026-08 was refused", "s3:GetObject", KEY_2026_08)
    assert proxy.count(FILE) == 1
    assert bills.totals() == {}
    proxy.reset()
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


def test_refused_manifest(bills, proxy):
    proxy.break_with("AccessDenied", MANIFEST)
    ended = bills.run()
    assert ended.code == 2, ended.text
    assert "s3:GetObject" in ended.err
    assert "2026-08/manifest.json was refused (AccessDenied)" in ended.err
    assert "Traceback" not in ended.text
    assert proxy.count(MANIFEST) == 1


def test_no_credentials(bills, proxy):
    bills.env = {}
    ended = bills.run("plan")
    require_one_message(ended, 2, "no AWS credentials were found", "s3:ListBucket", "profile")
    assert proxy.requests == []


def test_no_bucket(bills, bucket):
    bills.sources[0] = ("acme", f"s3://{bucket}-not/exports", bills.sources[0][2])
    bills.write_settings()
    require_one_message(bills.run("plan"), 2, f"there is no bucket {bucket}-not")


def test_role_refused(bills, proxy):
    """AssumeRole is what was refused; S3 was never asked."""
    bills.sources[0][2]["role_arn"] = "arn:aws:iam::123456789012:role/bills"
    bills.write_settings()
    proxy.break_with("AccessDenied", r"^POST /")
    ended = bills.run("plan")
    require_one_message(
        ended, 2, "sts:AssumeRole", "arn:aws:iam::123456789012:role/bills", "AccessDenied"
    )
    assert proxy.count("list-type") == 0


@pytest.mark.parametrize("kind", ["InternalError", "SlowDown", "TooManyRequests", "reset"])
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
    assert proxy.count(MANIFEST) == 2


def test_passing_faults_of_a_file(bills, proxy):
    """All kinds after each other, then a slow but whole answer: loaded right."""
    kinds = ["InternalError", "reset", "reset in body", "cut body", "short body"]
    for kind in kinds:
        proxy.break_with(kind, FILE, times=1)
    proxy.break_with("slow body", FILE)
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    assert proxy.count(FILE) == len(kinds) + 1


@pytest.mark.parametrize("kind", ["SlowDown", "reset", "cut body"])
def test_lasting_fault(bills, proxy, kind):
    """Given up after the budget; tried a few times, not hundreds."""
    proxy.break_with(kind, FILE)
    started = time.monotonic()
    ended = bills.run(constants=SHORT)
    assert time.monotonic() - started < BUDGET_S + 25
    require_one_message(ended, 1, "acme 2026-08 was refused", "s3:GetObject", KEY_2026_08)
    assert 2 <= proxy.count(FILE) < 30
    assert bills.totals() == {}
    assert bills.debris() == []


def test_nobody_there(bills):
    """A server that is not there: named, within the budget."""
    bills.sources[0][2]["endpoint_url"] = "http://127.0.0.1:9"
    bills.write_settings()
    ended = bills.run("plan", constants=SHORT)
    require_one_message(ended, 1, "s3:ListBucket", "127.0.0.1:9")


def test_changed_between_listing_and_reading(bills, store, bucket):
    """If-Match: the bytes that were listed, or none; the next run takes the new delivery."""
    restated = ["7"]
    log = bills.folder / "points.log"
    run = bills.start(points=str(log), pause_at=["after list", 1, 4])
    wait_until(log.exists, 60)
    store.put(bucket, KEY_2026_08, bill_csv("2026-08", restated))
    ended = run.wait()
    require_one_message(
        ended, 2, "acme 2026-08 was refused", f"{KEY_2026_08} changed while it was read"
    )
    assert bills.totals() == {}
    bills.done()
    assert bills.totals() == {("acme", "2026-08"): expected(restated, "d1")}


def test_one_broken_source_of_two(bills, store, proxy, bucket):
    """One source refuses its listing; the bills of the other are published."""
    store.put(bucket, "others/2026-08/2026-08-o1.csv", bill_csv("2026-08", ["9"]))
    store.put(
        bucket, "others/2026-08/manifest.json", manifest("o1", "others/2026-08/2026-08-o1.csv")
    )
    bills.add_source("others", f"s3://{bucket}/others", endpoint_url=proxy.url)
    proxy.break_with("AccessDenied", r"prefix=exports")
    ended = bills.run()
    require_one_message(ended, 2, "source acme: s3:ListBucket")
    assert bills.totals() == {("others", "2026-08"): expected(["9"], "o1")}
