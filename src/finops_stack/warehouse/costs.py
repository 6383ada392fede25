"""Cost by chosen dimensions: of two months, or of one bill at two snapshots."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.warehouse.lake import LAKE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Cost a reader may choose → (column of the marts, FOCUS column).
COSTS = {
    "effective": ("effective_cost", "EffectiveCost"),
    "billed": ("billed_cost", "BilledCost"),
    "list": ("list_cost", "ListCost"),
    "contracted": ("contracted_cost", "ContractedCost"),
}
_ACCOUNT = (
    "coalesce(SubAccountName || ' (' || SubAccountId || ')', SubAccountId,"
    " BillingAccountName || ' (' || BillingAccountId || ')', BillingAccountId)"
)
_EXPRESSIONS = {"service": "ServiceName", "account": _ACCOUNT, "region": "RegionId"}
# What a restatement can be looked at by; accounts by id, for a new name is no change of cost.
CHANGED_BY = {
    "service": "ServiceName",
    "account": "coalesce(SubAccountId, BillingAccountId)",
    "category": "ChargeCategory",
}
_TAG = re.compile(r"^tag:(?P<key>.+)$", re.DOTALL)


@dataclass(frozen=True)
class Dimension:
    """What cost is split by. `tag` is the tag's key, bound to the SQL as a value."""

    name: str
    tag: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Dimension":
        """'service', 'account', 'region' or 'tag:KEY'. Raises InputError on anything else."""
        if found := _TAG.match(text):
            return cls(text, found["key"])
        if text not in _EXPRESSIONS:
            raise InputError(
                f'cost cannot be split by "{text}"',
                hint=f"split by {', '.join(_EXPRESSIONS)} or tag:KEY",
            )
        return cls(text)

    @property
    def sql(self) -> str:
        """Its expression; a tag's has one parameter."""
        return "Tags[?]" if self.tag is not None else _EXPRESSIONS[self.name]


@dataclass(frozen=True)
class CostRow:
    """Cost of one combination of values in one currency, now and before."""

    currency: str | None
    values: tuple[str | None, ...]
    cost: Decimal
    cost_before: Decimal


@dataclass(frozen=True)
class CostChange:
    """What one combination of values in one currency changed by in a bill.

    Before and after are None where only what changed was kept.
    """

    values: tuple[str | None, ...]
    currency: str | None
    rows_change: int
    cost_change: Decimal
    rows_before: int | None = None
    rows: int | None = None
    cost_before: Decimal | None = None
    cost: Decimal | None = None


def published_months(connection: "DuckDBPyConnection") -> list[datetime]:
    """First moments of the months there is cost for, oldest first."""
    rows = connection.execute(
        f"select distinct BillingPeriodStart from {LAKE}.main.cost_by_month order by all"
    ).fetchall()
    return [row[0] for row in rows]


def cost_by(
    connection: "DuckDBPyConnection",
    dimensions: Sequence[Dimension],
    *,
    cost: str,
    month: datetime,
    month_before: datetime,
) -> list[CostRow]:
    """Cost of two months by these dimensions, highest first; currencies are never added up.

    Only tags need the charges themselves; everything else is in a mart.
    """
    with_tags = any(each.tag is not None for each in dimensions)
    table, measure = ("focus", COSTS[cost][1]) if with_tags else ("cost_by_month", COSTS[cost][0])
    names = [f"dimension_{number}" for number, _ in enumerate(dimensions)]
    values = "".join(
        f"{each.sql} as {name}, " for each, name in zip(dimensions, names, strict=True)
    )
    rows = connection.execute(
        f"""
        with charges as (
            select {values}BillingPeriodStart, BillingCurrency, {measure} as cost
            from {LAKE}.main.{table}
            where BillingPeriodStart in (?, ?)
        )
        select
            BillingCurrency, {"".join(f"{name}, " for name in names)}
            coalesce(sum(cost) filter (where BillingPeriodStart = ?), 0)::decimal(38, 15) as now,
            coalesce(sum(cost) filter (where BillingPeriodStart = ?), 0)::decimal(38, 15) as before
        from charges
        group by all
        order by BillingCurrency, now desc, before desc, {", ".join(names)}""",
        [each.tag for each in dimensions if each.tag is not None]
        + [month, month_before, month, month_before],
    ).fetchall()
    return [CostRow(row[0], tuple(row[1:-2]), row[-2], row[-1]) for row in rows]


def tag_keys(connection: "DuckDBPyConnection", month: datetime) -> list[str]:
    """The keys of all tags of a month's charges."""
    rows = connection.execute(
        f"""select distinct unnest(map_keys(Tags)) as key from {LAKE}.main.focus
        where BillingPeriodStart = ? order by key""",
        [month],
    ).fetchall()
    return [str(row[0]) for row in rows]


def bill_changes(
    connection: "DuckDBPyConnection",
    *,
    bill: tuple[str, datetime],
    snapshots: tuple[int, int],
    cost: str,
    by: Sequence[str],
) -> list[CostChange]:
    """What changed in one bill from one snapshot to another; equal ones left out.

    by: keys of CHANGED_BY.
    """
    measure = COSTS[cost][0]
    values = ", ".join(f"{CHANGED_BY[name]} as by_{name}" for name in by)
    parts = [
        f"""select {values}, BillingCurrency, {side} as side, charges, {measure} as cost
        from {LAKE}.main.cost_by_month at (version => {int(snapshot)})
        where x_SourceName = ? and BillingPeriodStart = ?"""
        for side, snapshot in enumerate(snapshots)
    ]
    names = ", ".join(f"by_{name}" for name in by)
    rows = connection.execute(
        f"""
        with
            summed as (
                select
                    {names}, BillingCurrency,
                    coalesce(sum(charges) filter (where side = 0), 0)::bigint as rows_before,
                    coalesce(sum(charges) filter (where side = 1), 0)::bigint as rows_after,
                    coalesce(sum(cost) filter (where side = 0), 0)::decimal(38, 15) as cost_before,
                    coalesce(sum(cost) filter (where side = 1), 0)::decimal(38, 15) as cost_after
                from ({" union all ".join(parts)})
                group by all
            )
        select
            {names}, BillingCurrency,
            rows_after - rows_before, (cost_after - cost_before)::decimal(38, 15) as cost_change,
            rows_before, rows_after, cost_before, cost_after
        from summed
        where rows_before <> rows_after or cost_before <> cost_after
        order by BillingCurrency, abs(cost_change) desc, {names}""",
        [*bill, *bill],
    ).fetchall()
    return [CostChange(tuple(row[: len(by)]), *row[len(by) :]) for row in rows]
