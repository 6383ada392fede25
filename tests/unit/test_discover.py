"""Manifests → deliveries: which is newest, which is whole, and what is wrong with the others."""

import json
import os

import pytest

from acme_bills import OWN_VENDORS, acme_delivery
from finops_stack.deliveries.discover import discover
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.catalog import load_vendor

SEPTEMBER = BillingPeriod(2026, 9)
ACME = load_vendor("acme", [OWN_VENDORS])


def find(folder, storage=None):
    return discover("acme", ACME, storage or LocalFolder(str(folder)))


def chosen(folder):
    return {str(month): d.delivery_id for month, d in find(folder).chosen().items()}


def put_manifest(folder, content, month="2026-09", version=""):
    place = folder / month / version
    place.mkdir(parents=True, exist_ok=True)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    (place / "manifest.json").write_bytes(body)


class InBucket(LocalFolder):
    """The folder, as a bucket shows it: full keys begin with a prefix."""

    bucket = "bills"
    prefix = "exports/"


def test_months_and_files_in_order(tmp_path):
    acme_delivery(tmp_path, "2026-10")
    acme_delivery(tmp_path, "2026-09", files=2)
    found = find(tmp_path)
    assert [str(month) for month in found.chosen()] == ["2026-09", "2026-10"]
    delivery = found.chosen()[SEPTEMBER]
    assert [item.key for item in delivery.files] == ["2026-09/d1-1.csv", "2026-09/d1-2.csv"]
    assert delivery.size_bytes == sum(item.size_bytes for item in delivery.files) > 0
    assert (delivery.complete, delivery.layout, delivery.vendor) == (True, "monthly", "acme")
    assert found.waiting() == []


def test_newest_version_is_told_by_its_text_not_by_file_times(tmp_path):
    old = acme_delivery(tmp_path, delivery_id="old", version="20261001T000000Z")
    new = acme_delivery(tmp_path, delivery_id="new", version="20261003T000000Z")
    os.utime(new.manifest, (1, 1))
    os.utime(old.manifest, (2_000_000_000, 2_000_000_000))
    delivery = find(tmp_path).chosen()[SEPTEMBER]
    assert delivery.delivery_id == "new"
    assert f"{delivery.delivered_at}" == "2026-10-03 00:00:00"


def test_the_pointer_says_which_version_is_current(tmp_path):
    older = acme_delivery(tmp_path, delivery_id="v1", version="20261001T000000Z")
    acme_delivery(tmp_path, delivery_id="v2", version="20261003T000000Z")
    (tmp_path / "2026-09" / "manifest.json").write_bytes(older.manifest.read_bytes())
    assert chosen(tmp_path) == {"2026-09": "v1"}
    delivery = find(tmp_path).chosen()[SEPTEMBER]
    assert f"{delivery.delivered_at}" == "2026-10-01 00:00:00"


def test_a_pointer_alone_is_enough(tmp_path):
    acme_delivery(tmp_path, delivery_id="only")
    assert chosen(tmp_path) == {"2026-09": "only"}


def test_an_incomplete_newest_waits_and_the_older_complete_one_is_taken(tmp_path):
    acme_delivery(tmp_path, delivery_id="v1", version="20261001T000000Z")
    newer = acme_delivery(tmp_path, delivery_id="v2", version="20261003T000000Z", files=3)
    newer.files[1].unlink()
    found = find(tmp_path)
    assert found.chosen()[SEPTEMBER].delivery_id == "v1"
    (waiting,) = found.waiting()
    assert waiting.delivery_id == "v2"
    assert waiting.why_not() == "1 of its files are not there: 2026-09/20261003T000000Z-2.csv"


def test_an_incomplete_older_one_is_of_no_interest(tmp_path):
    acme_delivery(tmp_path, delivery_id="v1", version="20261001T000000Z").file.unlink()
    acme_delivery(tmp_path, delivery_id="v2", version="20261003T000000Z")
    assert find(tmp_path).waiting() == []
    assert chosen(tmp_path) == {"2026-09": "v2"}


