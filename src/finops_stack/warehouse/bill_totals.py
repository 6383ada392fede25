"""What a bill adds up to: as delivered, and as FOCUS, per currency."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.warehouse.lake import LAKE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class CurrencyTotal:
    """One currency of one bill. Raw: the control totals of the delivered files, rows left out
    on purpose included; FOCUS: Σ BilledCost. The two totals are equal, or a check says why."""

    source: str
    billing_period: str
    delivery_id: str
    currency: str | None
    raw_rows: int
    raw_total: Decimal
    focus_rows: int
    focus_total: Decimal


def bill_totals(connection: "DuckDBPyConnection") -> list[CurrencyTotal]:
    """Totals of every bill at the snapshot this connection reads, by source, month, currency."""
    rows = connection.execute(f"""
        with totals as (
            select x_SourceName, x_DeliveryId, BillingPeriodStart, BillingCurrency,
                raw_rows, billed_total, 0 as charges, 0 as billed_cost
            from {LAKE}.main.bill_controls
            union all
            select x_SourceName, x_DeliveryId, BillingPeriodStart, BillingCurrency,
                0, 0, charges, billed_cost
            from {LAKE}.main.cost_by_month
        )
        select
            x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), x_DeliveryId, BillingCurrency,
            sum(raw_rows)::bigint, sum(billed_total)::decimal(38, 15),
            sum(charges)::bigint, sum(billed_cost)::decimal(38, 15)
        from totals
        group by all
        order by all""").fetchall()
    return [CurrencyTotal(*row) for row in rows]
