"""`finops … | head -1`: a reader that leaves early ends the command quietly, as it ends others."""

import os
import subprocess
import sys

import pytest

MANY = "select n, repeat('x', 1000) as text from range(50000) t(n)"
LEFT = 141


def piped(workspace, *arguments, lines=1):
    """finops with a reader that takes so many lines of its stdout and closes it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "finops_stack.cli.main", *arguments],
        cwd=workspace.folder,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    taken = [process.stdout.readline() for _ in range(lines)]
    process.stdout.close()
    told = process.stderr.read().decode()
    process.stderr.close()
    return process.wait(60), b"".join(taken), told


@pytest.mark.parametrize("form", ["csv", "json", "table", "parquet"])
def test_a_query_ends_quietly_when_its_reader_leaves(lake, form):
    # A table is drawn whole before its first line.
    limit = ["--limit", "3000"] if form == "table" else []
    code, taken, told = piped(lake.workspace, "query", MANY, "--format", form, *limit)
    assert (code, told) == (LEFT, "")
    assert taken


def test_one_small_answer_nobody_reads(lake):
    code, _, told = piped(lake.workspace, "query", "select 1 as n", "--format", "csv", lines=0)
    assert code == LEFT
    # The note about the bill that is held back may come before the reader is missed.
    assert not told or (told.startswith("note: acme 2026-08") and told.count("\n") == 1)


def test_through_a_shell_with_head(lake):
    line = f'{sys.executable} -m finops_stack.cli.main query "{MANY}" --format csv | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=lake.workspace.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (LEFT, "n,text\n", "")


def test_a_reader_that_stays_gets_everything(lake):
    ended = lake.workspace.finops_apart("query", MANY, "--format", "csv")
    assert (ended.exit_code, ended.stdout.count("\n")) == (0, 50_001)


def test_status_and_help_too(lake):
    for verb in (["status"], ["--help"]):
        code, _, told = piped(lake.workspace, *verb, lines=0)
        assert code == LEFT
        assert "error" not in told and "Traceback" not in told
