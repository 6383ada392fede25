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
        there = {id(line) for line in self.lines}
        self.lines += [line for line in other.lines if id(line) not in there]


def match(rows: Iterable[InvoiceRow], lines: Iterable[InvoiceLine], places: Places) -> list[Match]:
    """Every row and every line in exactly one comparison.

    lines: of every month the rows are of; places: where else a number is, to say so.
    """
    by_book: dict[Book, tuple[list[InvoiceRow], list[InvoiceLine]]] = {}
    for line in lines:
        by_book.setdefault((line.key.month, line.key.currency), ([], []))[1].append(line)
    for row in rows:
        by_book.setdefault((row.month, row.currency), ([], []))[0].append(row)
    return [
        each
        for rows_of_book, lines_of_book in by_book.values()
        for each in _match_book(rows_of_book, _Charges(lines_of_book), places)
    ]


class _Charges:
    """The lines of one month and currency, to be found by number, source and account."""

    def __init__(self, lines: Sequence[InvoiceLine]) -> None:
        self.lines = lines
        self.by_number: dict[str | None, list[InvoiceLine]] = {}
        for line in lines:
            self.by_number.setdefault(line.invoice_id, []).append(line)
        numbered = {line.key for line in lines if line.invoice_id is not None}
        self.plain = [line for line in lines if line.key not in numbered]

    def of(self, row: InvoiceRow) -> list[InvoiceLine]:
        """Those with its number; else, where the row names source or account, those of accounts
        that number none. An explanation without a number is of all charges without one."""
        with_number = [line for line in self.by_number.get(row.invoice_id, ()) if _fits(row, line)]
        if with_number or not (row.source or row.account):
            return with_number
        return [line for line in self.plain if _fits(row, line)]


def _match_book(rows: Sequence[InvoiceRow], charges: _Charges, places: Places) -> list[Match]:
    """Explanations come last, so that their invoices are there."""
    found: dict[int, Match] = {}
    of_line: dict[int, Match] = {}
    for row in sorted(rows, key=lambda row: row.kind == "explain"):
        own = charges.of(row)
        merged = Match(lines=own)
        if len({line.key.source for line in own}) > 1:
            merged = Match(problem=_several(own))
        else:
            touched = [id(of_line[id(line)]) for line in own if id(line) in of_line]
            if not own:
                touched = _of_its_invoice(row, found.values())
                merged.problem = _nowhere(row, charges, places)
            for each in dict.fromkeys(touched):
                merged.absorb(found.pop(each))
        (merged.invoices if row.kind == "invoice" else merged.given).append(row)
        found[id(merged)] = merged
        of_line |= {id(line): merged for line in merged.lines}
    alone = [Match(lines=[line]) for line in charges.lines if id(line) not in of_line]
    return [*found.values(), *alone]


def _fits(row: InvoiceRow, line: InvoiceLine) -> bool:
    return row.source in (None, line.key.source) and row.account in (None, line.key.account)


def _of_its_invoice(row: InvoiceRow, found: Iterable[Match]) -> list[int]:
    """The comparison of an explanation's invoice, where one alone has it."""
    if row.kind == "invoice":
        return []
    same = [id(each) for each in found if any(_is_of(row, other) for other in each.invoices)]
    return same if len(same) == 1 else []


def _is_of(explanation: InvoiceRow, invoice: InvoiceRow) -> bool:
    return (
        explanation.invoice_id == invoice.invoice_id
        and (explanation.source == invoice.source or None in (explanation.source, invoice.source))
        and (
            explanation.account == invoice.account or None in (explanation.account, invoice.account)
        )
    )


def _several(charges: Sequence[InvoiceLine]) -> str:
    sources = sorted({line.key.source for line in charges})
    return f"charges of {' and '.join(sources)} fit it: name its source"


def _nowhere(row: InvoiceRow, charges: _Charges, places: Places) -> str:
    """Why a row has no charges, in the user's words."""
    if row.invoice_id and row.invoice_id in charges.by_number:
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
    if any(_fits(row, line) for line in charges.lines):
        return "no charge has this number"
    return f"no bill of {row.source or row.account} is published for {row.month} in {row.currency}"
