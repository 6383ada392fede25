"""What replacing a published bill changed, kept for good: the table `restatements`.

A run writes it beside the new rows, while both states are at hand; it says what changed long after
the older snapshot has expired. Groups that did not change are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.warehouse.costs import CHANGED_BY, COSTS, CostChange
from finops_stack.warehouse.lake import LAKE, table_exists

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TABLE = f"{LAKE}.main.restatements"
_MONEY = "decimal(38, 15)"
# Of the marts; names of accounts may change without a charge changing.
_GROUP = ("ServiceName", "BillingAccountId", "SubAccountId", "ChargeCategory", "BillingCurrency")
# Measure of the marts → its type.
_MEASURES = {"charges": "bigint", "billed_cost": _MONEY, "effective_cost": _MONEY}
_COLUMNS = {
    "run_id": "varchar",
    "restated_at": "timestamp",
    "x_SourceName": "varchar",
    "BillingPeriodStart": "timestamp",
    "delivery_before": "varchar",
    "delivery_after": "varchar",
    **dict.fromkeys(_GROUP, "varchar"),
    **{
        f"{measure}_{side}": data_type
        for measure, data_type in _MEASURES.items()
        for side in ("before", "after", "change")
    },
}
_KEPT = "temp.restatements_of_run"


@dataclass(frozen=True)
class Replaced:
    """A published bill whose rows another delivery, or another conversion, replaces."""

    bill: BillKey
    delivery_before: str
    delivery_after: str


def ensure_restatements(connection: "DuckDBPyConnection") -> None:
    """Make the table, once."""
    if not table_exists(connection, "main", "restatements"):
        columns = ", ".join(f'"{name}" {data_type}' for name, data_type in _COLUMNS.items())
        connection.execute(f"create table {_TABLE} ({columns})")


def drop_unfinished(connection: "DuckDBPyConnection") -> None:
    """Forget what runs wrote that never ended: nothing of theirs was published."""
    unended = f"run_id not in (select run_id from {LAKE}.ops.runs)"
    row = connection.execute(f"select count(*) from {_TABLE} where {unended}").fetchone()
    if row and row[0]:
        connection.execute(f"delete from {_TABLE} where {unended}")


def compare_replaced(
    connection: "DuckDBPyConnection",
    replaced: Sequence[Replaced],
    *,
    run_id: str,
    snapshot: int,
    at: datetime,
) -> None:
    """Find what differs between these bills as published at the snapshot and as they are now.

    The rows wait in a temporary table, so that reading the old state is no part of the
    transaction that writes them (see put_back).
    """
    condition = bills_condition([each.bill for each in replaced])
    group = ", ".join(_GROUP)
    sides = " union all ".join(
        f"""select {side} as side, x_SourceName, BillingPeriodStart, {group},
            {", ".join(_MEASURES)}
        from {LAKE}.main.cost_by_month{version} where {condition}"""
        for side, version in ((0, f" at (version => {int(snapshot)})"), (1, ""))
    )
    sums = ", ".join(
        f"coalesce(sum({measure}) filter (where side = {side}), 0)::{data_type} as {measure}_{word}"
        for measure, data_type in _MEASURES.items()
        for side, word in enumerate(("before", "after"))
    )
    changes = ", ".join(f"{m}_after - {m}_before as {m}_change" for m in _MEASURES)
    differs = " or ".join(f"{m}_before <> {m}_after" for m in _MEASURES)
    connection.execute(
        f"""create or replace temp table restatements_of_run as
        with
            sides as ({sides}),
            summed as (
                select x_SourceName, BillingPeriodStart, {group}, {sums}
                from sides
                group by x_SourceName, BillingPeriodStart, {group}
            ),
            deliveries as (
                select unnest(?::varchar[]) as x_SourceName,
                    unnest(?::timestamp[]) as BillingPeriodStart,
                    unnest(?::varchar[]) as delivery_before, unnest(?::varchar[]) as delivery_after
            )
        select ?::varchar as run_id, ?::timestamp as restated_at, delivery_before, delivery_after,
            summed.*, {changes}
        from summed
        inner join deliveries
            on summed.x_SourceName = deliveries.x_SourceName
            and summed.BillingPeriodStart = deliveries.BillingPeriodStart
        where {differs}""",
        [
            [each.bill.source for each in replaced],
            [each.bill.billing_period_start for each in replaced],
            [each.delivery_before for each in replaced],
            [each.delivery_after for each in replaced],
            run_id,
            at,
        ],
    )


def store_compared(connection: "DuckDBPyConnection") -> None:
    """Write what compare_replaced found, inside the caller's transaction."""
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    connection.execute(f"insert into {_TABLE} ({names}) select {names} from {_KEPT}")
    connection.execute(f"drop table {_KEPT}")


def kept_changes(
    connection: "DuckDBPyConnection", run_id: str, bill: BillKey, *, cost: str, by: Sequence[str]
) -> list[CostChange] | None:
    """What a run changed in a bill, as it was kept; None where nothing was kept, or not this cost.

    by: keys of CHANGED_BY.
    """
    measure = COSTS[cost][0]
    if measure not in _MEASURES or not table_exists(connection, "main", "restatements"):
        return None
    names = ", ".join(f"by_{name}" for name in by)
    values = ", ".join(f"{CHANGED_BY[name]} as by_{name}" for name in by)
    rows = connection.execute(
        f"""
        select {values}, BillingCurrency,
            sum(charges_change)::bigint as rows_change, sum({measure}_change)::{_MONEY} as change
        from {_TABLE}
        where run_id = ? and {bills_condition([bill])}
        group by all
        order by BillingCurrency, abs(change) desc, {names}""",
        [run_id],
    ).fetchall()
    if not rows:
        return None
    found = [CostChange(tuple(row[: len(by)]), *row[len(by) :]) for row in rows]
    return [each for each in found if each.rows_change or each.cost_change]
