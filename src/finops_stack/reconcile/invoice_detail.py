"""FOCUS's InvoiceDetail data set (1.4) as invoices: its lines, summed by invoice.

Source: FOCUS 1.4, InvoiceDetail; only what an invoice's sum needs is read.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.reconcile.invoice_row import InvoiceFile, InvoiceRow
from finops_stack.warehouse.invoice_totals import EXACT

_NEEDED = ("InvoiceId", "BillingPeriodStart", "BillingCurrency", "BilledCost")
_READ = (*_NEEDED, "BillingAccountId", "ChargeCategory", "InvoiceDetailId", "InvoiceIssueStatus")
# Of FOCUS's Open, Issued and Voided: what is to be paid. A file without the column is issued.
_ISSUED = ("Issued", "")

Lines = Iterable[tuple[str, Mapping[str, str]]]


def is_invoice_detail(header: Sequence[str]) -> bool:
    """Whether a file of these columns is one of InvoiceDetail."""
    return set(_NEEDED) <= set(header)


def parquet_lines(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The rows of a Parquet file as text, each with its place. Raises InputError where it is none
    of InvoiceDetail."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        header = parquet.read_schema(path).names
        if not is_invoice_detail(header):
            missing = ", ".join(name for name in _NEEDED if name not in header)
            raise InputError(
                f"{path}: no column {missing}", hint="a Parquet file is to be FOCUS's InvoiceDetail"
            )
        table = parquet.read_table(path, columns=[name for name in _READ if name in header])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file: {error}", hint="write it again") from error
    return [
        (f"row {number}", {name: _text(value) for name, value in row.items()})
        for number, row in enumerate(table.to_pylist())
    ]


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def read_invoice_detail(path: Path, lines: Lines) -> InvoiceFile:
    """One row an invoice, account, month and currency: what its issued lines add up to.

    Raises: InputError with the line and column of a value that is none, and for a line that is
    there twice.
    """
    sums: dict[tuple[str, str | None, BillingPeriod, str], tuple[Decimal, Decimal]] = {}
    places: dict[tuple[str, str | None, BillingPeriod, str], str] = {}
    left_out: Counter[str] = Counter()
    for place, cells in _each_once(path, lines):
        status = cells.get("InvoiceIssueStatus", "").strip()
        if status not in _ISSUED:
            left_out[status] += 1
            continue
        key = (
            _word(path, place, cells, "InvoiceId"),
            cells.get("BillingAccountId", "").strip() or None,
            _month(path, place, cells),
            _word(path, place, cells, "BillingCurrency"),
        )
        cost = _cost(path, place, cells)
        amount, tax = sums.get(key, (Decimal(0), Decimal(0)))
        is_tax = cells.get("ChargeCategory", "").strip() == "Tax"
        sums[key] = (EXACT.add(amount, cost), EXACT.add(tax, cost) if is_tax else tax)
        places.setdefault(key, place)
    rows = tuple(
        InvoiceRow(
            place=places[key],
            kind="invoice",
            invoice_id=key[0],
            month=key[2],
            currency=key[3],
            amount=amount,
            account=key[1],
            tax=tax,
        )
        for key, (amount, tax) in sums.items()
    )
    said = tuple(f"{count} lines that are {word}" for word, count in sorted(left_out.items()))
    return InvoiceFile(rows, said)


def _each_once(path: Path, lines: Lines) -> Iterator[tuple[str, Mapping[str, str]]]:
    """A line twice would count twice: its id tells, where the file has ids."""
    seen: dict[tuple[str, str], str] = {}
    for place, cells in lines:
        line = cells.get("InvoiceDetailId", "").strip()
        key = (cells.get("InvoiceId", "").strip(), line)
        if line and key in seen:
            raise InputError(
                f'{path}, {place}, InvoiceDetailId: "{line}" is there twice, first in {seen[key]}',
                hint="keep the newest of the two",
            )
        seen[key] = place
        yield place, cells


def _word(path: Path, place: str, cells: Mapping[str, str], column: str) -> str:
    word = cells.get(column, "").strip()
    if not word:
        raise InputError(f"{path}, {place}, {column}: it is empty", hint="FOCUS allows no null")
    return word


def _month(path: Path, place: str, cells: Mapping[str, str]) -> BillingPeriod:
    text = cells.get("BillingPeriodStart", "").strip()
    try:
        return BillingPeriod.of(datetime.fromisoformat(text))
    except ValueError as error:
        raise InputError(
            f'{path}, {place}, BillingPeriodStart: "{text}" is no time',
            hint="write it as 2026-09-01T00:00:00Z",
        ) from error


def _cost(path: Path, place: str, cells: Mapping[str, str]) -> Decimal:
    text = cells.get("BilledCost", "").strip()
    try:
        cost = Decimal(text)
    except InvalidOperation:
        cost = Decimal("NaN")
    if not cost.is_finite():
        raise InputError(
            f'{path}, {place}, BilledCost: "{text}" is no amount', hint="write it as 1190.00"
        )
    return cost
