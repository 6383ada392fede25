"""C3: a power cut loses what was not synced; what a run publishes has been synced before.

Which writes a real disk would lose cannot be played here; that every file the published snapshot
and the register name was fsynced, with its folder, before the pointer moved, can be seen.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acme_bills import acme_rows
from finops_stack.cli import publishing


def test_c3_files_are_synced_before_the_pointer_moves(workspace, monkeypatch):
    # Fewer rows would be kept in the catalogue, with no Parquet file at all.
    workspace.deliver(rows=acme_rows(amounts=["1.50"] * 20))
    synced, before = set(), []
    fsync, publish = os.fsync, publishing.publish

    def noted_fsync(handle):
        synced.add(Path(f"/proc/self/fd/{handle}").resolve())
        fsync(handle)

    def noted_publish(*arguments, **options):
        before.extend(synced)
        publish(*arguments, **options)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(publishing, "publish", noted_publish)
    assert workspace.finops("run").exit_code == 0
    lake = workspace.folder / "lake"
    files = [path for name in ("data", "raw") for path in (lake / name).rglob("*.parquet")]
    assert {path.parent.parent.name for path in files} == {"main", "raw"}
    assert {path.resolve() for path in files} <= set(before)
    assert {path.parent.resolve() for path in files} <= set(before)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_c3_the_catalogue_is_synced_at_each_commit(workspace, tmp_path):
    """The pointer's own commit: the journal of the SQLite catalogue, after the last data file."""
    workspace.deliver(rows=acme_rows(amounts=["1.50"] * 20))
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-y", "-qq", "-o", str(trace), "-e", "trace=fsync,fdatasync"]
    done = subprocess.run(
        [*strace, sys.executable, "-m", "finops_stack.cli.main", "run"],
        cwd=workspace.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if "not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    synced = re.findall(r"f(?:data)?sync\(\d+<(.*?)>\) = 0", trace.read_text())
    data = [place for place, path in enumerate(synced) if path.endswith(".parquet")]
    catalogue = [place for place, path in enumerate(synced) if "catalog.sqlite" in path]
    assert data and catalogue[-1] > data[-1]