def test_a_broken_pointer_is_reported_and_the_newest_version_taken(tmp_path):
    acme_delivery(tmp_path, delivery_id="v1", version="20261001T000000Z")
    acme_delivery(tmp_path, delivery_id="v2", version="20261003T000000Z")
    put_manifest(tmp_path, b'{"id": "v3", "fil')
    found = find(tmp_path)
    assert found.chosen()[SEPTEMBER].delivery_id == "v2"
    assert "is not JSON" in found.waiting()[0].why_not()


def test_many_missing_files_are_counted_not_all_listed(tmp_path):
    put_manifest(tmp_path, {"id": "x", "files": [f"2026-09/{n}.csv" for n in range(12)]})
    why = find(tmp_path).waiting()[0].why_not()
    assert why.startswith("12 of its files are not there: 2026-09/0.csv")
    assert why.endswith("and 7 more")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"id": "x", "files": ["2026-09/d1-1.', "is not JSON"),
        (b"<html>403</html>", "is not JSON"),
        (b"\xff\xfe{\x00}\x00", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b'{"id": "x"}', "has no files"),
        (b'{"id": "x", "files": []}', "lists no files"),
        (b'{"id": "x", "files": null}', "is not a list"),
        (b'{"id": "x", "files": "2026-09/d1-1.csv"}', "is not a list"),
        (b'{"id": "x", "files": [1]}', "no file name"),
        (b'{"id": "x", "files": [null]}', "no file name"),
        (b'{"id": "x", "files": [{"title": "a"}]}', "no file name"),
        (b'{"id": "x", "files": [{"path": 3}]}', "no file name"),
        (b'{"id": "x", "files": [""]}', "no file name"),
        (b'{"id": "\\ud800", "files": ["2026-09/d1-1.csv"]}', "control characters"),
        (b'{"id": "a\\u0000b", "files": ["2026-09/d1-1.csv"]}', "control characters"),
        (b'{"id": "x", "files": ["a\\u001b[31m.csv"]}', "control characters"),
        (b'{"id": "x", "files": ["2026-09/d1-1.csv", "2026-09/d1-1.csv"]}', "twice"),
        (b'{"id": "x", "files": ["2026-09/d1-1.csv", "up/2026-09/d1-1.csv"]}', "twice"),
    ],
)
def test_a_manifest_that_says_nothing_usable(tmp_path, content, says):
    acme_delivery(tmp_path)
    put_manifest(tmp_path, content)
    found = find(tmp_path)
    assert found.chosen() == {}
    (waiting,) = found.waiting()
    assert says in waiting.why_not()
    assert "2026-09/manifest.json" in waiting.why_not()


@pytest.mark.parametrize(
    "listed",
    [
        "../../etc/passwd",
        "2026-09/../../x.csv",
        "2026-09/./d1-1.csv",
        "..\\x.csv",
        "2026-09\\d1-1.csv",
        "s3://bills/exports/../x.csv",
    ],
)
def test_a_listed_file_must_not_climb(tmp_path, listed):
    put_manifest(tmp_path, {"id": "x", "files": [listed]})
    assert "outside its place" in find(tmp_path).waiting()[0].why_not()


@pytest.mark.parametrize(
    "listed", ["/etc/passwd", "%2e%2e/etc/passwd", "a" * 5000, "CON", "~root/x"]
)
def test_a_strange_name_is_a_missing_file_and_nothing_else(tmp_path, listed):
    put_manifest(tmp_path, {"id": "x", "files": [listed]})
    assert find(tmp_path).waiting()[0].missing == (listed,)


def test_another_bucket_is_refused_and_our_own_is_not(tmp_path):
    acme_delivery(tmp_path)
    put_manifest(tmp_path, {"id": "x", "files": ["s3://other/exports/2026-09/d1-1.csv"]})
    assert "another bucket" in find(tmp_path, InBucket(str(tmp_path))).waiting()[0].why_not()
    put_manifest(tmp_path, {"id": "x", "files": ["s3://bills/exports/2026-09/d1-1.csv"]})
    assert find(tmp_path, InBucket(str(tmp_path))).chosen()[SEPTEMBER].complete


