"""FOCUS rows of a few bills, and the marts the checks read, as dbt's own models make them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

import duckdb

from finops_stack.bill import BillKey
from finops_stack.findings import CheckResult
from finops_stack.focus import canonical_columns, sql_type
from finops_stack.quality.check import Relations, check_quality
from finops_stack.thresholds import QualitySettings

MARTS = files("finops_stack").joinpath("dbt", "models", "marts")
AUGUST = datetime(2026, 8, 1)
SEPTEMBER = datetime(2026, 9, 1)
# After September was closed: three days after its end.
OCTOBER = datetime(2026, 10, 4)


@dataclass
class Bills:
    """A table of FOCUS rows with cost_by_day and cost_by_month over it."""

    connection: duckdb.DuckDBPyConnection

    def __post_init__(self):
        listed = ", ".join(f'"{c.name}" {sql_type(c)}' for c in canonical_columns())
        self.connection.execute(f"create table focus ({listed})")
        for mart in ("cost_by_day", "cost_by_month"):
            sql = MARTS.joinpath(f"{mart}.sql").read_text(encoding="utf-8")
            sql = re.sub(r'\{\{ this_bill\(ref\("(\w+)"\)\) \}\}', r"\1", sql)
            self.connection.execute(f"create view {mart} as {sql}")
        self.rows = 0

    def charge(self, start, cost, **values):
        """A row of usage, or several copies of it, each with an address of its own."""
        self._insert([start], cost, **values)

    def month(self, start=SEPTEMBER, cost="10", *, days=range(1, 32), **values):
        """One row a day of the month, or of these days of it."""
        found = [start + timedelta(days=number - 1) for number in days]
        self._insert([day for day in found if day.month == start.month], cost, **values)

    def _insert(self, starts, cost, *, days_long=0, source="acme", copies=1, **values):
        """Usage of an hour, or of so many days; values replace or add columns."""
        row = {
            "x_SourceName": source,
            "x_DeliveryId": "d1",
            "x_SourceFile": "bill.csv",
            "x_SourcePart": 0,
            "ChargeCategory": "Usage",
            "BillingAccountId": "payer",
            "SubAccountId": "shop",
            "ServiceName": "VM",
            "BillingCurrency": "EUR",
            "BilledCost": cost,
            "EffectiveCost": cost,
        } | values
        length = timedelta(days=days_long) if days_long else timedelta(hours=1)
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f"""insert into focus ({", ".join(row)}, ChargePeriodStart, ChargePeriodEnd,
                BillingPeriodStart, x_SourceRow)
            select {marks}, start, start + ?, date_trunc('month', start),
                ? + row_number() over (order by start, copy)
            from (select unnest(?::timestamp[]) as start)
            cross join (select unnest(range(?)) as copy)""",
            [*row.values(), length, self.rows - 1, starts, copies],
        )
        self.rows += len(starts) * copies

    def check(self, *bills, now=OCTOBER, published=None, **settings):
        """Check id → result of the last of these bills (default: September of acme)."""
        keys = [BillKey(*bill) for bill in bills or (("acme", SEPTEMBER),)]
        results = check_quality(
            self.connection,
            Relations("focus", "cost_by_day", "cost_by_month", published),
            bills=keys,
            now=now,
            settings=QualitySettings(**settings),
        )
        wanted = [r for r in results if (r.source, r.billing_period) == _named(keys[-1])]
        return {result.check_id: result for result in wanted}

    def found(self, *bills, **options) -> dict[str, CheckResult]:
        """The failed ones."""
        return {k: r for k, r in self.check(*bills, **options).items() if not r.passed}


def _named(bill):
    return bill.source, bill.billing_period
