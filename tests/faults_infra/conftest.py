"""One fork server a session, and installations to break."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "harness"))

from finops_runner import Runner
from installation import Installation


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    runner = Runner(tmp_path_factory.mktemp("runs"))
    yield runner
    runner.close()


@pytest.fixture
def installation(tmp_path, runner):
    return Installation(tmp_path / "installation", runner)


@pytest.fixture(scope="session")
def new_installation():
    return Installation
