"""Is a difference explained, and by what: line by line, exact, nothing guessed twice.

An explanation counts only if it is exact: a reason the user gives, the tax an invoice states
where the bill has none, parts of the bill that the invoice does not hold (found because they are
the difference, and only where no other parts are it too), and rounding as far as it is allowed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import combinations
from typing import Literal

from finops_stack.period import BillingPeriod
from finops_stack.reconcile.matching import Match
from finops_stack.warehouse.invoice_totals import EXACT, AccountTotal, InvoiceLine

State = Literal[
    "equal", "explained", "unexplained", "no invoice given", "not invoiced yet", "month not over"
]
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Explanation:
    """One line of a difference: that much of it, and what it is."""

    what: str
    amount: Decimal


@dataclass(frozen=True)
class InvoiceResult:
    """One comparison of invoices with charges.

    difference is invoiced less billed, None where there is no invoice; unexplained is what the
    explanations leave of it. sources, accounts and invoice numbers: usually one of each.
    """

    sources: tuple[str, ...]
    month: BillingPeriod
    accounts: tuple[str, ...]
    currency: str | None
    invoice_ids: tuple[str, ...]
    invoiced: Decimal | None
    billed: Decimal
    difference: Decimal | None
    explanations: tuple[Explanation, ...]
    unexplained: Decimal
    state: State
    problem: str = ""


@dataclass(frozen=True)
class AccountResult:
    """One account of a bill: are delivered files, FOCUS and every mart the same?

    difference: raw total less FOCUS total; where those are the same, the FOCUS total less that
    of the mart furthest from it. wrong_marts: the marts that are not the same as FOCUS.
    """

    total: AccountTotal
    difference: Decimal
    explanations: tuple[Explanation, ...]
    unexplained: Decimal
    wrong_marts: tuple[str, ...]
    state: Literal["equal", "explained", "unexplained"]

    @property
    def raw_is_explained(self) -> bool:
        """Whether delivered files and FOCUS are the same but for rows left out."""
        return bool(self.explanations) or self.total.raw_total == self.total.billed


def explain_account(total: AccountTotal) -> AccountResult:
    """raw = FOCUS = marts; a raw total that differs by the rows left out, and by nothing else,
    is explained by them."""
    with localcontext(EXACT):
        difference = total.raw_total - total.billed
        left_out = tuple(
            Explanation(f"left out: {part.treatment}, {part.rows} rows", part.total)
            for part in total.left_out
            if part.total
        )
        explanations = left_out if difference and difference == _sum(left_out) else ()
        gaps = {mart: total.billed - billed for mart, billed in total.marts.items()}
        wrong = tuple(mart for mart, gap in gaps.items() if gap)
        unexplained = _NOTHING if explanations else difference
        if wrong and not unexplained:
            unexplained = max((gaps[mart] for mart in wrong), key=abs)
        return AccountResult(
            total=total,
            difference=difference or unexplained,
            explanations=explanations,
            unexplained=unexplained,
            wrong_marts=wrong,
            state="unexplained" if unexplained else "explained" if explanations else "equal",
        )


def explain_match(
    found: Match, *, rounding: Decimal, numbered: bool, now: datetime
) -> InvoiceResult:
    """rounding: how much may be called that; numbered: other charges of the account are on an
    invoice; now: a month that is not over by then is judged when it is."""
    with localcontext(EXACT):
        billed = sum((line.billed for line in found.lines), _NOTHING)
        invoiced = sum((row.amount for row in found.invoices), _NOTHING)
        month, currency = _book(found)
        is_open = month.end > now
        difference = invoiced - billed if found.rows else None
        explanations: list[Explanation] = []
        rest = difference or _NOTHING
        state: State = "no invoice given"
        if difference is not None:
            explanations, rest = _explained(found, difference, rounding)
            state = "unexplained" if rest else "explained" if explanations else "equal"
            state = "month not over" if rest and is_open else state
        elif any(line.invoice_id is None for line in found.lines) and (numbered or is_open):
            state = "not invoiced yet"
        return InvoiceResult(
            sources=_words(
                [line.key.source for line in found.lines] or [row.source for row in found.rows]
            ),
            month=month,
            accounts=_words(
                [line.key.account for line in found.lines] or [row.account for row in found.rows]
            ),
            currency=currency,
            invoice_ids=_words(
                [row.invoice_id for row in found.rows] + [line.invoice_id for line in found.lines]
            ),
            invoiced=invoiced if found.invoices else None,
            billed=billed,
            difference=difference,
            explanations=tuple(explanations),
            unexplained=rest,
            state=state,
            problem="" if found.lines else found.problem,
        )


def _book(found: Match) -> tuple[BillingPeriod, str | None]:
    if found.lines:
        return found.lines[0].key.month, found.lines[0].key.currency
    return found.rows[0].month, found.rows[0].currency


def _words(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value is not None}))


def _sum(explanations: Iterable[Explanation]) -> Decimal:
    return sum((each.amount for each in explanations), _NOTHING)


def _explained(
    found: Match, difference: Decimal, rounding: Decimal
) -> tuple[list[Explanation], Decimal]:
    """What explains the difference, and what is left of it."""
    explanations = [Explanation(row.note, row.amount) for row in found.given]
    rest = difference - _sum(explanations)
    tax = _tax_on_invoice(found)
    if tax and abs(rest - tax) < abs(rest):
        explanations.append(Explanation("tax on the invoice, of which the bill has none", tax))
        rest -= tax
    if found.invoices and abs(rest) > rounding:
        parts = _not_on_invoice(found.lines, rest, rounding)
        explanations += parts
        rest -= _sum(parts)
    if rest and abs(rest) <= rounding:
        explanations.append(Explanation("rounding", rest))
        rest = _NOTHING
    return explanations, rest


def _tax_on_invoice(found: Match) -> Decimal:
    """The tax the invoices state, where no charge of theirs is tax."""
    if not found.lines or any(line.tax for line in found.lines):
        return _NOTHING
    return sum((row.tax for row in found.invoices if row.tax is not None), _NOTHING)


def _not_on_invoice(
    lines: Sequence[InvoiceLine], rest: Decimal, rounding: Decimal
) -> list[Explanation]:
    """Parts of the bill whose absence from the invoice is what is left of the difference.

    Only where one choice of parts fits, and no other: two that do would be a guess.
    """
    parts = [
        Explanation(f"{what} in the bill, not on the invoice", -amount)
        for what, amount in (
            ("tax", sum((line.tax for line in lines), _NOTHING)),
            ("credits", sum((line.credit for line in lines), _NOTHING)),
            ("adjustments", sum((line.adjustment for line in lines), _NOTHING)),
            ("refunds of earlier months", sum((line.correction for line in lines), _NOTHING)),
        )
        if amount
    ]
    fitting = [
        list(chosen)
        for count in range(1, len(parts) + 1)
        for chosen in combinations(parts, count)
        if abs(rest - _sum(chosen)) <= rounding
    ]
    return fitting[0] if len(fitting) == 1 else []
