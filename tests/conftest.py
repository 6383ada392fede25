"""Parts every test may use: Acme's bills, a folder with settings, the finops command.

The functions themselves live in acme_bills.py and workspaces.py, for tests that import them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import acme_bills
from workspaces import Ended, Workspace

# A loaded machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's FINOPS_ variables and AWS account never reach a test."""
    import os

    for name in list(os.environ):
        if name.startswith(("FINOPS_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh folder with finops.toml; its source `acme` reads bills/."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def acme_delivery() -> Callable[..., acme_bills.Written]:
    """Writes one delivery: acme_delivery(folder, month, rows=…, delivery_id=…, kind=…)."""
    return acme_bills.acme_delivery


@pytest.fixture(scope="session")
def run_finops() -> Callable[..., Ended]:
    """Runs finops in a process of its own: run_finops(workspace, "run", "--full")."""

    def run(workspace: Workspace, *arguments: str, **options: Any) -> Ended:
        return workspace.finops_apart(*arguments, **options)

    return run


@pytest.fixture(scope="session")
def focus_rows() -> Callable[..., list[tuple[Any, ...]]]:
    """Reads the published snapshot: focus_rows(workspace, "select … from focus")."""

    def read(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
        return workspace.rows(sql)

    return read
