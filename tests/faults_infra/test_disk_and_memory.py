"""C4, C5, C6: a full disk, a read-only lake, too little memory; and one broken source of two."""

import os
import subprocess
from pathlib import Path

import pytest
from installation import expected

# More rows than DuckLake keeps in its catalogue.
AUGUST, RESTATED = ["1"] * 12, ["2", "3"] * 6
BEFORE = {("acme", "2026-08"): expected(AUGUST, "d1")}
AFTER = {("acme", "2026-08"): expected(RESTATED, "d2")}
MANY_ROWS = 60_000


def mount(*arguments):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not possible here: {done.stderr.strip()}")


def unmount(folder):
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def require_clear_refusal(ended, *words):
    assert ended.code == 1, ended.text
    assert "Traceback" not in ended.text
    assert any(word in ended.err for word in words), ended.err


@pytest.fixture
def restated(installation):
    """One bill published, its restatement waiting."""
    installation.add_source("acme")
    installation.deliver("acme", "2026-08", "d1", AUGUST)
    installation.done()
    installation.deliver("acme", "2026-08", "d2", RESTATED)
    return installation


def test_full_disk(tmp_path, runner, new_installation):
    """The lake on a small disk: no room at all, then room for a part of the run only."""
    installation = new_installation(tmp_path / "installation", runner)
    installation.lake.mkdir()
    mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(installation.lake))
    try:
        installation.add_source("acme")
        installation.deliver("acme", "2026-08", "d1", AUGUST)
        installation.done()
        installation.deliver("acme", "2026-08", "d2", RESTATED)
        for spare_kb in (0, 48):
            used = disk_used_kb(installation.lake)
            mount("-o", f"remount,size={used + spare_kb}k", str(installation.lake))
            ended = installation.run()
            require_clear_refusal(ended, "No space left", "disk", "full")
            # SQLite wants 32 KB even of a reader.
            mount("-o", "remount,size=64m", str(installation.lake))
            assert installation.totals() == BEFORE
        installation.done()
        assert installation.totals() == AFTER
        assert installation.debris() == []
    finally:
        unmount(installation.lake)


def disk_used_kb(folder):
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024


@pytest.mark.parametrize("size_kb", [4, 320])
def test_file_size_limit(restated, size_kb):
    """No file may grow past the limit: the one of the catalogue, or already those of staging."""
    ended = restated.run(limits={"FSIZE": size_kb * 1024})
    require_clear_refusal(ended, "File too large", "disk")
    assert restated.totals() == BEFORE
    restated.done()
    assert restated.totals() == AFTER


def test_read_only_lake(restated):
    """Refused before any work; reading goes on."""
    mount("--bind", str(restated.lake), str(restated.lake))
    try:
        mount("-o", "remount,ro,bind", str(restated.lake))
        ended = restated.run()
        assert ended.code == 2, ended.text
        assert "cannot be written: Read-only file system" in ended.err
        for verb in (["status"], ["report"], ["query", "select sum(BilledCost) from focus"]):
            ended = restated.run(*verb)
            assert ended.code == 0, (verb, ended.text)
        assert restated.totals() == BEFORE
    finally:
        unmount(restated.lake)
    restated.done()
    assert restated.totals() == AFTER


@pytest.mark.parametrize("memory", ["24MB", "90MB"])
def test_little_memory(tmp_path, runner, new_installation, memory):
    """Spills, or refuses; a bill is published whole or not at all."""
    installation = new_installation(
        tmp_path / "installation", runner, f'[engine]\nmemory_limit = "{memory}"\nthreads = 2\n'
    )
    installation.add_source("acme")
    amounts = [f"{number}.01" for number in range(MANY_ROWS)]
    installation.deliver("acme", "2026-08", "d1", amounts)
    ended = installation.run()
    assert "Traceback" not in ended.text
    # The run is judged, not whether so little memory also holds the sums read here.
    installation.settings = ""
    installation.write_settings()
    if ended.code:
        require_clear_refusal(ended, "emory")
        assert installation.totals() == {}
        installation.done()
    assert installation.totals() == {("acme", "2026-08"): expected(amounts, "d1")}
    assert installation.debris() == []


def test_lake_moved(restated):
    """The folder under another name, as in a container: read and run on."""
    moved = restated.folder / "moved"
    restated.lake.rename(moved)
    restated.settings = f'[lake]\npath = "{moved}"\n'
    restated.write_settings()
    assert restated.totals() == BEFORE
    restated.done()
    assert restated.totals() == AFTER


def test_one_broken_source(installation):
    """The other source's bills are published; the broken one is named."""
    installation.add_source("acme")
    installation.add_source("broken", str(installation.folder / "nowhere"))
    installation.deliver("acme", "2026-08", "d1", AUGUST)
    ended = installation.run()
    assert ended.code == 2, ended.text
    assert "source broken" in ended.err
    assert "nowhere is not there" in ended.err
    assert installation.totals() == BEFORE


def test_rows_of_a_killed_run_are_never_published(restated):
    """A run is killed before it judged a bad bill; the next one loads another source only.

    Its publication is a snapshot of the whole lake: the bad bill's rows must be gone from it.
    """
    restated.deliver("acme", "2026-08", "d3", RESTATED, currency="")
    assert restated.run(stop_at=["before check", 1]).code < 0
    restated.add_source("second")
    restated.deliver("second", "2026-08", "s1", AUGUST)
    restated.done("run", "--source", "second")
    assert restated.totals() == BEFORE | {("second", "2026-08"): expected(AUGUST, "s1")}


def test_spilled_files_of_a_killed_run_go(restated):
    """What DuckDB spilled and a kill left behind is deleted once nobody can still be using it."""
    temporary = restated.lake / "work" / "tmp"
    old, young = (
        temporary / "duckdb_temp_storage_S32K-0.tmp",
        temporary / "duckdb_temp_block-1.block",
    )
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    restated.done()
    assert not Path(old).exists()
    assert young.exists()
