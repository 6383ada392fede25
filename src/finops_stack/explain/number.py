"""The number itself: totals by currency, how they are made up, the charges that weigh most."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from finops_stack.errors import FinopsError, InputError
from finops_stack.explain.address import RowAddress
from finops_stack.explain.formula import COSTS
from finops_stack.explain.selection import Selection
from finops_stack.focus.spec import LINEAGE
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.costs import Dimension
from finops_stack.warehouse.safe_query import Query

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# What is told of a charge beside its address and its costs.
TOLD = (
    "BillingPeriodStart",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "BillingAccountId",
    "SubAccountId",
    "SubAccountName",
    "ServiceName",
    "RegionId",
    "ResourceId",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ListUnitPrice",
    "ContractedUnitPrice",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "BillingCurrency",
)
# Money has up to 38 digits; Python's own 28 would round.
_EXACT = Context(prec=90)
_LINEAGE = tuple(column.name for column in LINEAGE)
_KIND = ("ChargeCategory", "PricingCategory", "ChargeClass", "CommitmentDiscountStatus")
_DELIVERY = ("x_SourceName", "strftime(BillingPeriodStart, '%Y-%m')", "x_DeliveryId")
_DELIVERY_NAMES = ("source", "billing period", "delivery")
_SPLIT_BY = ("service", "account")


@dataclass(frozen=True)
class Total:
    """What is added up in one currency."""

    currency: str | None
    rows: int
    cost: Decimal


@dataclass(frozen=True)
class Part:
    """The part of one combination of values in one currency."""

    currency: str | None
    values: tuple[str | None, ...]
    rows: int
    cost: Decimal


@dataclass(frozen=True)
class Split:
    """The whole number, by some dimensions; its parts add up to the totals, largest first."""

    names: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class FocusRow:
    """A charge: FOCUS column → value."""

    values: Mapping[str, Any]

    @property
    def address(self) -> RowAddress:
        """Where it comes from."""
        return RowAddress(*(self.values[name] for name in _LINEAGE))

    @property
    def is_known(self) -> bool:
        """Whether there is a charge, and not its address alone."""
        return COSTS[0] in self.values

    @property
    def period(self) -> BillingPeriod:
        """The month of its bill."""
        return BillingPeriod.of(self.values["BillingPeriodStart"])


@dataclass(frozen=True)
class Number:
    """A sum of one cost column, and what it is made of."""

    column: str
    selection: Selection
    totals: tuple[Total, ...]
    splits: tuple[Split, ...]
    rows: tuple[FocusRow, ...]


def read_number(
    connection: "DuckDBPyConnection", selection: Selection, column: str, *, limit: int
) -> Number:
    """The number and the `limit` rows of the largest amounts, either sign.

    connection: of warehouse.safe_query, for the selection may be somebody's SQL.
    Raises: InputError when there is no row; FinopsError when the rows do not add up to what the
    statement's own table says.
    """
    splits = _splits(selection)
    parts = _parts(connection, selection, column, [expressions for _, expressions in splits])
    totals = tuple(Total(part.currency, part.rows, part.cost) for part in parts[0])
    if not totals:
        raise InputError(
            f"no charge fits: {selection.words}",
            hint='"finops report --by service --by account" shows what there is',
        )
    _require_equal(connection, selection, totals)
    named = zip(splits[1:], parts[1:], strict=True)
    return Number(
        column,
        selection,
        totals,
        tuple(Split(names, tuple(found)) for (names, _), found in named),
        tuple(_largest(connection, selection, column, limit)),
    )


_Named = tuple[tuple[str, ...], tuple[str, ...]]


def _splits(selection: Selection) -> list[_Named]:
    """Names and expressions of each split; the first has none: the totals."""
    found: list[_Named] = [((), ())]
    if selection.keys:
        found.append((selection.keys, selection.keys))
    found.append((_KIND, _KIND))
    told = {key.lower() for key in selection.keys}
    for name in _SPLIT_BY:
        expression = Dimension.parse(name).sql
        if name not in selection.pinned and expression.lower() not in told:
            found.append(((name,), (expression,)))
    return [*found, (_DELIVERY_NAMES, _DELIVERY)]


def _parts(
    connection: "DuckDBPyConnection",
    selection: Selection,
    column: str,
    splits: Sequence[tuple[str, ...]],
) -> list[list[Part]]:
    """Every split in one statement; each reads only the columns it needs."""
    width = max(map(len, splits))
    selects = []
    for number, expressions in enumerate(splits):
        named = [f"cast({each} as varchar) as value_{n}" for n, each in enumerate(expressions)]
        named += [f"cast(null as varchar) as value_{n}" for n in range(len(expressions), width)]
        selects.append(
            f"select {number} as split, BillingCurrency as currency, {', '.join(named)},"
            f" count(*) as charges, sum({column})::decimal(38, 15) as cost"
            f" from {selection.relation} where {selection.where} group by all"
        )
    labels = ", ".join(f"value_{n}" for n in range(width))
    parts = " union all ".join(selects)
    sql = f"select * from ({parts}) order by split, currency, abs(cost) desc, {labels}"
    values = list(selection.values) * len(splits)
    found: list[list[Part]] = [[] for _ in splits]
    for split, currency, *values_of, rows, cost in Query(connection, sql, values).rows():
        kept = tuple(values_of[: len(splits[split])])
        found[split].append(Part(currency, kept, rows, cost))
    return found


def _require_equal(
    connection: "DuckDBPyConnection", selection: Selection, totals: Sequence[Total]
) -> None:
    """A mart says the same as the charges it was made from, and so does the statement itself."""
    if selection.own is not None:
        own = dict(Query(connection, selection.own.sql).rows())
        if own != {total.currency: total.cost for total in totals}:
            raise _unequal(selection.own.table)
    if selection.result is not None:
        rows = Query(connection, selection.result.sql).rows()
        sums = (row[selection.result.place] or Decimal(0) for row in rows)
        # Over all currencies: two ways to the same rows are compared, and nothing is shown.
        if reduce(_EXACT.add, sums) != reduce(_EXACT.add, (total.cost for total in totals)):
            raise _unequal("the statement")


def _unequal(what: str) -> FinopsError:
    return FinopsError(
        f"the charges found do not add up to what {what} says",
        hint="write a plainer WHERE, over focus; and report this, it is a fault of ours",
    )


def _largest(
    connection: "DuckDBPyConnection", selection: Selection, column: str, limit: int
) -> Iterator[FocusRow]:
    names = [*_LINEAGE, *TOLD, *COSTS]
    order = f"abs({column}) desc, {', '.join(_LINEAGE)}"
    sql = (
        f"select {', '.join(names)} from {selection.relation} where {selection.where}"
        f" order by {order} limit {int(limit)}"
    )
    for row in Query(connection, sql, selection.values).rows():
        yield FocusRow(dict(zip(names, row, strict=True)))


def address_alone(address: RowAddress, period: BillingPeriod) -> FocusRow:
    """A row of which only the address is known: no charge was made of it, or it is not kept."""
    place = (address.source, address.delivery_id, address.file, address.row, address.part or 0)
    values = dict(zip(_LINEAGE, place, strict=True))
    return FocusRow(values | {"BillingPeriodStart": period.start})


def rows_at(
    connection: "DuckDBPyConnection", address: RowAddress, period: BillingPeriod
) -> list[FocusRow]:
    """All charges of one raw row, whole, by part; of an address without a row, those of its part.

    More than one charge may have no raw row: then all of that delivery are given.
    """
    conditions = ["x_SourceName = ?", "BillingPeriodStart = ?", "x_DeliveryId = ?"]
    values: list[object] = [address.source, period.start, address.delivery_id]
    if address.row is None:
        conditions.append("x_SourceRow is null")
    else:
        conditions += ["x_SourceFile = ?", "x_SourceRow = ?"]
        values += [address.file, address.row]
    query = Query(
        connection,
        f"select * from lake.main.focus where {' and '.join(conditions)} order by x_SourcePart",
        values,
    )
    return [FocusRow(dict(zip(query.columns, row, strict=True))) for row in query.rows()]
