"""Bills in Azure storage: found, read and loaded, whatever way the container is reached."""

import datetime
import sys

import pytest
from azure.storage.blob import ContainerSasPermissions, ContentSettings, generate_container_sas
from azure_store import ACCOUNT, KEY
from installation import bill_csv, expected, manifest

from finops_stack.config import AzureSettings, Source
from finops_stack.deliveries.storage import open_storage
from finops_stack.deliveries.storage.base import ChangedWhileReadError
from finops_stack.errors import InputError

AUGUST, RESTATED = ["1.25", "2"], ["3"]


def deliver(store, bucket, prefix, month, delivery_id, amounts):
    """A delivery below the prefix, its names written as Azure writes them: from the container."""
    key = f"{prefix}{month}/{month}-{delivery_id}.csv"
    store.put(bucket, key, bill_csv(month, amounts))
    store.put(bucket, f"{prefix}{month}/manifest.json", manifest(delivery_id, key))
    return key


def endpoint(store):
    return f"{store.url}/{ACCOUNT}"


def connection_string(store, secret=f"AccountKey={KEY}"):
    return f"AccountName={ACCOUNT};{secret};BlobEndpoint={endpoint(store)};"


def signature(bucket, *, days=1):
    return generate_container_sas(
        ACCOUNT,
        bucket,
        account_key=KEY,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days),
    )


@pytest.fixture
def opened(store, bucket, monkeypatch):
    """The container's storage, in this process."""
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)

    def open_at(prefix=""):
        settings = AzureSettings(account=ACCOUNT, endpoint_url=endpoint(store))
        place = f"az://{bucket}/{prefix}"
        return open_storage(Source(name="x", vendor="acme", location=place, azure=settings))

    return open_at


def test_add_run_restate(installation, store, bucket):
    """End to end."""
    deliver(store, bucket, "exports/acme/", "2026-08", "d1", AUGUST)
    place = f"az://{bucket}/exports/acme"
    added = installation.done(
        "add", "acme", place, "--account", ACCOUNT, "--endpoint-url", endpoint(store)
    )
    assert "2026-08" in added.out
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    assert "1 months in az://" in installation.done("doctor").out.replace("\n", " ")
    deliver(store, bucket, "exports/acme/", "2026-08", "d2", RESTATED)
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(RESTATED, "d2")}
    assert "nothing new" in installation.done().out


@pytest.mark.parametrize(
    "location",
    [
        "https://{account}.blob.core.windows.net/{bucket}/exports",
        "abfss://{bucket}@{account}.dfs.core.windows.net/exports/",
        "az://{bucket}/exports",
    ],
)
def test_the_same_place_written_in_three_ways(installation, store, bucket, location):
    deliver(store, bucket, "exports/", "2026-08", "d1", AUGUST)
    deliver(store, bucket, "exports-of-others/", "2026-07", "d1", AUGUST)
    place = location.format(account=ACCOUNT, bucket=bucket)
    installation.add_source("acme", place, endpoint_url=endpoint(store), account=ACCOUNT)
    ended = installation.done("plan")
    assert "1 deliveries to load" in ended.out
    assert "2026-07" not in ended.out
    again = f"abfss://{bucket}@{ACCOUNT}.dfs.core.windows.net/exports"
    installation.add_source("other", again, endpoint_url=endpoint(store))
    ended = installation.run("plan")
    assert ended.code == 2
    assert "its cost would count twice" in ended.err


def test_whole_container(installation, store, bucket):
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.add_source("acme", f"az://{bucket}", endpoint_url=endpoint(store), account=ACCOUNT)
    assert "1 deliveries to load" in installation.done("plan").out


def test_connection_string(installation, store, bucket):
    """It names the account and the endpoint; the settings need not."""
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.env = {"AZURE_STORAGE_CONNECTION_STRING": connection_string(store)}
    installation.add_source("acme", f"az://{bucket}")
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


def test_malformed_connection_string(installation, bucket):
    installation.env = {"AZURE_STORAGE_CONNECTION_STRING": f"AccountKey={KEY}"}
    installation.add_source("acme", f"az://{bucket}")
    ended = installation.run("plan")
    assert ended.code == 2
    assert "AZURE_STORAGE_CONNECTION_STRING is no connection string" in ended.err
    assert KEY not in ended.text


def test_connection_string_of_another_account(installation, store, bucket):
    """Passed over: the key of this account is beside it."""
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    other = connection_string(store).replace(ACCOUNT, "another")
    installation.env["AZURE_STORAGE_CONNECTION_STRING"] = other
    installation.add_source("acme", f"az://{bucket}", account=ACCOUNT, endpoint_url=endpoint(store))
    assert "1 deliveries to load" in installation.done("plan").out


@pytest.mark.parametrize("form", ["{}", "?{}"])
def test_signature(installation, store, bucket, form):
    deliver(store, bucket, "", "2026-08", "d1", AUGUST)
    installation.env = {"AZURE_STORAGE_SAS_TOKEN": form.format(signature(bucket))}
    installation.add_source("acme", f"az://{bucket}", account=ACCOUNT, endpoint_url=endpoint(store))
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}


