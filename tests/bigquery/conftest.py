"""One BigQuery emulator, one proxy before it and one fork server a session."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "harness"))

from bigquery_store import BigQueryStore, why_not
from finops_runner import Runner
from installation import Installation
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
    store = BigQueryStore()
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
    return (f"bills_{number}" for number in range(10_000))


@pytest.fixture
def bucket(store, bucket_names):
    name = next(bucket_names)
    store.make_bucket(name)
    return name


@pytest.fixture
def installation(tmp_path, runner):
    """No credentials are found, and none are looked for on a machine of Google's."""
    installation = Installation(tmp_path / "installation", runner)
    installation.env = {"NO_GCE_CHECK": "true"}
    return installation
