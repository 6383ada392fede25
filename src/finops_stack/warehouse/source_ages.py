"""How old each source's newest delivery is, and its newest published charges."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.bills import published_relation
from finops_stack.warehouse.lake import LAKE, table_exists
from finops_stack.warehouse.register import latest_published

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class RecentUsage:
    """Published usage of a source's newest months, up to a day.

    most_days: days with usage in the one of them that has most; days: in all of them.
    costs: currency → EffectiveCost of all of them.
    """

    last_day: date | None = None
    most_days: int = 0
    days: int = 0
    costs: dict[str | None, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceAge:
    """What is known of one source.

    in_month: some bill of it was delivered before its month was over, as invoices never are.
    month: its newest published one.
    """

    source: str
    delivered_at: datetime
    in_month: bool
    month: BillingPeriod | None
    usage: RecentUsage


def read_source_ages(
    connection: "DuckDBPyConnection", *, sources: Collection[str], today: date
) -> list[SourceAge]:
    """Of those of these sources that ever delivered, by name; charges as readers see them."""
    if not table_exists(connection, "ops", "deliveries"):
        return []
    months: dict[str, BillingPeriod] = {}
    for source, period in latest_published(connection):
        months[source] = max(months.get(source, BillingPeriod(1, 1)), BillingPeriod.parse(period))
    usage = _recent_usage(connection, months, today)
    rows = connection.execute(
        f"""select source, max(delivered_at),
            bool_or(delivered_at < cast(billing_period || '-01' as timestamp) + interval 1 month)
        from {LAKE}.ops.deliveries where source in (select unnest(?::varchar[]))
        group by source order by source""",
        [list(sources)],
    ).fetchall()
    return [
        SourceAge(source, newest, early, months.get(source), usage.get(source, RecentUsage()))
        for source, newest, early in rows
    ]


def _recent_usage(
    connection: "DuckDBPyConnection", months: Mapping[str, BillingPeriod], today: date
) -> dict[str, RecentUsage]:
    """By source, of its newest month and the one before: a month just begun has few days."""
    relation = published_relation(connection, "cost_by_day")
    if relation is None:
        return {}
    keys = [
        BillKey(source, each.start)
        for source, month in months.items()
        for each in (month, month.previous())
    ]
    found: dict[str, RecentUsage] = {}
    rows = connection.execute(
        f"""
        with usage as (
            select x_SourceName, BillingPeriodStart, charge_date, BillingCurrency,
                sum(effective_cost) as effective_cost
            from {relation}
            where {bills_condition(keys)} and ChargeCategory = 'Usage' and charge_date <= ?
            group by all
        ),
        days as (
            select x_SourceName, BillingPeriodStart, max(charge_date) as last_day,
                count(distinct charge_date) as days
            from usage
            group by all
        ),
        costs as (
            select x_SourceName, BillingCurrency,
                sum(effective_cost)::decimal(38, 15) as effective_cost
            from usage
            group by all
        )
        select d.x_SourceName, max(d.last_day), max(d.days), sum(d.days)::bigint,
            c.BillingCurrency, c.effective_cost
        from days as d
        inner join costs as c on d.x_SourceName = c.x_SourceName
        group by d.x_SourceName, c.BillingCurrency, c.effective_cost
        order by d.x_SourceName, c.BillingCurrency""",
        [today],
    ).fetchall()
    for source, last_day, most_days, days, currency, cost in rows:
        known = found.setdefault(source, RecentUsage(last_day, most_days, days))
        known.costs[currency] = cost
    return found