@pytest.mark.parametrize("as_string", [True, False])
def test_expired_signature(installation, store, bucket, as_string):
    """Refused; the signature is in no output, nor where nobody answers."""
    token = signature(bucket, days=-1)
    installation.env = {"AZURE_STORAGE_SAS_TOKEN": token}
    if as_string:
        text = connection_string(store, f"SharedAccessSignature={token}")
        installation.env = {"AZURE_STORAGE_CONNECTION_STRING": text}
    installation.add_source("acme", f"az://{bucket}", account=ACCOUNT, endpoint_url=endpoint(store))
    ended = installation.run("plan")
    assert ended.code == 2
    assert f"was refused with {next(iter(installation.env))}" in ended.err
    assert "Storage Blob Data Reader" in ended.err
    assert token.rpartition("sig=")[2] not in ended.text


def test_token(installation, tls_store, bucket_names, tokens, certificate):
    """No key at all: Azure's chain finds the machine's identity, and asks for that tenant."""
    bucket = next(bucket_names)
    tls_store.make_bucket(bucket)
    deliver(tls_store, bucket, "", "2026-08", "d1", AUGUST)
    installation.env = {
        "IDENTITY_ENDPOINT": tokens.url,
        "IDENTITY_HEADER": "x",
        "REQUESTS_CA_BUNDLE": certificate[0],
    }
    installation.add_source(
        "acme", f"az://{bucket}", account=ACCOUNT, endpoint_url=endpoint(tls_store), tenant="a.org"
    )
    installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(AUGUST, "d1")}
    tokens.refuse = True
    ended = installation.run("plan")
    assert ended.code == 2
    assert "no Azure credentials were found to list" in ended.err
    assert "Traceback" not in ended.text


def test_no_credentials(installation, bucket):
    installation.env = {}
    installation.add_source("acme", f"az://{bucket}", account=ACCOUNT)
    ended = installation.run("plan")
    assert ended.code == 2
    assert "no Azure credentials were found to list https://" in ended.err
    assert "az login" in ended.err
    doctor = installation.run("doctor")
    assert doctor.code == 2
    assert "no Azure credentials were found" in doctor.out


def test_no_token_over_http(installation, store, bucket):
    installation.env = {}
    installation.add_source("acme", f"az://{bucket}", account=ACCOUNT, endpoint_url=endpoint(store))
    ended = installation.run("plan")
    assert ended.code == 2
    assert "tokens are not sent over http://" in ended.err


def test_no_account(installation, bucket):
    installation.add_source("acme", f"az://{bucket}")
    ended = installation.run("plan")
    assert ended.code == 2
    assert "the source names no storage account" in ended.err


def test_more_blobs_than_a_page(opened, store, bucket):
    """A page is cut by its size, not by us: all of them come."""
    names = [f"exports/{number:04d}.txt" for number in range(30)]
    for name in names:
        store.put(bucket, name, b"")
    storage = opened("exports")
    pages = storage.client.list_blobs

    def small_pages(**options):
        return pages(results_per_page=7, **options)

    storage.client.list_blobs = small_pages
    assert [f"exports/{item.key}" for item in storage.list()] == names


def test_odd_names(opened, store, bucket, tmp_path):
    """Names a URL must escape; markers of folders are no bills."""
    names = ["a b#c%20?.csv", "ünïcode/é.csv", "it's;(1)+&=.csv"]
    for name in names:
        store.put(bucket, name, name.encode())
    store.put(bucket, "folder/", b"")
    store.put(bucket, "lake-folder", b"", metadata={"hdi_isfolder": "true"})
    storage = opened()
    found = {item.key: item for item in storage.list()}
    assert sorted(found) == sorted(names)
    for name in names:
        assert storage.read(name) == name.encode()
        storage.download(found[name], tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == name.encode()


def test_more_bytes_than_a_request(opened, store, bucket, tmp_path, monkeypatch):
    """Ranges, each pinned to the listed version."""
    monkeypatch.setitem(
        sys.modules["finops_stack.deliveries.storage.azure_blob"]._OPTIONS, "max_chunk_get_size", 10
    )
    monkeypatch.setitem(
        sys.modules["finops_stack.deliveries.storage.azure_blob"]._OPTIONS,
        "max_single_get_size",
        10,
    )
    store.put(bucket, "bill.csv", bytes(range(95)))
    storage = opened()
    (item,) = storage.list()
    storage.download(item, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == bytes(range(95))
    store.put(bucket, "bill.csv", bytes(95))
    with pytest.raises(ChangedWhileReadError):
        storage.download(item, tmp_path / "file")


def test_wrong_md5(opened, store, bucket, tmp_path):
    """Bytes that are not those the provider signed for are no bill."""
    wrong = ContentSettings(content_md5=bytearray(16))
    store.put(bucket, "bill.csv", b"1,2")
    store.client.get_blob_client(bucket, "bill.csv").set_http_headers(wrong)
    storage = opened()
    (item,) = storage.list()
    with pytest.raises(InputError, match="do not agree with its Content-MD5"):
        storage.download(item, tmp_path / "file")
    with pytest.raises(InputError, match="do not agree with its Content-MD5"):
        storage.read("bill.csv")


def test_without_the_extra(monkeypatch, bucket_names):
    """The error names what to install."""
    monkeypatch.delitem(sys.modules, "finops_stack.deliveries.storage.azure_blob", raising=False)
    monkeypatch.setitem(sys.modules, "azure.core", None)
    with pytest.raises(InputError, match=r"needs the package azure\.core") as caught:
        open_storage(Source(name="x", vendor="acme", location="az://container/"))
    assert "open-finops-stack[azure]" in caught.value.hint
