"""Asks the data quality checks of the bills that changed; one result per bill and check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.findings import CheckResult
from finops_stack.focus import canonical_columns
from finops_stack.period import BillingPeriod
from finops_stack.quality.checks import quality_checks, quality_sheets
from finops_stack.reconcile.check import make_sheets, run_checks
from finops_stack.thresholds import QualitySettings
from finops_stack.warehouse.lake import leaving_nothing
from finops_stack.warehouse.sql import quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Rows that are alike have these in common, and few others have: a tenth of hashing all columns.
_LIKENESS = (
    "BilledCost",
    "ChargePeriodStart",
    "ResourceId",
    "SkuPriceId",
    "SubAccountId",
    "ConsumedQuantity",
)
_PREFIX = "temp.quality_"
_JUDGED = f"{_PREFIX}judged"
_THRESHOLDS = f"{_PREFIX}thresholds"


@dataclass(frozen=True)
class Relations:
    """Where the rows are; names enter the SQL as they are.

    days and months are the marts cost_by_day and cost_by_month; days_published is the first as
    readers see it now, None before anything is published.
    """

    focus: str
    days: str
    months: str
    days_published: str | None = None


def check_quality(
    connection: "DuckDBPyConnection",
    relations: Relations,
    *,
    bills: Sequence[BillKey],
    now: datetime,
    settings: QualitySettings,
) -> list[CheckResult]:
    """Judge these bills: against themselves, the month before, what they replace, other sources.

    One result per bill and check, in that order, passed ones too. A month before that is not in
    the lake is not missed. Takes a transaction of its own, in which nothing stays.
    """
    bills = list(dict.fromkeys(bills))
    names = {
        "judged": _JUDGED,
        "thresholds": _THRESHOLDS,
        "focus": relations.focus,
        "days": relations.days,
        "months": relations.months,
        "days_published": relations.days_published
        or f"(select * from {relations.days} where false)",
        "bills": bills_condition(bills),
        "bills_and_before": bills_condition({*bills, *map(_before, bills)}),
        "months_at_hand": _months_condition(bills),
        "likeness": _listed(_LIKENESS),
        "focus_columns": _listed(_focus_columns()),
    }
    with leaving_nothing(connection):
        _create_judged(connection, bills, now, settings)
        _create_thresholds(connection, settings)
        given = make_sheets(connection, quality_sheets(), names=names, prefix=_PREFIX)
        return run_checks(connection, quality_checks(), names=given, bills=bills)


def _before(bill: BillKey) -> BillKey:
    """The same source's bill of the month before."""
    return BillKey(bill.source, BillingPeriod.of(bill.billing_period_start).previous().start)


def _months_condition(bills: Sequence[BillKey]) -> str:
    """Literals, so that files of other months are not read."""
    starts = sorted({bill.billing_period_start for bill in bills})
    listed = ", ".join(f"timestamp {quote_text(str(start))}" for start in starts)
    return f"BillingPeriodStart in ({listed})" if starts else "false"


def _is_closed(bill: BillKey, now: datetime, settings: QualitySettings) -> bool:
    end = BillingPeriod.of(bill.billing_period_start).end
    return now >= end + timedelta(days=settings.closed_after_days)


def _focus_columns() -> list[str]:
    """FOCUS's own: neither lineage nor what we add."""
    return [column.name for column in canonical_columns() if not column.name.startswith("x_")]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quote_name(name) for name in names)


def _create_judged(
    connection: "DuckDBPyConnection",
    bills: Sequence[BillKey],
    now: datetime,
    settings: QualitySettings,
) -> None:
    connection.execute(
        f"create or replace temp table {_JUDGED} as select unnest(?::varchar[]) as x_SourceName,"
        " unnest(?::timestamp[]) as BillingPeriodStart, unnest(?::timestamp[]) as previous_start,"
        " unnest(?::boolean[]) as is_closed",
        [
            [bill.source for bill in bills],
            [bill.billing_period_start for bill in bills],
            [_before(bill).billing_period_start for bill in bills],
            [_is_closed(bill, now, settings) for bill in bills],
        ],
    )


def _create_thresholds(connection: "DuckDBPyConnection", settings: QualitySettings) -> None:
    values = settings.thresholds()
    columns = ", ".join(f"?::decimal(38, 15) as {quote_name(name)}" for name in values)
    connection.execute(
        f"create or replace temp table {_THRESHOLDS} as select {columns}", list(values.values())
    )
