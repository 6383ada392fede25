"""Costs of several currencies in the reporting currency, by the published rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.warehouse.costs import CostRow
from finops_stack.warehouse.rates import Rate, stored_rates

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Money has up to 38 digits and a rate 24; Python's own 28 would round.
_EXACT = Context(prec=90)
_PLACES = Decimal(1).scaleb(-15)


@dataclass(frozen=True)
class Converted:
    """Rows in the reporting currency, and those for which there is no rate, as they are."""

    rows: list[CostRow]
    missing: tuple[tuple[str, datetime], ...]


def converted(
    connection: "DuckDBPyConnection",
    rows: Sequence[CostRow],
    *,
    month: datetime,
    month_before: datetime,
) -> Converted:
    """Rows whose currency has a rate in both months, added up; the others stay apart.

    Raises: InputError when nothing was published with a reporting currency.
    """
    rates = stored_rates(connection)
    if not rates:
        raise InputError(
            "no reporting currency is published",
            hint="set reporting and rates under [currency] in finops.toml, then: finops run",
        )
    reporting = rates[0].to_currency
    sums: dict[tuple[str | None, tuple[str | None, ...]], tuple[Decimal, Decimal]] = {}
    missing = set()
    for row in rows:
        now, before = (_rate(rates, row.currency, at) for at in (month, month_before))
        used = [(now, row.cost, month), (before, row.cost_before, month_before)]
        lacking = [at for rate, cost, at in used if rate is None and cost]
        missing |= {(row.currency or "", at) for at in lacking}
        key = (row.currency if lacking else reporting, row.values)
        amounts = [cost if lacking else _times(cost, rate) for rate, cost, _ in used]
        sum_now, sum_before = sums.get(key, (Decimal(0), Decimal(0)))
        sums[key] = (_EXACT.add(sum_now, amounts[0]), _EXACT.add(sum_before, amounts[1]))
    found = [CostRow(key[0], key[1], *amounts) for key, amounts in sums.items()]
    found.sort(key=lambda row: (row.currency != reporting, row.currency or "", -row.cost))
    return Converted(found, tuple(sorted(missing)))


def _rate(rates: Sequence[Rate], currency: str | None, month: datetime) -> Decimal | None:
    for rate in rates:
        if rate.from_currency == currency and rate.month_start in (None, month):
            return rate.rate
    return None


def _times(amount: Decimal, rate: Decimal | None) -> Decimal:
    return _EXACT.multiply(amount, rate or Decimal(0)).quantize(_PLACES, context=_EXACT)
