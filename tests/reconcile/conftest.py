"""Bills with their control totals, as small tables."""

from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pytest

from finops_stack.bill import BillKey
from finops_stack.reconcile.check import check_totals

BILL = BillKey("acme", datetime(2026, 9, 1))

FOCUS = """
    x_SourceName varchar, BillingPeriodStart timestamp, x_DeliveryId varchar, x_SourceFile varchar,
    x_SourceRow bigint, x_SourcePart integer, BillingAccountId varchar, BillingCurrency varchar,
    BilledCost decimal(38, 15), EffectiveCost decimal(38, 15), ChargeCategory varchar,
    CommitmentDiscountId varchar, CommitmentDiscountStatus varchar, ServiceName varchar,
    ServiceCategory varchar"""
CONTROLS = """
    x_SourceName varchar, x_DeliveryId varchar, BillingPeriodStart timestamp,
    BillingAccountId varchar, BillingCurrency varchar, treatment varchar, raw_rows bigint,
    billed_total decimal(38, 15)"""
COMMITMENTS = """
    x_SourceName varchar, x_DeliveryId varchar, BillingPeriodStart timestamp,
    CommitmentDiscountId varchar, committed_cost decimal(38, 15), is_closed boolean"""


@dataclass
class Books:
    """The three tables, and how many rows each bill's files have."""

    connection: duckdb.DuckDBPyConnection
    delivered: dict[BillKey, int] = field(default_factory=dict)
    bill: BillKey = BILL

    def __post_init__(self):
        for name, listed in (
            ("focus", FOCUS),
            ("controls", CONTROLS),
            ("commitments", COMMITMENTS),
        ):
            self.connection.execute(f"create table {name} ({listed})")

    def clear(self):
        for name in ("focus", "controls", "commitments"):
            self.connection.execute(f"delete from {name}")
        self.delivered.clear()

    def insert(self, table, **values):
        """One row; source, period and delivery default to the bill's."""
        row = {
            "x_SourceName": self.bill.source,
            "BillingPeriodStart": self.bill.billing_period_start,
            "x_DeliveryId": "d1",
        } | values
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values())
        )

    def charge(self, row, billed, effective=None, **values):
        """One FOCUS row, part 0 of raw row `row`."""
        defaults = {
            "x_SourceFile": "bill.csv.gz",
            "x_SourceRow": row,
            "x_SourcePart": 0,
            "BillingAccountId": "1",
            "BillingCurrency": "EUR",
            "BilledCost": billed,
            "EffectiveCost": billed if effective is None else effective,
            "ChargeCategory": "Usage",
        }
        self.insert("focus", **(defaults | values))

    def control(self, rows, total, treatment="converted", account="1", currency="EUR", **values):
        self.insert(
            "controls",
            BillingAccountId=account,
            BillingCurrency=currency,
            treatment=treatment,
            raw_rows=rows,
            billed_total=total,
            **values,
        )

    def add_clean(self):
        """Five raw rows: three charges, a covered hour and an unused one; one more is left out."""
        self.charge(0, "10.50")
        self.charge(1, "-0.50")
        self.charge(2, "0")
        covered = {"CommitmentDiscountId": "plan-1"}
        self.charge(3, "0", "3.004", CommitmentDiscountStatus="Used", **covered)
        self.charge(4, "0", "1", CommitmentDiscountStatus="Unused", **covered)
        # A purchase is no part of what the commitment's usage costs; it is part 1 of row 0.
        self.charge(0, "4", "0", x_SourcePart=1, ChargeCategory="Purchase", **covered)
        self.control(5, "14")
        self.control(1, "0", treatment="zero discount lines")
        self.insert(
            "commitments", CommitmentDiscountId="plan-1", committed_cost="4", is_closed=True
        )
        self.delivered[self.bill] = 6

    def check(self, bills=None):
        return check_totals(
            self.connection,
            focus="focus",
            controls="controls",
            commitments="commitments",
            bills=list(bills or [self.bill]),
            delivered_rows=self.delivered,
        )


@pytest.fixture(scope="module")
def shared_books():
    connection = duckdb.connect()
    yield Books(connection)
    connection.close()


@pytest.fixture
def books():
    connection = duckdb.connect()
    yield Books(connection)
    connection.close()
