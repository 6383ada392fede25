"""What readers see of each bill, and which newer delivery they do not see, since when and why.

Computed from the register; a run keeps the answer in the lake as well, inside the snapshot it
publishes, where a dashboard reads it as `bills`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.period import BillingPeriod
from finops_stack.warehouse.lake import LAKE, table_exists, transaction
from finops_stack.warehouse.register import OutcomeKind, OutcomeRow

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The one wording of what became of a delivery.
WORDS: dict[OutcomeKind, str] = {
    "published": "published",
    "held": "held back",
    "refused": "refused",
    "rolled_back": "rolled back",
    "withdrawn": "rolled back",
}
_COLUMNS = (
    "source varchar, billing_period_start timestamp, delivery_id varchar, state varchar,"
    " since timestamp, reason varchar"
)
_VIEW = f"""select source as "x_SourceName", billing_period_start as "BillingPeriodStart",
    delivery_id as "x_DeliveryId", state, since, reason
from {LAKE}.ops.bill_states"""


@dataclass(frozen=True)
class BillState:
    """A bill as readers see it. shown: the published delivery, None: nothing is published.

    waiting: a newer delivery that is not shown, as it was judged last; waiting_since: when the
    first delivery that is not shown came to nothing.
    """

    source: str
    billing_period: str
    shown: OutcomeRow | None = None
    waiting: OutcomeRow | None = None
    waiting_since: datetime | None = None

    def after(self, outcome: OutcomeRow) -> "BillState":
        """The bill once this has become of a delivery."""
        if outcome.outcome == "published":
            return BillState(self.source, self.billing_period, shown=outcome)
        shown = None if outcome.outcome == "withdrawn" else self.shown
        since = self.waiting_since or outcome.recorded_at
        return BillState(self.source, self.billing_period, shown, outcome, since)


def bill_states(
    connection: "DuckDBPyConnection", more: Iterable[OutcomeRow] = ()
) -> list[BillState]:
    """Every bill the register knows, by source and month. more: outcomes not recorded yet."""
    states: dict[tuple[str, str], BillState] = {}
    for outcome in [*_outcomes_since_shown(connection), *more]:
        key = (outcome.source, outcome.billing_period)
        states[key] = states.get(key, BillState(*key)).after(outcome)
    return [states[key] for key in sorted(states)]


def _outcomes_since_shown(connection: "DuckDBPyConnection") -> list[OutcomeRow]:
    """Of each bill what made it as it is shown and everything after, oldest first."""
    if not table_exists(connection, "ops", "outcomes"):
        return []
    names = ", ".join(f"outcomes.{name}" for name in OutcomeRow.__dataclass_fields__)
    rows = connection.execute(f"""
        with last_shown as (
            select source, billing_period, max(sequence) as sequence
            from {LAKE}.ops.outcomes
            where outcome in ('published', 'withdrawn')
            group by source, billing_period
        )
        select {names}
        from {LAKE}.ops.outcomes as outcomes
        left join last_shown
            on outcomes.source = last_shown.source
            and outcomes.billing_period = last_shown.billing_period
        where outcomes.sequence >= coalesce(last_shown.sequence, 0)
        order by outcomes.sequence""").fetchall()
    return [OutcomeRow(*row) for row in rows]


def ensure_states(connection: "DuckDBPyConnection") -> None:
    """Make the table and the view `bills` over it, once."""
    if table_exists(connection, "ops", "bill_states"):
        return
    with transaction(connection):
        connection.execute(f"create table {LAKE}.ops.bill_states ({_COLUMNS})")
        connection.execute(f"create or replace view {LAKE}.main.bills as {_VIEW}")


def store_states(connection: "DuckDBPyConnection", states: Sequence[BillState]) -> bool:
    """Make the table say this, inside the caller's transaction; tells whether it said otherwise.

    Only what differs is written: a run changes few bills of many.
    """
    wanted = {row for state in states for row in _rows(state)}
    table = f"{LAKE}.ops.bill_states"
    names = "source, billing_period_start, delivery_id, state, since, reason"
    there = set(connection.execute(f"select {names} from {table}").fetchall())
    if there == wanted:
        return False
    changed = {row[:2] for row in there ^ wanted}
    for bill in sorted(changed & {row[:2] for row in there}):
        connection.execute(
            f"delete from {table} where source = ? and billing_period_start = ?", list(bill)
        )
    rows = sorted(row for row in wanted if row[:2] in changed)
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        select = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"insert into {table} ({names}) select {select}", columns)
    return True


def _rows(state: BillState) -> list[tuple[str, datetime, str, str, datetime, str]]:
    """One row for the shown delivery, one for the waiting one."""
    start = BillingPeriod.parse(state.billing_period).start
    found = []
    for outcome, since in ((state.shown, None), (state.waiting, state.waiting_since)):
        if outcome is not None:
            word = WORDS[outcome.outcome]
            at = since or outcome.recorded_at
            found.append((state.source, start, outcome.delivery_id, word, at, outcome.reason))
    return found
