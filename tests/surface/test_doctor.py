"""finops doctor: what it finds, what it cleans, how it ends."""

import json
import os
import shutil
import time

import pytest

from acme_bills import acme_rows
from finops_stack.cli import diagnosis
from finops_stack.warehouse.lock import run_lock
from workspaces import Workspace


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    """A lake of one bill, for tests that break it and mend it again."""
    workspace = Workspace(tmp_path_factory.mktemp("doctor") / "workspace")
    # Fewer rows would be kept in the catalogue, with no Parquet file at all.
    workspace.deliver(rows=acme_rows(amounts=["1.50"] * 20))
    assert workspace.finops("run").exit_code == 0
    return workspace


def findings(workspace, *more, code=0):
    ended = workspace.finops("doctor", "--format", "json", *more)
    assert ended.exit_code == code, ended.output
    return {each["subject"]: each for each in json.loads(ended.stdout)}


def test_all_is_well(sick):
    found = findings(sick)
    assert {each["level"] for each in found.values()} == {"ok"}
    assert list(found) == [
        "packages",
        "settings",
        "extensions",
        "lake",
        "published",
        "files",
        "raw files",
        "run",
        "source acme",
        "disk",
    ]
    shown = sick.finops("doctor").stdout
    assert all(line.startswith("ok ") for line in shown.splitlines())


def test_orphaned_files_are_found_and_cleaned_when_old_enough(sick):
    data = sick.folder / "lake" / "data"
    known = sorted(data.rglob("*.parquet"))
    old, new = data / "main" / "old.parquet", data / "main" / "new.parquet"
    for path in (old, new):
        shutil.copy(known[0], path)
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    for path in known:
        os.utime(path, (two_hours_ago, two_hours_ago))

    found = findings(sick)["files"]
    assert found["level"] == "warning"
    assert found["text"].startswith("1 orphaned Parquet files")
    assert "old.parquet" in found["text"]
    assert "--clean" in found["todo"]
    assert old.exists()

    assert findings(sick, "--clean")["files"]["text"] == "1 orphaned Parquet files removed"
    assert sorted(data.rglob("*.parquet")) == sorted([*known, new])
    new.unlink()
    assert sick.rows("select count(*) from focus")


def test_nothing_is_cleaned_while_a_run_is_at_work(sick):
    data = sick.folder / "lake" / "data"
    orphan = data / "main" / "old.parquet"
    shutil.copy(next(data.rglob("*.parquet")), orphan)
    os.utime(orphan, (1, 1))
    with run_lock(sick.lake.folder):
        found = findings(sick, "--clean", code=2)
    assert "another run is at work" in found["files"]["text"]
    assert "another run is at work" in found["run"]["text"]
    assert orphan.exists()
    orphan.unlink()


def test_leftovers_of_a_killed_run(sick):
    staging = sick.folder / "lake" / "work" / "staging"
    (staging / "acme").mkdir(parents=True)
    assert "staging" in findings(sick)["leftovers"]["text"]
    assert findings(sick, "--clean")["leftovers"]["level"] == "ok"
    assert not staging.exists()
    assert "leftovers" not in findings(sick)


def test_an_unreachable_source_is_an_error_with_a_way_out(sick):
    bills, away = sick.bills, sick.folder / "away"
    bills.rename(away)
    try:
        found = findings(sick, code=2)["source acme"]
    finally:
        away.rename(bills)
    assert found["level"] == "error"
    assert found["todo"]


def test_an_incomplete_delivery_is_a_warning(sick):
    written = sick.deliver("2026-10")
    written.file.unlink()
    assert findings(sick)["source acme"]["level"] == "warning"
    shutil.rmtree(written.manifest.parent)


def test_little_disk_is_a_warning(sick, monkeypatch):
    monkeypatch.setattr(diagnosis, "_LOW_DISK_BYTES", 2**60)
    found = findings(sick)["disk"]
    assert found["level"] == "warning"
    assert "free" in found["todo"]


def test_a_package_of_the_wrong_version_is_an_error(sick, monkeypatch):
    from importlib import metadata

    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda n: "1.4.0" if n == "duckdb" else real(n))
    found = findings(sick, code=2)["packages"]
    assert found["text"] == "duckdb==1.5.5 is needed, 1.4.0 is there"
    assert found["todo"] == "pip install 'duckdb==1.5.5'"


def test_a_missing_extension_is_an_error(sick, monkeypatch):
    from finops_stack.warehouse import engine

    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: None)
    found = findings(sick, code=1)["extensions"]
    assert "pip install duckdb-extension-ducklake==" in found["todo"]


def test_a_lake_that_does_not_open_ends_with_1(sick):
    catalogue = sick.lake.catalog_file
    kept = catalogue.read_bytes()
    catalogue.write_bytes(b"this is no catalogue" * 1000)
    try:
        found = findings(sick, code=1)
    finally:
        catalogue.write_bytes(kept)
    assert found["lake"]["level"] == "error"
    assert "cannot be opened" in found["lake"]["text"]
    assert "source acme" in found


def test_before_the_first_run(workspace):
    workspace.deliver()
    found = findings(workspace)
    assert found["lake"]["level"] == "warning"
    assert found["lake"]["todo"] == 'run "finops run"'


def test_nothing_published(held_only):
    assert findings(held_only)["published"]["level"] == "warning"


def test_without_settings(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    (workspace.folder / "finops.toml").unlink()
    found = findings(workspace, code=2)
    assert found["settings"]["level"] == "error"
    assert "finops init" in found["settings"]["todo"]


def test_without_sources(workspace):
    (workspace.folder / "finops.toml").write_text("")
    assert findings(workspace)["sources"]["level"] == "warning"
