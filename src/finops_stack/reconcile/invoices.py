"""Invoices as the user's file gives them, and what the user has to say of a difference.

The file is a csv that a finance person keeps, or one of FOCUS's InvoiceDetail data set; its
columns tell which.
"""

import csv
import difflib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.reconcile.invoice_detail import is_invoice_detail, read_invoice_detail
from finops_stack.reconcile.invoice_row import InvoiceFile, InvoiceRow

REQUIRED = ("invoice_id", "month", "currency", "amount")
COLUMNS = (*REQUIRED, "source", "billing_account_id", "tax", "kind", "note")
_HEADER_HINT = f"columns, in any order: {', '.join(COLUMNS)}; the first four are needed"
# What stands before the point and after it in decimal(38, 15).
_AMOUNT = re.compile(r"[+-]?\d{1,23}(?:\.\d{1,15})?")
_CODE = re.compile(r"[A-Z]{3}")
_AMOUNT_HINT = "write it as 1190.00: a point before the cents, nothing between the thousands"


@dataclass(frozen=True)
class _Cells:
    """One line of the file, its cells by column; knows where it stands."""

    path: Path
    line: int
    values: dict[str, str]

    def __call__(self, column: str) -> str:
        return self.values.get(column, "").strip()

    def refuse(self, column: str, said: str, expected: str) -> InputError:
        return InputError(f"{self.path}, line {self.line}, {column}: {said}", hint=expected)


def parse_invoices(text: str, path: Path) -> InvoiceFile:
    """The rows of a csv.

    Raises: InputError with line and column for what is wrong with a row, and for an invoice that
    is there twice.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: {error}", hint="mend its quotes"
        ) from error
    cells = [_Cells(path, line, _by_column(path, header, line, row)) for line, row in lines]
    if is_invoice_detail(header):
        return read_invoice_detail(path, [(f"line {each.line}", each.values) for each in cells])
    _require_header(path, header)
    return InvoiceFile(tuple(_each_once(cells)))


def _by_column(path: Path, header: Sequence[str], line: int, row: Sequence[str]) -> dict[str, str]:
    if len(row) != len(header):
        raise InputError(
            f"{path}, line {line}: it has {len(row)} columns, not {len(header)}",
            hint="a text with a comma stands in quotes; an amount has a point before the cents",
        )
    return dict(zip(header, row, strict=True))


def _require_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS or header.count(name) > 1:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            meant = f' (did you mean "{near[0]}"?)' if near and near[0] != name else ""
            said = "is there twice" if name in COLUMNS else f"is no column of it{meant}"
            raise InputError(f'{path}, line 1: "{name}" {said}', hint=_HEADER_HINT)
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise InputError(f"{path}, line 1: no column {', '.join(missing)}", hint=_HEADER_HINT)


def _each_once(cells: Sequence[_Cells]) -> list[InvoiceRow]:
    rows: list[InvoiceRow] = []
    seen: dict[tuple[object, ...], int] = {}
    for each in cells:
        row = _row(each)
        key = (row.invoice_id, row.month, row.currency, row.source, row.account)
        if row.kind == "invoice" and key in seen:
            raise each.refuse(
                "invoice_id",
                f'"{row.invoice_id}" is there twice, first in line {seen[key]}',
                "one row an invoice, month and currency; what comes on top of it is a row of kind"
                " explain",
            )
        if row.kind == "invoice":
            seen[key] = each.line
        rows.append(row)
    return rows


def _row(cells: _Cells) -> InvoiceRow:
    kind = _kind(cells)
    row = InvoiceRow(
        place=f"line {cells.line}",
        kind=kind,
        invoice_id=cells("invoice_id") or None,
        month=_month(cells),
        currency=_currency(cells),
        amount=_amount(cells, "amount"),
        source=cells("source") or None,
        account=cells("billing_account_id") or None,
        tax=_amount(cells, "tax") if cells("tax") else None,
        note=cells("note"),
    )
    _require_whole(cells, row)
    return row


def _kind(cells: _Cells) -> Literal["invoice", "explain"]:
    word = cells("kind")
    if word in ("", "invoice"):
        return "invoice"
    if word == "explain":
        return "explain"
    raise cells.refuse("kind", f'"{word}" is no kind', 'write "invoice", "explain" or nothing')


def _month(cells: _Cells) -> BillingPeriod:
    try:
        return BillingPeriod.parse(cells("month"))
    except InputError as error:
        said = f'"{cells("month")}" is no month'
        raise cells.refuse("month", said, "write the billing period as 2026-09") from error


def _currency(cells: _Cells) -> str:
    code = cells("currency")
    if not _CODE.fullmatch(code):
        said = f'"{code}" is no currency code'
        raise cells.refuse("currency", said, "write its ISO 4217 code, such as EUR")
    return code


def _amount(cells: _Cells, column: str) -> Decimal:
    text = cells(column)
    if not _AMOUNT.fullmatch(text):
        raise cells.refuse(column, f'"{text}" is no amount', _AMOUNT_HINT)
    return Decimal(text)


def _require_whole(cells: _Cells, row: InvoiceRow) -> None:
    """An invoice has a number; an explanation says why, and of what."""
    if row.kind == "invoice":
        if row.invoice_id is None:
            raise cells.refuse("invoice_id", "it is empty", "write the number of the invoice")
        return
    if row.invoice_id is None and row.source is None and row.account is None:
        raise cells.refuse(
            "invoice_id",
            "it is empty",
            "write the number of the invoice, or for charges without one source or"
            " billing_account_id",
        )
    if not row.note:
        raise cells.refuse("note", "it is empty", "say what the difference is")
    if row.tax is not None:
        raise cells.refuse(
            "tax", "an explanation has none", "leave it empty; amount is what is explained"
        )
