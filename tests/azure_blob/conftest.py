"""One azurite, one proxy before it and one fork server a session."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "harness"))

from azure_store import ACCOUNT, KEY, AzureStore, TokenServer, self_signed, why_not
from finops_runner import Runner
from installation import Installation, files_with
from object_store import FaultProxy


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    runner = Runner(tmp_path_factory.mktemp("runs"))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def store():
    if why_not():
        pytest.skip(why_not())
    store = AzureStore()
    yield store
    store.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def tls_store(certificate):
    if why_not():
        pytest.skip(why_not())
    store = AzureStore(certificate)
    yield store
    store.close()


@pytest.fixture
def tokens():
    server = TokenServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_proxy(store):
    proxy = FaultProxy(store)
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(shared_proxy):
    shared_proxy.reset()
    return shared_proxy


@pytest.fixture(scope="session")
def bucket_names():
    return (f"bills-{number}" for number in range(10_000))


@pytest.fixture
def bucket(store, bucket_names):
    name = next(bucket_names)
    store.make_bucket(name)
    return name


@pytest.fixture
def installation(tmp_path, runner):
    """Its key is in the environment; no word of it in a file (looked up at the end)."""
    installation = Installation(tmp_path / "installation", runner)
    installation.env = {"AZURE_STORAGE_KEY": KEY, "AZURE_STORAGE_ACCOUNT": ACCOUNT}
    yield installation
    assert files_with(KEY, tmp_path, runner.folder) == []
