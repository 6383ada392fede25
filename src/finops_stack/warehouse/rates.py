"""Exchange rates the user gives, month by month, into the one reporting currency.

They are kept in the lake, so that a published number and the rate behind it are one snapshot.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.lake import LAKE, table_exists, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HEADER = "month,from,to,rate"
_CODE = re.compile(r"[A-Z]{3}")
_HINT = f"write {HEADER}, such as 2026-09,USD,EUR,0.9213"
_PLACES = 12
_NOT_NULL = "month_start timestamp, from_currency varchar, to_currency varchar, rate decimal(24,12)"


@dataclass(frozen=True)
class Rate:
    """1 of from_currency is `rate` of to_currency, for charges of that billing period.

    month_start None: the reporting currency itself, of any month.
    """

    month_start: datetime | None
    from_currency: str
    to_currency: str
    rate: Decimal


def parse_rates(text: str, path: Path, reporting: str) -> list[Rate]:
    """Rates into the reporting currency; other rows of the file are left alone.

    Raises: InputError with the line, for what is no month, currency or rate, or is there twice.
    """
    rows = csv.reader(io.StringIO(text), strict=True)
    header = ",".join(cell.strip() for cell in next(rows, []))
    if header != HEADER:
        raise InputError(f'{path}: its first line is "{header}"', hint=_HINT)
    found: dict[tuple[datetime, str], Rate] = {}
    for row in rows:
        if not row:
            continue
        try:
            rate = _rate([cell.strip() for cell in row])
        except (InputError, ValueError, InvalidOperation) as error:
            said = error.message if isinstance(error, InputError) else str(error)
            raise InputError(f"{path}, line {rows.line_num}: {said}", hint=_HINT) from error
        if rate.to_currency != reporting or rate.month_start is None:
            continue
        key = (rate.month_start, rate.from_currency)
        if key in found:
            raise InputError(f"{path}, line {rows.line_num}: {row[0]} {row[1]} is there twice")
        found[key] = rate
    return [Rate(None, reporting, reporting, Decimal(1)), *found.values()]


def _rate(row: list[str]) -> Rate:
    if len(row) != 4:
        raise ValueError(f"it has {len(row)} columns, not 4")
    month, source, target, text = row
    for code in (source, target):
        if not _CODE.fullmatch(code):
            raise ValueError(f'"{code}" is no currency code')
    try:
        rate = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f'"{text}" is no rate') from error
    if not rate.is_finite() or rate <= 0 or rate >= 10**_PLACES:
        raise ValueError(f'"{text}" is no rate')
    return Rate(BillingPeriod.parse(month).start, source, target, round(rate, _PLACES))


def ensure_rates(connection: "DuckDBPyConnection") -> None:
    """Make the table; the views over the marts read it, empty as well."""
    connection.execute(f"create table if not exists {LAKE}.ops.exchange_rates ({_NOT_NULL})")


def stored_rates(connection: "DuckDBPyConnection") -> list[Rate]:
    """The rates of the lake as it is now."""
    if not table_exists(connection, "ops", "exchange_rates"):
        return []
    rows = connection.execute(
        "select month_start, from_currency, to_currency, rate"
        f" from {LAKE}.ops.exchange_rates order by all nulls first"
    ).fetchall()
    return [Rate(*row) for row in rows]


def store_rates(connection: "DuckDBPyConnection", rates: Sequence[Rate]) -> bool:
    """Make the lake's rates these; tells whether that changed anything."""
    ensure_rates(connection)
    if set(stored_rates(connection)) == set(rates):
        return False
    with transaction(connection):
        connection.execute(f"delete from {LAKE}.ops.exchange_rates")
        for rate in rates:
            connection.execute(
                f"insert into {LAKE}.ops.exchange_rates values (?, ?, ?, ?)",
                [rate.month_start, rate.from_currency, rate.to_currency, rate.rate],
            )
    return True
