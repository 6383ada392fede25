"""Which FOCUS rows of a bill differ between two snapshots: added, removed, changed.

Rows have no name that outlives a delivery. Equal content, lineage left out, is the same row; of
the others, one gone and one come with the same identity (period, account, SKU, resource, …) are
one row that changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context as Arithmetic
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.focus.spec import LINEAGE, columns
from finops_stack.warehouse.bills import bill_tables, table_columns
from finops_stack.warehouse.costs import COSTS
from finops_stack.warehouse.lake import LAKE
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Money has up to 38 digits; Python's own 28 would round.
_EXACT = Arithmetic(prec=60)
_LINEAGE = [column.name for column in LINEAGE]
_OF_FOCUS = {*(column.name for column in columns("1.0")), *_LINEAGE}
_ADDRESS = ("x_SourceFile", "x_SourceRow", "x_SourcePart")
_IDENTITY = (
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "BillingAccountId",
    "SubAccountId",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "ResourceId",
    "RegionId",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "PricingCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "BillingCurrency",
)
_SHOWN = (
    "ChargePeriodStart",
    "coalesce(SubAccountId, BillingAccountId)",
    "ServiceName",
    "ChargeCategory",
    "ResourceId",
    "BillingCurrency",
)


@dataclass(frozen=True)
class FocusRows:
    """A bill's FOCUS rows at a snapshot: the tables that hold them, each with its columns."""

    snapshot: int
    bill: BillKey
    tables: dict[str, set[str]]

    @property
    def sql(self) -> str:
        """A select of all of them."""
        condition = bills_condition([self.bill])
        return " union all by name ".join(
            f"select * from {LAKE}.main.{quote_name(table)} at (version => {self.snapshot})"
            f" where {condition}"
            for table in self.tables
        )


@dataclass(frozen=True)
class RowChange:
    """A row that differs. Address: 'file row n part n'; cost None where there is no such row."""

    change: str
    charge_period_start: datetime | None
    account: str | None
    service: str | None
    category: str | None
    resource: str | None
    currency: str | None
    cost_before: Decimal | None
    cost: Decimal | None
    columns: tuple[str, ...]
    address_before: str | None
    address: str | None

    @property
    def difference(self) -> Decimal:
        """Cost after less cost before; no row costs nothing."""
        return _EXACT.subtract(self.cost or Decimal(0), self.cost_before or Decimal(0))


@dataclass(frozen=True)
class RowChanges:
    """counts: change → rows, of all that differ; rows: the largest differences first."""

    counts: dict[str, int]
    rows: list[RowChange]


def focus_rows(connection: "DuckDBPyConnection", snapshot: int, bill: BillKey) -> FocusRows:
    """The bill at the snapshot this connection reads."""
    there = table_columns(connection)
    tables = {}
    for table in bill_tables(connection):
        if there[table] >= _OF_FOCUS and _holds(connection, table, bill):
            tables[table] = there[table]
    return FocusRows(snapshot, bill, tables)


def _holds(connection: "DuckDBPyConnection", table: str, bill: BillKey) -> bool:
    row = connection.execute(
        f"select 1 from {LAKE}.main.{quote_name(table)} where {bills_condition([bill])} limit 1"
    ).fetchone()
    return row is not None


def row_changes(
    connection: "DuckDBPyConnection", before: FocusRows, after: FocusRows, *, cost: str, limit: int
) -> RowChanges:
    """What differs; columns that only one of the two has are not compared. Reads the lake only."""
    measure = COSTS[cost][1]
    tables = [*before.tables.values(), *after.tables.values()]
    compared = sorted(set.intersection(*tables) - set(_LINEAGE)) if tables else []
    for name, rows in (("before", before), ("after", after)):
        _create_side(connection, name, rows, compared, measure)
    _create_differing(connection)
    counted = connection.execute(
        "select change, count(*) from temp.rows_differing group by change order by change"
    ).fetchall()
    shown = _largest(connection, before, after, compared, limit) if counted else []
    for name in ("before", "after", "differing"):
        connection.execute(f"drop table temp.rows_{name}")
    return RowChanges({str(change): int(count) for change, count in counted}, shown)


