"""One invoice, or one explanation of a difference, whatever file it comes from."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from finops_stack.period import BillingPeriod


@dataclass(frozen=True)
class InvoiceRow:
    """kind "invoice": `amount` is what the invoice says, `tax` the tax in it where that is known.
    kind "explain": `amount` is that much of the invoiced less the billed, for the reason in `note`.

    place: where it stands in the file. source and account narrow down whose charges it is of; an
    invoice always has a number, an explanation may be of charges without one.
    """

    place: str
    kind: Literal["invoice", "explain"]
    invoice_id: str | None
    month: BillingPeriod
    currency: str
    amount: Decimal
    source: str | None = None
    account: str | None = None
    tax: Decimal | None = None
    note: str = ""


@dataclass(frozen=True)
class InvoiceFile:
    """All rows of a file, and what of it was left out: words for the user."""

    rows: tuple[InvoiceRow, ...] = ()
    left_out: tuple[str, ...] = ()
