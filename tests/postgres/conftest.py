"""One PostgreSQL server, one S3 server and one fork server a session."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "harness"))

from finops_runner import Runner
from installation import Installation, files_with
from object_store import SECRET, ObjectStore
from postgres_server import PASSWORD, PostgresServer, binaries


@pytest.fixture(scope="session")
def server():
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: no initdb (apt-get install postgresql)")
    server = PostgresServer(folder)
    yield server
    server.close()


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
def database_names():
    return (f"lake_{number}" for number in range(10_000))


@pytest.fixture
def database(server, database_names):
    name = next(database_names)
    server.create_database(name)
    return name


@pytest.fixture
def new_installation(tmp_path, runner, server, database, monkeypatch):
    """Installations of a team: folders of their own, one catalogue. The password is in the
    environment, and after the test in no file and in no output."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    def new(name, storage=None, more=""):
        settings = f'[lake]\ncatalog = "{server.catalog(database)}"\n'
        settings += f'storage = "{storage}"\n' if storage else ""
        installation = Installation(tmp_path / name, runner, settings + more)
        installation.env = {"PGPASSWORD": PASSWORD}
        return installation

    yield new
    for secret in (PASSWORD, SECRET):
        assert files_with(secret, tmp_path, runner.folder) == []
