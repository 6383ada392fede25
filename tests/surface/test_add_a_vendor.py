"""docs/add-a-vendor.md, done as it says: its files written, its commands run."""

import re
from pathlib import Path

import pytest

from workspaces import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "add-a-vendor.md"
# A file's name in backticks that ends a line, an empty line, its content in a block.
_FILE = re.compile(r"`([\w./-]+)`(?:, after editing)?:?\n\n```\w+\n(.*?)\n```\n", re.DOTALL)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture
def written(workspace: Workspace, files: dict[str, str]) -> Workspace:
    bill = "bills/nordlicht-2026-09.csv"
    _write(workspace, bill, files[bill])
    ended = workspace.finops("vendor", "new", "nordlicht", "--from", bill, "--folder", "vendors")
    assert ended.exit_code == 0, ended.output
    for name, text in files.items():
        _write(workspace, name, text)
    return workspace


def _write(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def test_the_page_shows_every_file(files: dict[str, str]) -> None:
    folder = "vendors/nordlicht"
    assert set(files) == {
        "bills/nordlicht-2026-09.csv",
        f"{folder}/vendor.toml",
        f"{folder}/vocabulary/services.csv",
        f"{folder}/vocabulary/units.csv",
        f"{folder}/fixtures/sample/source.toml",
        f"{folder}/fixtures/sample/golden.csv",
    }


def test_the_vendor_of_the_page_meets_its_golden_file(written: Workspace) -> None:
    ended = written.finops("vendor", "test", "nordlicht")
    assert ended.exit_code == 0, ended.output
    assert "sample: 12 rows, BilledCost 93.66 EUR; equals golden.csv" in ended.stdout
