"""What a bill adds up to at each step: delivered files, FOCUS rows, marts; FOCUS by invoice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from finops_stack.period import BillingPeriod
from finops_stack.warehouse.lake import LAKE, table_exists
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Marts with the billed cost of all charges, by account.
ACCOUNT_MARTS = ("cost_by_day", "cost_by_month", "reconciliation")
# Marts with that of some charges, not all by account → its column, and which charges those are.
PART_MARTS = {
    "commitments_by_month": (
        "purchased_cost",
        "ChargeCategory = 'Purchase' and CommitmentDiscountId is not null",
    ),
    "resources_by_month": ("billed_cost", "ResourceId is not null"),
}
_ACCOUNT = "x_SourceName, BillingPeriodStart, BillingAccountId, BillingCurrency"
_NOTHING = Decimal(0)
# Money has up to 38 digits; Python's own 28 would round the sums of large ones.
EXACT = Context(prec=60)


@dataclass(frozen=True)
class AccountKey:
    """One account and currency of one bill; a bill may leave either empty."""

    source: str
    month: BillingPeriod
    account: str | None
    currency: str | None

    @property
    def order(self) -> tuple[BillingPeriod, str, str, str]:
        """What lines are sorted by."""
        return self.month, self.source, self.account or "", self.currency or ""


@dataclass(frozen=True)
class InvoiceLine:
    """The charges of one account that are on one invoice, or (None) on no invoice by number.

    billed is Σ BilledCost; tax, credit, adjustment and correction (of the usage and purchases of
    an earlier month) are parts of it, and so is in_part_marts: of the charges each of PART_MARTS
    is to hold, in that order.
    """

    key: AccountKey
    invoice_id: str | None
    charges: int
    billed: Decimal
    tax: Decimal = _NOTHING
    credit: Decimal = _NOTHING
    adjustment: Decimal = _NOTHING
    correction: Decimal = _NOTHING
    in_part_marts: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """Rows of the delivered files that became no charge, under the name of the rule."""

    treatment: str
    rows: int
    total: Decimal


@dataclass
class AccountTotal:
    """One account at each step. raw_total is the delivered files' own, rows left out included;
    marts: the billed cost of each mart there is."""

    key: AccountKey
    raw_rows: int = 0
    raw_total: Decimal = _NOTHING
    left_out: list[LeftOut] = field(default_factory=list)
    charges: int = 0
    billed: Decimal = _NOTHING
    marts: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class PartTotal:
    """A mart of some charges, of one bill and currency: what of FOCUS it is to hold, and holds.
    The key's account is empty."""

    mart: str
    key: AccountKey
    billed: Decimal = _NOTHING
    in_mart: Decimal = _NOTHING

    @property
    def difference(self) -> Decimal:
        """FOCUS less mart."""
        return EXACT.subtract(self.billed, self.in_mart)


def invoice_lines(
    connection: "DuckDBPyConnection", month: BillingPeriod | None = None
) -> list[InvoiceLine]:
    """FOCUS by account and invoice number, of a month or of all."""
    where, bound = _of_month(month)
    rows = connection.execute(
        f"""select {_ACCOUNT}, nullif(trim(InvoiceId), '') as invoice, count(*),
            coalesce(sum(BilledCost), 0)::decimal(38, 15),
            {_part("ChargeCategory = 'Tax'")},
            {_part("ChargeCategory = 'Credit'")},
            {_part("ChargeCategory = 'Adjustment'")},
            {_part("ChargeCategory in ('Usage', 'Purchase') and ChargeClass = 'Correction'")},
            {", ".join(_part(condition) for _, condition in PART_MARTS.values())}
        from {LAKE}.main.focus
        where {where}
        group by {_ACCOUNT}, invoice
        order by {_ACCOUNT}, invoice""",
        bound,
    ).fetchall()
    return [_line(row) for row in rows]


def _line(row: Sequence[Any]) -> InvoiceLine:
    number, charges, billed, tax, credit, adjustment, correction, *in_marts = row[4:]
    return InvoiceLine(
        _key(row), number, charges, billed, tax, credit, adjustment, correction, tuple(in_marts)
    )