@pytest.mark.parametrize(
    "entry",
    [
        "2026-09/d1-1.csv",
        "/2026-09/d1-1.csv",
        "exports/2026-09/d1-1.csv",
        "s3://bills/exports/2026-09/d1-1.csv",
        {"path": "2026-09/d1-1.csv"},
        {"uri": "s3://bills/exports/2026-09/d1-1.csv", "sizeBytes": 3},
    ],
)
def test_every_way_of_writing_a_file_name(tmp_path, entry):
    acme_delivery(tmp_path)
    put_manifest(tmp_path, {"id": "x", "files": [entry]})
    for storage in (LocalFolder(str(tmp_path)), InBucket(str(tmp_path))):
        (item,) = find(tmp_path, storage).chosen()[SEPTEMBER].files
        assert item.key == "2026-09/d1-1.csv"


def test_no_other_months_file_stands_in(tmp_path):
    acme_delivery(tmp_path, "2026-08")
    put_manifest(tmp_path, {"id": "x", "files": ["2026-09/d1-1.csv"]})
    assert find(tmp_path).waiting()[0].missing == ("2026-09/d1-1.csv",)


def test_a_manifest_with_a_bom_is_read(tmp_path):
    acme_delivery(tmp_path)
    put_manifest(tmp_path, b"\xef\xbb\xbf" + b'{"id": "bom", "files": ["2026-09/d1-1.csv"]}')
    assert chosen(tmp_path) == {"2026-09": "bom"}


def test_folder_names_in_either_case(tmp_path):
    acme_delivery(tmp_path)
    (tmp_path / "2026-09" / "manifest.json").rename(tmp_path / "2026-09" / "MANIFEST.JSON")
    assert chosen(tmp_path) == {"2026-09": "d1"}


def test_without_an_id_the_version_then_the_manifest_itself_tells_deliveries_apart(tmp_path):
    acme_delivery(tmp_path, version="20261001T000000Z")
    put_manifest(
        tmp_path, {"files": ["2026-09/20261001T000000Z-1.csv"]}, version="20261001T000000Z"
    )
    assert chosen(tmp_path) == {"2026-09": "20261001T000000Z"}
    acme_delivery(tmp_path, "2026-08")
    put_manifest(tmp_path, {"files": ["2026-08/d1-1.csv"]}, month="2026-08")
    before = chosen(tmp_path)["2026-08"]
    put_manifest(tmp_path, {"files": ["2026-08/d1-1.csv"], "more": 1}, month="2026-08")
    assert before and chosen(tmp_path)["2026-08"] != before


def test_the_fingerprint_changes_with_any_file(tmp_path):
    delivered = acme_delivery(tmp_path)
    before = find(tmp_path).chosen()[SEPTEMBER]
    assert find(tmp_path).chosen()[SEPTEMBER].fingerprint == before.fingerprint
    delivered.file.write_bytes(delivered.file.read_bytes() + b"\n")
    after = find(tmp_path).chosen()[SEPTEMBER]
    assert (after.delivery_id, after.fingerprint != before.fingerprint) == ("d1", True)


def test_a_folder_of_no_month_names_the_manifest(tmp_path):
    acme_delivery(tmp_path)
    put_manifest(tmp_path, {"id": "x", "files": []}, month="2026-13")
    with pytest.raises(InputError, match=r"2026-13/manifest\.json"):
        find(tmp_path)


def test_nothing_recognised_says_what_is_there_and_what_is_expected(tmp_path):
    (tmp_path / "readme.txt").write_text("hello", encoding="utf-8")
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.csv", os.O_CREAT))
    with pytest.raises(InputError, match="no manifest among 2 files") as refused:
        find(tmp_path)
    assert "monthly folders" in refused.value.hint
    refused.value.message.encode()


def test_an_empty_folder_and_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nothing at all"):
        find(tmp_path)
    with pytest.raises(InputError, match="is not there"):
        find(tmp_path / "none")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is not a folder"):
        find(tmp_path / "file")


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("account,service,amount\n", encoding="utf-8")
    bills = tmp_path / "bills"
    acme_delivery(bills).file.unlink()
    (bills / "2026-09" / "d1-1.csv").symlink_to(secret)
    (bills / "loop").symlink_to(bills)
    (bills / "self.csv").symlink_to(bills / "self.csv")
    assert find(bills).waiting()[0].missing == ("2026-09/d1-1.csv",)
