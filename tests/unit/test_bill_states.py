"""What readers see of a bill after each thing that can become of its deliveries."""

from datetime import datetime, timedelta
from itertools import count

import pytest

from finops_stack.warehouse import register
from finops_stack.warehouse.bill_states import BillState, bill_states, ensure_states, store_states
from finops_stack.warehouse.engine import Engine
from finops_stack.warehouse.lake import Lake, current_snapshot, transaction

FIRST = datetime(2026, 10, 1)


def outcomes(*words, source="acme", period="2026-09"):
    """'published d1' on the first of October, the next one a day later."""
    days = count()
    return [
        register.OutcomeRow(
            run_id=f"run {word}",
            source=source,
            billing_period=period,
            delivery_id=word.split()[1],
            fingerprint=word.split()[1],
            outcome=word.split()[0],
            reason="",
            rules="r",
            recorded_at=FIRST + timedelta(days=next(days)),
        )
        for word in words
    ]


def told(state):
    """Shown delivery, waiting one and how it was judged, and for how many days after FIRST."""
    shown = state.shown.delivery_id if state.shown else None
    if state.waiting is None:
        return shown, None
    waiting = f"{state.waiting.outcome} {state.waiting.delivery_id}"
    return shown, waiting, (state.waiting_since - FIRST).days


@pytest.fixture
def connection(tmp_path):
    (tmp_path / "lake").mkdir()
    with Lake(tmp_path / "lake", Engine("300MB", tmp_path / "spill")).open() as connection:
        register.ensure_register(connection)
        ensure_states(connection)
        yield connection


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["published d1"], ("d1", None)),
        (["held d1"], (None, "held d1", 0)),
        (["published d1", "held d2"], ("d1", "held d2", 1)),
        # held back twice: readers have been waiting since the first
        (["published d1", "held d2", "refused d3", "held d4"], ("d1", "held d4", 1)),
        (["published d1", "held d2", "published d3"], ("d3", None)),
        (["held d1", "published d2", "held d3"], ("d2", "held d3", 2)),
        (["published d1", "published d2", "published d1", "rolled_back d2"],
         ("d1", "rolled_back d2", 3)),
        (["published d1", "withdrawn d1"], (None, "withdrawn d1", 1)),
        (["published d1", "withdrawn d1", "held d2"], (None, "held d2", 1)),
    ],
)  # fmt: skip
def test_what_is_shown_and_what_waits_since_when(connection, words, expected):
    """The same whether the register knows all of it, or the run has not recorded its end yet."""
    rows = outcomes(*words)
    (unrecorded,) = bill_states(connection, rows)
    assert told(unrecorded) == expected
    for row in rows[:-1]:
        register.add_outcomes(connection, [row])
    assert [told(each) for each in bill_states(connection, rows[-1:])] == [expected]
    register.add_outcomes(connection, rows[-1:])
    assert [told(each) for each in bill_states(connection)] == [expected]


def test_only_what_changed_is_written(connection):
    states = [BillState("acme", "2026-09").after(outcomes("published d1")[0])]
    states.append(BillState("o'b", "2026-08").after(outcomes("held x", source="o'b")[0]))
    with transaction(connection):
        assert store_states(connection, states)
    before = current_snapshot(connection)
    with transaction(connection):
        assert not store_states(connection, states)
    assert current_snapshot(connection) == before
    states[1] = states[1].after(outcomes("published y", source="o'b")[0])
    with transaction(connection):
        assert store_states(connection, states)
    assert connection.execute("from bills order by all").fetchall() == [
        ("acme", datetime(2026, 9, 1), "d1", "published", FIRST, ""),
        ("o'b", datetime(2026, 8, 1), "y", "published", FIRST, ""),
    ]


def test_a_bill_that_was_withdrawn_is_not_published(connection):
    register.add_outcomes(connection, outcomes("published d1", "withdrawn d1"))
    assert register.latest_published(connection) == {}
    assert register.latest_outcomes(connection)["acme", "2026-09"].outcome == "withdrawn"


def test_a_register_of_an_older_version_gets_its_later_tables(connection):
    connection.execute("drop table lake.ops.interventions")
    assert register.interventions(connection) == []
    register.ensure_register(connection)
    row = register.Intervention("r", "rollback", "me", "why", FIRST, "{}")
    register.add_intervention(connection, row)
    assert register.interventions(connection) == [row]
