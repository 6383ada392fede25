"""Bills in the lake's tables: find the tables, put a bill back to its published state."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.errors import FinopsError
from finops_stack.warehouse.engine import EngineError
from finops_stack.warehouse.lake import LAKE, published_snapshot, transaction
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OF_BILL = "x_SourceName = ? and BillingPeriodStart = ?"


def bill_tables(connection: "DuckDBPyConnection") -> list[str]:
    """Every table that holds rows by bill, vendors' and marts alike."""
    rows = connection.execute(
        """select t.table_name from duckdb_tables() as t
        join duckdb_columns() as c on c.database_name = t.database_name
          and c.schema_name = t.schema_name and c.table_name = t.table_name
        where t.database_name = ? and t.schema_name = 'main'
          and c.column_name in ('x_SourceName', 'BillingPeriodStart', 'x_DeliveryId')
        group by t.table_name having count(*) = 3 order by t.table_name""",
        [LAKE],
    ).fetchall()
    return [str(row[0]) for row in rows]


def table_columns(connection: "DuckDBPyConnection") -> dict[str, set[str]]:
    """Table → its columns, for every table readers can see."""
    rows = connection.execute(
        """select table_name, list(column_name) from duckdb_columns()
        where database_name = ? and schema_name = 'main'
          and table_name in (
            select table_name from duckdb_tables()
            where database_name = ? and schema_name = 'main')
        group by table_name""",
        [LAKE, LAKE],
    ).fetchall()
    return {str(table): set(names) for table, names in rows}


def published_relation(connection: "DuckDBPyConnection", table: str) -> str | None:
    """A table as readers see it now; None before a publication had it."""
    snapshot = published_snapshot(connection)
    relation = f"{LAKE}.main.{quote_name(table)} at (version => {snapshot})"
    if snapshot is None:
        return None
    try:
        connection.execute(f"select 1 from {relation} limit 0")
    except EngineError:
        return None
    return relation


def put_back(
    connection: "DuckDBPyConnection",
    *,
    source: str,
    period_start: datetime,
    snapshot: int | None,
    tables_then: Sequence[str],
) -> None:
    """Make one bill what it was at a snapshot, in all tables, in one transaction.

    The old rows are read into temporary tables first: inside a transaction DuckLake's
    AT (VERSION …) applies that transaction's own deletes, and would read nothing.

    tables_then: the bill tables that existed at the snapshot; None as snapshot: never published.
    Raises: FinopsError when a table does not end up with the old number of rows.
    """
    bill = [source, period_start]
    tables = bill_tables(connection)
    counts = {}
    for table in tables:
        if snapshot is not None and table in tables_then:
            counts[table] = _keep_old(connection, table, snapshot, bill)
    with transaction(connection):
        for table in tables:
            target = f"{LAKE}.main.{quote_name(table)}"
            connection.execute(f"delete from {target} where {_OF_BILL}", bill)
            if table in counts:
                connection.execute(
                    f"insert into {target} by name select * from temp.{quote_name('old_' + table)}"
                )
        _require_counts(connection, counts, bill)
    for table in counts:
        connection.execute(f"drop table temp.{quote_name('old_' + table)}")


def _keep_old(
    connection: "DuckDBPyConnection", table: str, snapshot: int, bill: list[object]
) -> int:
    kept = f"temp.{quote_name('old_' + table)}"
    connection.execute(
        f"create temp table {quote_name('old_' + table)} as select * from"
        f" {LAKE}.main.{quote_name(table)} at (version => {int(snapshot)}) where {_OF_BILL}",
        bill,
    )
    row = connection.execute(f"select count(*) from {kept}").fetchone()
    return int(row[0]) if row else 0


def _require_counts(
    connection: "DuckDBPyConnection", counts: dict[str, int], bill: list[object]
) -> None:
    for table, expected in counts.items():
        row = connection.execute(
            f"select count(*) from {LAKE}.main.{quote_name(table)} where {_OF_BILL}", bill
        ).fetchone()
        if row is None or row[0] != expected:
            raise FinopsError(
                f"{table}: {row and row[0]} rows put back, {expected} were published",
                hint="nothing was changed; run again",
            )
