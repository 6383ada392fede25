"""C7: Ctrl-C, SIGTERM and a closed terminal stop a run within seconds and publish nothing."""

import signal
import time

import pytest
from finops_runner import wait_until
from installation import expected

LONG_S = 60
BEFORE = {("acme", "2026-08"): expected(["1"], "d1")}
AFTER = {("acme", "2026-08"): expected(["2"], "d2")}


@pytest.fixture(scope="module")
def waiting(tmp_path_factory, runner, new_installation):
    """One bill published, its restatement waiting."""
    installation = new_installation(tmp_path_factory.mktemp("stop") / "installation", runner)
    installation.add_source("acme")
    installation.deliver("acme", "2026-08", "d1", ["1"])
    installation.done()
    installation.deliver("acme", "2026-08", "d2", ["2"])
    return installation


def stop(installation, point, number):
    """Send the signal while the run stays at the point; gives its end and the seconds to it."""
    log = installation.folder / "points.log"
    log.unlink(missing_ok=True)
    run = installation.start(points=str(log), pause_at=[*point, LONG_S])
    wait_until(lambda: log.exists() and log.read_text().split("\n").count(point[0]) == point[1], 60)
    time.sleep(0.1)
    started = time.monotonic()
    run.send(number)
    ended = run.wait(30)
    return ended, time.monotonic() - started


@pytest.mark.parametrize(
    ("number", "point"),
    [
        (signal.SIGINT, ("before download", 1)),
        (signal.SIGTERM, ("before check", 1)),
        (signal.SIGHUP, ("after outcomes", 1)),
        # Inside a statement of dbt's, which nothing can interrupt.
        (signal.SIGINT, ("insert in acme__lines_focus", 1)),
        (signal.SIGTERM, ("after model focus", 1)),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else value[0],
)
def test_stops_within_seconds(waiting, number, point):
    ended, seconds = stop(waiting, point, number)
    assert ended.code == 128 + number, ended.text
    assert seconds < 5
    assert "error: interrupted" in ended.err
    assert "Traceback" not in ended.text
    assert waiting.totals() == BEFORE


def test_a_stopped_run_is_taken_up(waiting):
    """Last in this file: the lock is free, what the stopped runs left is cleared."""
    waiting.done()
    assert waiting.totals() == AFTER
    assert waiting.debris() == []
