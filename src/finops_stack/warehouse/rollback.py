"""Going back to an earlier publication: the pointer moves, and each bill that differs stays there.

One transaction, which writes no bill: the tables are made what is published by the next run that
has work to do, before it begins. Without the outcomes recorded here that run would bring back what
was taken from the readers, with the first bill it publishes.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.warehouse.lake import LAKE, table_exists, transaction
from finops_stack.warehouse.register import (
    Intervention,
    OutcomeRow,
    Publication,
    add_intervention,
    add_outcomes,
    latest_outcomes,
    publish,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BY_ROLLBACK = f"select run_id from {LAKE}.ops.interventions where action = 'rollback'"
_NAMES = ", ".join(f"outcomes.{name}" for name in OutcomeRow.__dataclass_fields__)


@dataclass(frozen=True)
class BillChange:
    """A bill that is another one at the publication gone back to; None: no bill then, or now."""

    source: str
    billing_period: str
    now: OutcomeRow | None
    then: OutcomeRow | None


@dataclass(frozen=True)
class BillSum:
    """Rows and Σ BilledCost of one bill in one currency, now and then."""

    source: str
    billing_period: str
    currency: str | None
    rows_now: int
    rows_then: int
    cost_now: Decimal
    cost_then: Decimal


def changed_bills(
    connection: "DuckDBPyConnection", now: Publication, then: Publication
) -> list[BillChange]:
    """The bills that would be others, by source and month."""
    shown_now, shown_then = _shown(connection, now), _shown(connection, then)
    found = []
    for bill in sorted(shown_now.keys() | shown_then.keys()):
        a, b = shown_now.get(bill), shown_then.get(bill)
        if a is None or b is None or _conversion(a) != _conversion(b):
            found.append(BillChange(*bill, a, b))
    return found


def _conversion(outcome: OutcomeRow) -> tuple[str, datetime]:
    """Tells two conversions of one delivery apart, and is the same after going back to one."""
    return outcome.fingerprint, outcome.recorded_at


def _shown(
    connection: "DuckDBPyConnection", publication: Publication
) -> dict[tuple[str, str], OutcomeRow]:
    """Bill → the outcome by which its rows came, as readers saw it after a publication."""
    rows = connection.execute(
        f"""select {_NAMES} from {LAKE}.ops.outcomes as outcomes
        inner join {LAKE}.ops.published as published on outcomes.run_id = published.run_id
        where outcomes.outcome in ('published', 'withdrawn') and published.sequence <= ?
        qualify row_number() over (
            partition by outcomes.source, outcomes.billing_period
            order by outcomes.sequence desc
        ) = 1""",
        [publication.sequence],
    ).fetchall()
    found = [OutcomeRow(*row) for row in rows]
    return {(row.source, row.billing_period): row for row in found if row.outcome == "published"}


def bill_sums(
    connection: "DuckDBPyConnection", now: Publication, then: Publication
) -> list[BillSum]:
    """What every bill of either publication adds up to, by source, month and currency."""
    sides = " union all ".join(
        f"""select {side} as side, x_SourceName, BillingPeriodStart, BillingCurrency,
            charges, billed_cost
        from {LAKE}.main.cost_by_month at (version => {int(each.snapshot_id)})"""
        for side, each in enumerate((now, then))
    )
    rows = connection.execute(f"""
        select
            x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency,
            coalesce(sum(charges) filter (where side = 0), 0)::bigint,
            coalesce(sum(charges) filter (where side = 1), 0)::bigint,
            coalesce(sum(billed_cost) filter (where side = 0), 0)::decimal(38, 15),
            coalesce(sum(billed_cost) filter (where side = 1), 0)::decimal(38, 15)
        from ({sides})
        group by all
        order by all""").fetchall()
    return [BillSum(*row) for row in rows]


def roll_back(
    connection: "DuckDBPyConnection",
    *,
    run_id: str,
    now: Publication,
    then: Publication,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """Point readers at the earlier publication, and record it: one transaction."""
    changes = changed_bills(connection, now, then)
    newest = latest_outcomes(connection)
    words = f"rolled back by {by}" + (f": {reason}" if reason else "")
    details = {"from_snapshot": now.snapshot_id, "to_snapshot": then.snapshot_id}
    with transaction(connection):
        for change in changes:
            bill = (change.source, change.billing_period)
            add_outcomes(
                connection, _outcomes(change, newest[bill], run_id=run_id, words=words, at=at)
            )
            if change.then is not None:
                _repeat_results(connection, change.then, run_id)
        add_intervention(
            connection,
            Intervention(run_id, "rollback", by, reason, at, json.dumps(details)),
        )
        publish(connection, run_id=run_id, snapshot_id=then.snapshot_id, at=at)


def _outcomes(
    change: BillChange, newest: OutcomeRow, *, run_id: str, words: str, at: datetime
) -> list[OutcomeRow]:
    """What became of the bill: what is shown again, then the newest delivery, which a run must
    know it by; the latter under its own run, whose check results it keeps."""
    if change.then is not None:
        shown = replace(change.then, run_id=run_id)
    else:
        assert change.now is not None
        shown = replace(
            change.now, run_id=run_id, outcome="withdrawn", reason=words, recorded_at=at
        )
    if newest.fingerprint == shown.fingerprint:
        return [shown]
    if newest.outcome == "held":
        return [shown, newest]
    return [shown, replace(newest, outcome="rolled_back", reason=words, recorded_at=at)]


def _repeat_results(connection: "DuckDBPyConnection", shown: OutcomeRow, run_id: str) -> None:
    """The checks of what is shown again, under the rollback: a bill's newest run tells them."""
    connection.execute(
        f"""insert into {LAKE}.ops.check_results (run_id, source, billing_period, result)
        select ?, source, billing_period, result from {LAKE}.ops.check_results
        where run_id = ? and source = ? and billing_period = ?""",
        [run_id, shown.run_id, shown.source, shown.billing_period],
    )


def unsettled_rollbacks(connection: "DuckDBPyConnection") -> dict[str, list[OutcomeRow]]:
    """Rollback → its bills, where no run has made the tables what is published since."""
    if not table_exists(connection, "ops", "interventions"):
        return {}
    rows = connection.execute(
        f"""select {_NAMES} from {LAKE}.ops.outcomes as outcomes
        where run_id in ({_BY_ROLLBACK}) and run_id not in (select run_id from {LAKE}.ops.runs)
        order by sequence"""
    ).fetchall()
    found: dict[str, list[OutcomeRow]] = {}
    for row in rows:
        outcome = OutcomeRow(*row)
        found.setdefault(outcome.run_id, []).append(outcome)
    return found
