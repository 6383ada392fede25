"""Which charges an invoice is of: by its number, or where a bill gives none by source or account.

Invoices and charges that touch are one comparison: an invoice over two accounts, or the two
invoices of an account whose charges carry no number. What no invoice touches stands alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from finops_stack.period import BillingPeriod
from finops_stack.reconcile.invoice_row import InvoiceRow
from finops_stack.warehouse.invoice_totals import InvoiceLine

Book = tuple[BillingPeriod, str | None]
# Invoice number → the months and currencies of the charges that carry it.
Places = Mapping[str, set[Book]]


@dataclass
class Match:
    """One comparison. problem: why its rows of the file have no charges; '' where they have."""

    invoices: list[InvoiceRow] = field(default_factory=list)
    given: list[InvoiceRow] = field(default_factory=list)
    lines: list[InvoiceLine] = field(default_factory=list)
    problem: str = ""

    @property
    def rows(self) -> list[InvoiceRow]:
        """All its rows of the file."""
        return self.invoices + self.given

    def absorb(self, other: "Match") -> None:
        """Become one comparison with another."""
        self.invoices += other.invoices
        self.given += other.given
        self.lines += [line for line in other.lines if line not in self.lines]


def match(rows: Iterable[InvoiceRow], lines: Iterable[InvoiceLine], places: Places) -> list[Match]:
    """Every row and every line in exactly one comparison.

    lines: of every month the rows are of; places: where else a number is, to say so.
    """
    by_book: dict[Book, tuple[list[InvoiceRow], list[InvoiceLine]]] = {}
    for line in lines:
        by_book.setdefault((line.key.month, line.key.currency), ([], []))[1].append(line)
    for row in rows:
        by_book.setdefault((row.month, row.currency), ([], []))[0].append(row)
    return [each for book in by_book.values() for each in _match_book(*book, places)]


def _match_book(
    rows: Sequence[InvoiceRow], lines: Sequence[InvoiceLine], places: Places
) -> list[Match]:
    """One month and currency. Explanations come last, so that their invoices are there."""
    found: list[Match] = []
    for row in sorted(rows, key=lambda row: row.kind == "explain"):
        charges = _charges_of(row, lines)
        if len({line.key.source for line in charges}) > 1:
            merged = Match(problem=_several(charges))
            touched: list[Match] = []
        else:
            merged = Match(lines=charges)
            touched = _touched(found, row, charges)
            if not charges:
                merged.problem = _nowhere(row, lines, places)
        for each in touched:
            merged.absorb(each)
        (merged.invoices if row.kind == "invoice" else merged.given).append(row)
        found = [each for each in found if not any(each is other for other in touched)] + [merged]
    taken = {id(line) for each in found for line in each.lines}
    return found + [Match(lines=[line]) for line in lines if id(line) not in taken]


def _charges_of(row: InvoiceRow, lines: Sequence[InvoiceLine]) -> list[InvoiceLine]:
    """Those with its number; else, where the row names source or account, those of accounts that
    number none. An explanation without a number is of all charges without one."""
    fitting = [line for line in lines if _fits(row, line)]
    with_number = [line for line in fitting if line.invoice_id == row.invoice_id]
    if with_number or not (row.source or row.account):
        return with_number
    numbered = {line.key for line in lines if line.invoice_id is not None}
    return [line for line in fitting if line.key not in numbered]


def _fits(row: InvoiceRow, line: InvoiceLine) -> bool:
    return row.source in (None, line.key.source) and row.account in (None, line.key.account)


def _touched(
    found: Sequence[Match], row: InvoiceRow, charges: Sequence[InvoiceLine]
) -> list[Match]:
    """Comparisons of the same charges; of an explanation without any, that of its invoice."""
    if charges:
        return [each for each in found if any(line in charges for line in each.lines)]
    if row.kind == "invoice":
        return []
    same = [each for each in found if any(_is_of(row, invoice) for invoice in each.invoices)]
    return same if len(same) == 1 else []


def _is_of(explanation: InvoiceRow, invoice: InvoiceRow) -> bool:
    return (
        explanation.invoice_id == invoice.invoice_id
        and (explanation.source or invoice.source) in (None, invoice.source)
        and (explanation.account or invoice.account) in (None, invoice.account)
    )


def _several(charges: Sequence[InvoiceLine]) -> str:
    sources = sorted({line.key.source for line in charges})
    return f"charges of {' and '.join(sources)} fit it: name its source"


def _nowhere(row: InvoiceRow, lines: Sequence[InvoiceLine], places: Places) -> str:
    """Why a row has no charges, in the user's words."""
    if row.invoice_id and any(line.invoice_id == row.invoice_id for line in lines):
        return "charges with this number are of another source or account"
    elsewhere = places.get(row.invoice_id or "", set())
    if elsewhere:
        found = sorted(f"{month} in {currency}" for month, currency in elsewhere)
        return f"charges with this number are of {', '.join(found)}"
    if not (row.source or row.account):
        return (
            "no charge has this number; where a bill's charges have none, name source or"
            " billing_account_id"
        )
    if any(_fits(row, line) for line in lines):
        return "no charge has this number"
    return f"no bill of {row.source or row.account} is published for {row.month} in {row.currency}"