def account_totals(
    connection: "DuckDBPyConnection",
    lines: Iterable[InvoiceLine],
    month: BillingPeriod | None = None,
) -> list[AccountTotal]:
    """Every account of every bill, at each step; lines: those of invoice_lines, of the same month.

    An account that only one of the steps has is there too, with 0 at the others.
    """
    marts = [mart for mart in ACCOUNT_MARTS if table_exists(connection, "main", mart)]
    totals: dict[AccountKey, AccountTotal] = {}

    def of(key: AccountKey) -> AccountTotal:
        return totals.setdefault(key, AccountTotal(key, marts=dict.fromkeys(marts, _NOTHING)))

    for line in lines:
        found = of(line.key)
        found.charges += line.charges
        found.billed = EXACT.add(found.billed, line.billed)
    for key, treatment, rows, total in _controls(connection, month):
        found = of(key)
        found.raw_rows += rows
        found.raw_total = EXACT.add(found.raw_total, total)
        if treatment != "converted":
            found.left_out.append(LeftOut(treatment, rows, total))
    for mart in marts:
        for key, billed in _mart_sums(connection, mart, month):
            of(key).marts[mart] = billed
    return sorted(totals.values(), key=lambda total: total.key.order)


def part_totals(
    connection: "DuckDBPyConnection",
    lines: Iterable[InvoiceLine],
    month: BillingPeriod | None = None,
) -> list[PartTotal]:
    """Every mart of a part of the charges, by bill and currency; lines as in account_totals."""
    marts = [mart for mart in PART_MARTS if table_exists(connection, "main", mart)]
    totals: dict[tuple[str, AccountKey], PartTotal] = {}

    def of(mart: str, key: AccountKey) -> PartTotal:
        bill = replace(key, account=None)
        return totals.setdefault((mart, bill), PartTotal(mart, bill))

    for line in lines:
        for mart, billed in zip(PART_MARTS, line.in_part_marts, strict=True):
            if mart in marts:
                found = of(mart, line.key)
                found.billed = EXACT.add(found.billed, billed)
    for mart in marts:
        where, bound = _of_month(month)
        rows = connection.execute(
            f"""select x_SourceName, BillingPeriodStart, null, BillingCurrency,
                coalesce(sum({PART_MARTS[mart][0]}), 0)::decimal(38, 15)
            from {LAKE}.main.{quote_name(mart)} where {where}
            group by x_SourceName, BillingPeriodStart, BillingCurrency""",
            bound,
        ).fetchall()
        for row in rows:
            of(mart, _key(row)).in_mart = row[4]
    return sorted(totals.values(), key=lambda total: (total.key.order, total.mart))


def invoice_places(
    connection: "DuckDBPyConnection",
) -> dict[str, set[tuple[BillingPeriod, str | None]]]:
    """Invoice number → the months and currencies of its charges, all that are published."""
    found: dict[str, set[tuple[BillingPeriod, str | None]]] = {}
    if table_exists(connection, "main", "reconciliation"):
        rows = connection.execute(
            f"""select distinct trim(InvoiceId), BillingPeriodStart, BillingCurrency
            from {LAKE}.main.reconciliation where trim(InvoiceId) <> ''"""
        ).fetchall()
        for number, start, currency in rows:
            found.setdefault(number, set()).add((BillingPeriod.of(start), currency))
    return found


def _of_month(month: BillingPeriod | None) -> tuple[str, list[datetime]]:
    """A condition without an `or`, so that other months' files are not opened, and its value."""
    return ("BillingPeriodStart = ?", [month.start]) if month else ("true", [])


def _part(condition: str) -> str:
    return f"coalesce(sum(BilledCost) filter (where {condition}), 0)::decimal(38, 15)"


def _key(row: Sequence[Any]) -> AccountKey:
    """The first four columns of a row."""
    return AccountKey(row[0], BillingPeriod.of(row[1]), row[2], row[3])


def _mart_sums(
    connection: "DuckDBPyConnection", mart: str, month: BillingPeriod | None
) -> Iterator[tuple[AccountKey, Decimal]]:
    where, bound = _of_month(month)
    rows = connection.execute(
        f"select {_ACCOUNT}, coalesce(sum(billed_cost), 0)::decimal(38, 15)"
        f" from {LAKE}.main.{quote_name(mart)} where {where} group by {_ACCOUNT}",
        bound,
    ).fetchall()
    return ((_key(row), row[4]) for row in rows)


def _controls(
    connection: "DuckDBPyConnection", month: BillingPeriod | None
) -> Iterator[tuple[AccountKey, str, int, Decimal]]:
    """Account, treatment, its raw rows and what they add up to."""
    where, bound = _of_month(month)
    rows = connection.execute(
        f"""select {_ACCOUNT}, treatment, coalesce(sum(raw_rows), 0)::bigint,
            coalesce(sum(billed_total), 0)::decimal(38, 15)
        from {LAKE}.main.bill_controls where {where}
        group by {_ACCOUNT}, treatment order by treatment""",
        bound,
    ).fetchall()
    return ((_key(row), row[4], row[5], row[6]) for row in rows)