def _create_side(
    connection: "DuckDBPyConnection",
    name: str,
    rows: FocusRows,
    compared: Sequence[str],
    measure: str,
) -> None:
    """What tells rows apart, narrow: a hash of 64 bits each (of a million rows, two that differ
    have the same one with a chance of 1 in 10 million)."""
    if not rows.tables:
        connection.execute(
            f"""create or replace temp table rows_{name} as
            select 0::ubigint as content, 0::ubigint as identity, ''::varchar as x_SourceFile,
                0::bigint as x_SourceRow, 0::bigint as x_SourcePart, 0::decimal(38, 15) as cost,
                0::bigint as nth
            where false"""
        )
        return
    address = ", ".join(_ADDRESS)
    connection.execute(
        f"""create or replace temp table rows_{name} as
        with hashed as (
            select {_hash(compared)} as content,
                {_hash([each for each in _IDENTITY if each in compared])} as identity,
                {address}, {measure} as cost
            from ({rows.sql})
        )
        select *, row_number() over (partition by content order by {address}) as nth
        from hashed"""
    )


def _hash(names: Sequence[str]) -> str:
    return f"hash({', '.join(map(quote_name, names))})"


def _create_differing(connection: "DuckDBPyConnection") -> None:
    """One row for each row gone or come, or pair of them with one identity."""

    def alone(side: str, other: str) -> str:
        return f"""select mine.*, row_number() over (
                partition by mine.identity
                order by mine.cost, mine.x_SourceFile, mine.x_SourceRow, mine.x_SourcePart
            ) as place
            from temp.rows_{side} as mine
            anti join temp.rows_{other} as theirs
                on mine.content = theirs.content and mine.nth = theirs.nth"""

    sides = ", ".join(
        f"{side}.{name} as {name}_{word}"
        for side, word in (("gone", "before"), ("come", "after"))
        for name in ("content", *_ADDRESS, "cost")
    )
    connection.execute(
        f"""create or replace temp table rows_differing as
        with gone as ({alone("before", "after")}), come as ({alone("after", "before")})
        select
            case
                when gone.identity is null then 'added'
                when come.identity is null then 'removed'
                else 'changed'
            end as change, {sides}
        from gone
        full join come on gone.identity = come.identity and gone.place = come.place"""
    )


def _largest(
    connection: "DuckDBPyConnection",
    before: FocusRows,
    after: FocusRows,
    compared: Sequence[str],
    limit: int,
) -> list[RowChange]:
    """Only now the whole rows are read, for those that are shown."""
    connection.execute(
        """create or replace temp table rows_shown as
        select *, row_number() over (
            order by abs(coalesce(cost_after, 0) - coalesce(cost_before, 0)) desc, change,
                x_SourceFile_after, x_SourceRow_after, x_SourceFile_before, x_SourceRow_before
        ) as number
        from temp.rows_differing
        order by number limit ?""",
        [limit],
    )
    differ = ", ".join(
        f"case when b.{quote_name(c)} is distinct from a.{quote_name(c)} then '{c}' end"
        for c in compared
    )
    shown = ", ".join(
        f"coalesce({_of(expression, 'a')}, {_of(expression, 'b')})" for expression in _SHOWN
    )
    rows = connection.execute(
        f"""with b as ({_whole(before, "before", compared)}),
            a as ({_whole(after, "after", compared)})
        select change, {shown}, cost_before, cost_after,
            case when change = 'changed'
                then list_filter([{differ}], lambda name: name is not null) else [] end,
            {_address("before")}, {_address("after")}
        from temp.rows_shown as shown
        left join b on b.shown_number = shown.number
        left join a on a.shown_number = shown.number
        order by shown.number"""
    ).fetchall()
    connection.execute("drop table temp.rows_shown")
    return [RowChange(*(*row[:9], tuple(row[9]), *row[10:])) for row in rows]


def _of(expression: str, side: str) -> str:
    """The expression over the columns of one side."""
    if expression.startswith("coalesce("):
        names = expression.removeprefix("coalesce(").removesuffix(")").split(", ")
        return f"coalesce({', '.join(f'{side}.{name}' for name in names)})"
    return f"{side}.{expression}"


def _whole(rows: FocusRows, word: str, compared: Sequence[str]) -> str:
    """The shown rows of one side with all columns, each once (an address may be there twice)."""
    if not rows.tables:
        nulls = ", ".join(f"null as {quote_name(name)}" for name in compared)
        return f"select {nulls}, 0 as shown_number where false"
    same = " and ".join(
        f"whole.{name} is not distinct from shown.{name}_{word}" for name in _ADDRESS
    )
    names = ", ".join(f"whole.{quote_name(name)}" for name in compared)
    return f"""select {names}, shown.number as shown_number
        from (select *, {_hash(compared)} as content from ({rows.sql})) as whole
        inner join temp.rows_shown as shown
            on whole.content = shown.content_{word} and {same}
        qualify row_number() over (partition by shown.number) = 1"""


def _address(word: str) -> str:
    return f"""x_SourceFile_{word} || ' row ' || x_SourceRow_{word}
            || case when x_SourcePart_{word} > 0 then ' part ' || x_SourcePart_{word} else '' end"""
