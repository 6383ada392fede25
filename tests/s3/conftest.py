"""One S3 server, one proxy before it and one fork server a session."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "harness"))

from finops_runner import Runner
from installation import Installation, files_with
from object_store import CREDENTIALS, SECRET, FaultProxy, ObjectStore


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    runner = Runner(tmp_path_factory.mktemp("runs"))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def store():
    store = ObjectStore()
    yield store
    store.close()


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
    """Its credentials are in the environment; no word of them in a file (looked up at the end)."""
    installation = Installation(tmp_path / "installation", runner)
    installation.env = dict(CREDENTIALS)
    yield installation
    assert files_with(SECRET, tmp_path, runner.folder) == []
