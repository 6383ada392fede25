"""Bills in Google Cloud Storage: found, read and loaded, with whatever credentials there are."""

import gzip
import json
import sys

import pytest
from azure_store import TokenServer
from installation import bill_csv, expected, files_with, manifest

from finops_stack.config import GcsSettings, Source
from finops_stack.deliveries.storage import open_storage
from finops_stack.deliveries.storage.base import ChangedWhileReadError
from finops_stack.errors import InputError

AUGUST, RESTATED = ["1.25", "2"], ["3"]


def deliver(store, bucket, prefix, month, delivery_id, amounts):
    """A delivery below the prefix; the manifest names its files by gs:// URLs."""
    key = f"{prefix}{month}/{month}-{delivery_id}.csv"
    store.put(bucket, key, bill_csv(month, amounts))
    store.put(
        bucket, f"{prefix}{month}/manifest.json", manifest(delivery_id, f"gs://{bucket}/{key}")
    )
    return key


@pytest.fixture
def opened(store, bucket):
    """The bucket's storage, in this process."""

    def open_at(prefix=""):
        settings = GcsSettings(endpoint_url=store.url)
        location = f"gs://{bucket}/{prefix}"
        return open_storage(Source(name="x", vendor="acme", location=location, gcs=settings))

    return open_at


def test_add_run_restate(installation, store, bucket):
    """End to end."""
    deliver(store, bucket, "exports/acme/", "2026-08", "d1", AUGUST)
    added = installation.done(
        "add", "acme", f"gs://{bucket}/exports/acme", "--endpoint-url", store.url
    )
    assert "2026-08" in added.out
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    assert f"1 months in gs://{bucket}/exports/acme" in installation.done("doctor").out
    deliver(store, bucket, "exports/acme/", "2026-08", "d2", RESTATED)
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(RESTATED, "d2")}
    assert "nothing new" in installation.done().out


def test_an_option_of_another_storage_is_refused(installation, store, bucket):
    ended = installation.run("add", "acme", f"gs://{bucket}", "--profile", "x")
    assert ended.code == 2
    assert f"--profile is not for gs://{bucket}" in ended.err
    assert "--project, --endpoint-url" in ended.err


@pytest.mark.parametrize("location", ["exports", "exports/", ""])
def test_prefix(installation, store, bucket, location):
    """With and without a slash at the end; a longer prefix that begins alike is another place."""
    prefix = f"{location.rstrip('/')}/" if location else ""
    deliver(store, bucket, prefix, "2026-08", "d1", AUGUST)
    if location:
        deliver(store, bucket, "exports-of-others/", "2026-07", "d1", AUGUST)
    installation.add_source("acme", f"gs://{bucket}/{location}", endpoint_url=store.url)
    ended = installation.done("plan")
    assert "1 deliveries to load" in ended.out
    assert "2026-07" not in ended.out


def test_project_that_pays(installation, store, proxy, bucket):
    """It is named in every request."""
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.add_source("acme", f"gs://{bucket}", endpoint_url=proxy.url, project="payer-1")
    installation.done()
    assert len(proxy.requests) == 3
    assert proxy.count(r"userProject=payer-1") == 3


def test_no_credentials(installation, bucket):
    installation.add_source("acme", f"gs://{bucket}")
    ended = installation.run("plan")
    assert ended.code == 2
    assert f"no Google credentials were found to read gs://{bucket}" in ended.err
    assert "gcloud auth application-default login" in ended.err
    doctor = installation.run("doctor")
    assert doctor.code == 2
    assert "no Google credentials were found" in doctor.out


def test_refused_service_account(installation, bucket, tmp_path):
    """Its key is known no more: said once, and not the key."""
    tokens = TokenServer()
    tokens.refuse = True
    account = tmp_path.parent / f"{bucket}.json"
    account.write_text(json.dumps(service_account(tokens.url)))
    installation.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(account)
    installation.add_source("acme", f"gs://{bucket}", endpoint_url="https://127.0.0.1:9")
    ended = installation.run("plan")
    tokens.close()
    assert ended.code == 2
    assert "the credentials were refused (invalid_scope" in ended.err
    assert "Traceback" not in ended.text
    assert "PRIVATE" not in ended.text
    assert files_with("PRIVATE KEY", tmp_path) == []


def service_account(token_url):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "test",
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "bills@test.iam.example.org",
        "token_uri": token_url,
    }


def test_more_objects_than_a_page(opened, store, bucket, monkeypatch):
    names = [f"exports/{number:04d}.txt" for number in range(30)]
    for name in names:
        store.put(bucket, name, b"")
    storage = opened("exports")
    all_at_once = storage.client.list_blobs

    def small_pages(*arguments, **options):
        return all_at_once(*arguments, page_size=7, **options)

    monkeypatch.setattr(storage.client, "list_blobs", small_pages)
    assert [f"exports/{item.key}" for item in storage.list()] == names


def test_odd_names(opened, store, bucket, tmp_path):
    """Names a URL must escape; a folder's marker is no bill."""
    names = ["a b#c%20?.csv", "ünïcode/é.csv", "it's;(1)+&=.csv"]
    for name in names:
        store.put(bucket, name, name.encode())
    store.put(bucket, "folder/", b"")
    storage = opened()
    found = {item.key: item for item in storage.list()}
    assert sorted(found) == sorted(names)
    for name in names:
        assert storage.read(name) == name.encode()
        storage.download(found[name], tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == name.encode()


def test_stored_gzipped(opened, store, bucket, tmp_path):
    """Content-Encoding: gzip: the bytes that are stored, not those inside."""
    content = gzip.compress(b"1,2\n" * 1000)
    store.put(bucket, "bill.csv.gz", content, content_encoding="gzip")
    storage = opened()
    (item,) = storage.list()
    storage.download(item, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content


def test_replaced_after_the_listing(opened, store, bucket, tmp_path):
    store.put(bucket, "bill.csv", b"1")
    storage = opened()
    (item,) = storage.list()
    store.put(bucket, "bill.csv", b"2")
    with pytest.raises(ChangedWhileReadError, match="changed while it was read"):
        storage.download(item, tmp_path / "file")
    store.client.bucket(bucket).blob("bill.csv").delete()
    with pytest.raises(InputError, match="is not there"):
        storage.download(item, tmp_path / "file")


def test_without_the_extra(monkeypatch):
    """The error names what to install."""
    monkeypatch.delitem(sys.modules, "finops_stack.deliveries.storage.gcs", raising=False)
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(InputError, match=r"needs the package google\.cloud\.storage") as caught:
        open_storage(Source(name="x", vendor="acme", location="gs://bucket/"))
    assert "open-finops-stack[gcp]" in caught.value.hint
