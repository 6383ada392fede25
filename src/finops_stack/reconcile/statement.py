"""The whole reconciliation of what is published: each account of each bill, each invoice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.period import BillingPeriod
from finops_stack.reconcile.explaining import (
    AccountResult,
    InvoiceResult,
    explain_account,
    explain_match,
)
from finops_stack.reconcile.invoice_row import InvoiceRow
from finops_stack.reconcile.matching import match
from finops_stack.warehouse.invoice_totals import (
    PartTotal,
    account_totals,
    invoice_lines,
    invoice_places,
    part_totals,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Statement:
    """By month and source: accounts, marts of a part of the charges, invoices."""

    accounts: list[AccountResult]
    parts: list[PartTotal]
    invoices: list[InvoiceResult]

    @property
    def is_explained(self) -> bool:
        """Whether nothing is left to explain."""
        both: Iterable[AccountResult | InvoiceResult] = [*self.accounts, *self.invoices]
        return all(each.state != "unexplained" for each in both) and not self.wrong_parts

    @property
    def wrong_parts(self) -> list[PartTotal]:
        """Marts of a part of the charges that are not the same as FOCUS."""
        return [part for part in self.parts if part.difference]


def make_statement(
    connection: "DuckDBPyConnection",
    rows: Sequence[InvoiceRow],
    *,
    month: BillingPeriod | None,
    source: str | None,
    rounding: Decimal,
    now: datetime,
) -> Statement:
    """Of the snapshot this connection reads; month and source: None for all.

    A row that names no source belongs to one only if charges of it fit.
    """
    lines = invoice_lines(connection, month)
    totals = account_totals(connection, lines, month)
    numbered = {line.key for line in lines if line.invoice_id is not None}
    wanted = [row for row in rows if month is None or row.month == month]
    found = [
        explain_match(
            each,
            rounding=rounding,
            numbered=any(line.key in numbered for line in each.lines),
            now=now,
        )
        for each in match(wanted, lines, invoice_places(connection))
    ]
    return Statement(
        [explain_account(total) for total in totals if source in (None, total.key.source)],
        [
            part
            for part in part_totals(connection, lines, month)
            if source in (None, part.key.source)
        ],
        sorted((each for each in found if source is None or source in each.sources), key=_order),
    )


def _order(found: InvoiceResult) -> tuple[object, ...]:
    return (
        found.month,
        found.sources or ("~",),
        found.accounts,
        found.currency or "",
        not found.invoice_ids,
        found.invoice_ids,
    )
