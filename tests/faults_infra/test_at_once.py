"""C8, C9, C10: several runs at once, a lock whose holder died, readers during publications."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from finops_runner import wait_until
from installation import expected

READER = Path(__file__).parents[1] / "harness" / "reader.py"
READERS = 3
PUBLICATIONS = 8


@pytest.fixture
def lake(installation):
    installation.add_source("acme")
    installation.deliver("acme", "2026-08", "d0", ["0.5"])
    installation.deliver("acme", "2026-09", "d0", ["0.25"])
    return installation


def test_runs_at_once(lake):
    """One works; the others name it and leave. Killed, it leaves no lock to be removed."""
    log = lake.folder / "points.log"
    first = lake.start(points=str(log), pause_at=["before check", 1, 60])
    wait_until(lambda: log.exists() and "before check" in log.read_text(), 60)
    others = [lake.start("run"), lake.start("run", "--full")]
    for other in others:
        ended = other.wait()
        assert ended.code == 1, ended.text
        assert f"pid {first.pid} on " in ended.err
        assert "Traceback" not in ended.text
    first.send(signal.SIGKILL)
    first.wait()
    assert lake.totals() == {}
    assert json.loads((lake.lake / "run.lock").read_text())["pid"] == first.pid
    lake.done()
    assert lake.totals() == versions(0)


def test_long_query_during_a_run(lake):
    """A query that lasts longer than any lock's patience: neither it nor the run gives up."""
    lake.done()
    lake.deliver("acme", "2026-08", "d1", ["7"])
    with lake.attached(lake.published_snapshot()) as connection:
        connection.execute("begin")
        before = connection.execute("select sum(BilledCost) from focus").fetchone()
        lake.done()
        assert connection.execute("select sum(BilledCost) from focus").fetchone() == before
        connection.execute("rollback")
    assert lake.totals()[("acme", "2026-08")] == expected(["7"], "d1")


def versions(number):
    amounts = {"2026-08": ["0.5"], "2026-09": ["0.25"]}
    if number:
        amounts = {"2026-08": [str(number)] * number, "2026-09": ["0.1"] * number}
    return {("acme", month): expected(each, f"d{number}") for month, each in amounts.items()}


def test_readers_see_whole_versions(lake):
    """Both months are restated each time: a mix of versions would show."""
    lake.done()
    stop = lake.folder / "stop"
    outputs = [lake.folder / f"reader-{number}.jsonl" for number in range(READERS)]
    readers = [
        subprocess.Popen([sys.executable, str(READER), str(lake.folder), str(output), str(stop)],
                         env=os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")})
        for output in outputs
    ]  # fmt: skip
    try:
        for number in range(1, PUBLICATIONS + 1):
            lake.deliver("acme", "2026-08", f"d{number}", [str(number)] * number)
            lake.deliver("acme", "2026-09", f"d{number}", ["0.1"] * number)
            lake.done()
    finally:
        stop.touch()
        codes = [reader.wait(60) for reader in readers]
    assert codes == [0] * READERS
    whole = [as_text(versions(number)) for number in range(PUBLICATIONS + 1)]
    for output in outputs:
        seen = [whole.index(json.loads(line)) for line in output.read_text().splitlines()]
        assert len(set(seen)) > 2
        assert seen == sorted(seen)
    assert len(lake.publications()) == PUBLICATIONS + 1


def as_text(totals):
    """As the reader writes it."""
    return [
        [*bill, delivery, rows, f"{cost:.15f}"] for bill, (delivery, rows, cost) in totals.items()
    ]
