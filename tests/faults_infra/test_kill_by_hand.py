"""A forced publication, a rollback, and the run after it, killed at each of their steps: readers
see what was there before or all of what was asked for."""

import signal

import pytest
from installation import expected

FIRST = ["10.50", "0.25", "3"] * 4
SECOND = ["1", "2.5", "7"] * 5
OCTOBER = ["100", "0.01"] * 7
BILL = ("acme", "2026-09")
BEFORE = {BILL: expected(FIRST, "d1")}
FORCED = {BILL: expected(SECOND, "d2")}
FORCE = ("publish", *BILL, "--force", "--reason", "agreed")
BEFORE_POINTER = (
    "before register", "after model acme__lines_focus", "after check", "after restatements",
    "after states' commit", "after outcomes", "after outcomes' commit", "after pointer's commit",
)  # fmt: skip


def killed(installation, *command, at):
    ended = installation.run(*command, stop_at=[at, 1])
    assert ended.code == -signal.SIGKILL, (at, ended.text)


@pytest.fixture
def held(installation):
    """September is published; its second delivery is held back."""
    installation.add_source("acme")
    installation.deliver("acme", "2026-09", "d1", FIRST)
    installation.done()
    installation.deliver("acme", "2026-09", "d2", SECOND, currency="eur")
    assert installation.run().code == 3
    return installation


def test_a_forced_publication_killed_at_each_step(held):
    """Each kill finds the debris of the one before."""
    before = held.state()
    for point in BEFORE_POINTER:
        killed(held, *FORCE, at=point)
        assert held.totals() == BEFORE, point
    # a run that loads another bill takes back what they left
    held.deliver("acme", "2026-10", "d1", OCTOBER)
    assert held.run().code == 3
    with_october = BEFORE | {("acme", "2026-10"): expected(OCTOBER, "d1")}
    assert held.totals() == with_october
    state = held.state()
    assert [row for row in state["restatements"] if row not in before["restatements"]] == []
    held.done(*FORCE)
    assert held.totals() == with_october | FORCED
    assert held.debris() == []


def test_a_forced_publication_killed_after_the_pointer_is_there(held):
    killed(held, *FORCE, at="before expire")
    assert held.totals() == FORCED
    held.done()
    assert held.totals() == FORCED


def test_a_rollback_and_the_run_after_it(installation):
    """The rollback is one transaction; the run after it settles the tables first."""
    installation.add_source("acme")
    installation.deliver("acme", "2026-09", "d1", FIRST)
    installation.done()
    first = installation.published_snapshot()
    installation.deliver("acme", "2026-09", "d2", SECOND)
    installation.done()
    back = ("rollback", "--to", str(first), "--yes")
    for point in ("after rollback's outcomes", "after rollback's commit"):
        killed(installation, *back, at=point)
        assert installation.totals() == FORCED, point
        assert installation.done().out.strip() == "nothing new: 1 bills as published"
    installation.done(*back)
    assert installation.totals() == BEFORE

    installation.deliver("acme", "2026-10", "d1", OCTOBER)
    for point in ("before put back's commit", "after put back", "after model cost_by_day",
                  "after outcomes' commit", "after pointer's commit"):  # fmt: skip
        killed(installation, at=point)
        assert installation.totals() == BEFORE, point
    assert installation.run().code == 3
    assert installation.totals() == BEFORE | {("acme", "2026-10"): expected(OCTOBER, "d1")}
    assert installation.debris() == []
