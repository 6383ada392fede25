"""One lake for all reading verbs: three months, one restated, one newer delivery held back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from surface_lake import build

from acme_bills import acme_row
from workspaces import Workspace


@dataclass(frozen=True)
class Lake:
    """The workspace, and the moment between its two runs."""

    workspace: Workspace
    between: datetime


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Built once; tests only read it."""
    workspace = Workspace(tmp_path_factory.mktemp("surface") / "workspace")
    return Lake(workspace, build(workspace))


@pytest.fixture(scope="session")
def finops(lake: Lake) -> Callable[..., str]:
    """stdout of a verb on that lake; fails unless it ends with `code`."""

    def run(*arguments: str, code: int = 0) -> str:
        ended = lake.workspace.finops(*arguments)
        assert ended.exit_code == code, ended.output
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def held_only(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A lake in which nothing is published: its only bill is held back."""
    workspace = Workspace(tmp_path_factory.mktemp("held") / "workspace")
    workspace.deliver(rows=[acme_row(currency="eur")])
    assert workspace.finops("run").exit_code == 3
    return workspace
