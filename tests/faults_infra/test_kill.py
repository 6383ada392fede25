"""C1, C2: a run killed at any moment leaves the published bills as they were; the next repairs."""

import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from installation import Installation, expected

LANES = 2
SEED = 20261007
RANDOM_KILLS = 12
# More rows than DuckLake keeps in its catalogue: Parquet files are written, and left by a kill.
JULY = ["10.50", "0.25", "3"] * 4
AUGUST = ["1", "2.000000000000004"] * 6
AUGUST_RESTATED = ["1", "2.5", "7"] * 5
SEPTEMBER = ["100", "0.01"] * 7
BEFORE = {
    ("acme", "2026-07"): expected(JULY, "d1"),
    ("acme", "2026-08"): expected(AUGUST, "d1"),
    ("second", "2026-08"): expected(AUGUST, "s1"),
}
AFTER = BEFORE | {
    ("acme", "2026-08"): expected(AUGUST_RESTATED, "d2"),
    ("acme", "2026-09"): expected(SEPTEMBER, "d1"),
}
# A point right after another, or one that differs only in the view or mart it is at.
ALIKE = (
    "before load", "before register", "before check", "before put back",
    "delete in acme__lines_control", "delete in acme__lines_focus", "commitments_by_month",
    "cost_by_day", "_controls", "focus_1_0", "focus_1_1", "focus_1_2", "focus_1_3", "focus_1_4",
    "delete in cost_by_month", "delete in resources_by_month", "insert in resources_by_month",
    "insert in cost_by_month", "after model cost_by_month", "reconciliation",
)  # fmt: skip
A_CHAIN = 6
AFTER_POINTER = ("before expire", "after expire")


@dataclass
class Lane:
    """An installation that is broken over and over, from the same beginning."""

    installation: Installation
    undisturbed: dict
    raw_files: list
    points: list
    length_s: float


def prepare(installation):
    """Published: July, August of two sources. Waiting: a restatement, a new month, a bad bill."""
    installation.add_source("acme")
    installation.add_source("second")
    installation.deliver("acme", "2026-07", "d1", JULY)
    installation.deliver("acme", "2026-08", "d1", AUGUST)
    installation.deliver("second", "2026-08", "s1", AUGUST)
    installation.done()
    assert installation.totals() == BEFORE
    installation.deliver("acme", "2026-08", "d2", AUGUST_RESTATED)
    installation.deliver("acme", "2026-09", "d1", SEPTEMBER)
    installation.deliver("second", "2026-08", "s2", AUGUST_RESTATED, currency="")
    installation.save()


def lane(folder, runner):
    installation = Installation(folder / "installation", runner)
    prepare(installation)
    log = folder / "points.log"
    started = time.monotonic()
    ended = installation.run(points=str(log))
    length_s = time.monotonic() - started
    assert ended.code == 3, ended.text
    assert installation.totals() == AFTER
    points, counted = [], Counter()
    for name in log.read_text().splitlines():
        counted[name] += 1
        points.append([name, counted[name]])
    return Lane(installation, installation.state(), installation.raw_files(), points, length_s)


@pytest.fixture(scope="module")
def lanes(tmp_path_factory, runner):
    folders = [tmp_path_factory.mktemp(f"lane{number}") for number in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        yield list(pool.map(lane, folders, [runner] * LANES))


def repair(lane):
    """A plain run reaches what an undisturbed run reaches, and nothing is left lying about."""
    ended = lane.installation.run()
    assert ended.code == 3, ended.text
    assert lane.installation.totals() == AFTER
    assert lane.installation.state() == lane.undisturbed
    assert lane.installation.raw_files() == lane.raw_files
    assert lane.installation.debris() == []


def require_before_or_after(lane):
    found = lane.installation.totals()
    assert found in (BEFORE, AFTER), found
    return found == AFTER


def share(lanes, jobs, work):
    """The jobs over the lanes, two at once; every failure is told, with the job it belongs to."""
    queue, failures, lock = list(jobs), [], threading.Lock()

    def go(lane):
        while True:
            with lock:
                if not queue:
                    return
                job = queue.pop(0)
            try:
                work(lane, job)
            except (AssertionError, TimeoutError) as error:
                failures.append(f"{job}: {error}")

    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(go, lanes))
    assert not failures, "\n\n".join(failures)


def test_killed_at_each_point(lanes):
    """Six points a job: each kill finds the debris of the one before; then the repair."""
    points = lanes[0].points
    assert [name for name, _ in lanes[1].points] == [name for name, _ in points]
    chosen = [(name, n) for name, n in points if n == 1 and not name.endswith(ALIKE)]
    chosen += [("insert in acme__lines_focus", 2), ("insert in cost_by_month", 3)]
    chosen.sort(key=lambda point: points.index(list(point)))
    jobs = [chosen[n : n + A_CHAIN] for n in range(0, len(chosen), A_CHAIN)]
    hit = []

    def work(lane, job):
        lane.installation.restore()
        for point in job:
            ended = lane.installation.run(stop_at=point)
            hit.append((point, ended.code))
            moved = require_before_or_after(lane)
            assert moved == (point[0] in AFTER_POINTER), point
            if moved:
                repair(lane)
                lane.installation.restore()
        repair(lane)

    share(lanes, jobs, work)
    missed = [point for point, code in hit if code != -signal.SIGKILL]
    assert not missed


def test_killed_at_random_times(lanes):
    times = random.Random(SEED)
    length_s = max(lane.length_s for lane in lanes)
    delays = [times.uniform(0, length_s) for _ in range(RANDOM_KILLS)]
    jobs = [delays[n : n + A_CHAIN] for n in range(0, RANDOM_KILLS, A_CHAIN)]

    def work(lane, job):
        lane.installation.restore()
        for delay in job:
            run = lane.installation.start()
            time.sleep(delay)
            if not run.done.is_set():
                run.send(signal.SIGKILL)
            run.wait()
            require_before_or_after(lane)
        repair(lane)

    share(lanes, jobs, work)
