"""Somebody's SQL on the published snapshot: it can read the lake's tables, and nothing else.

Three walls, each alone not enough (tried on DuckDB 1.5.5): the lake is attached read-only at a
snapshot; the engine's file access ends at the lake's Parquet files and its settings are locked;
and only one SELECT whose table functions are known to be harmless is run at all. Without the last
one sqlite_scan() reads any SQLite file of the machine, and COPY writes among the Parquet files.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import duckdb

from finops_stack.errors import FinopsError, InputError
from finops_stack.warehouse.engine import first_line
from finops_stack.warehouse.lake import LAKE, Lake
from finops_stack.warehouse.sql import quote_text

BATCH_ROWS = 10_000

# They make rows out of their arguments or name the lake's own tables.
_TABLE_FUNCTIONS = frozenset(
    [
        "duckdb_columns",
        "duckdb_tables",
        "duckdb_views",
        "generate_series",
        "json_each",
        "json_tree",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    ]
)
_SCHEMAS = frozenset(("", "main", "ops", LAKE, "information_schema", "pg_catalog", "system"))
_ONE_SELECT = 'write one SELECT (also: FROM, WITH, VALUES, DESCRIBE, SUMMARIZE, "SHOW TABLES")'


class Query:
    """One checked statement on a locked connection; rows come in batches."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()
    ) -> None:
        require_select(connection, sql)
        self.connection = connection
        self.sql = sql
        with _explained(connection):
            connection.execute(sql, values)
        self.columns = [str(column[0]) for column in connection.description or ()]

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, some thousands at a time."""
        while True:
            with _explained(self.connection):
                rows = self.connection.fetchmany(BATCH_ROWS)
            if not rows:
                return
            yield rows

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows, one by one."""
        for batch in self.batches():
            yield from batch

    def write_parquet(self, file: IO[bytes]) -> None:
        """The rows as one Parquet file, batch by batch."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with _explained(self.connection):
            reader = self.connection.to_arrow_reader(BATCH_ROWS * 10)
            try:
                with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                    for batch in reader:
                        writer.write_batch(batch)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise InputError(
                    f"the result does not fit Parquet: {first_line(error)}",
                    hint="cast that column to varchar",
                ) from error


@contextmanager
def locked(lake: Lake, *, snapshot: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the lake at a snapshot and can touch nothing else."""
    with lake.published(snapshot=snapshot) as connection:
        for setting in (
            # Rows in the order the statement asks for; results stream, so memory stays small.
            "preserve_insertion_order = true",
            # A name that is no table must not find one of this program's variables.
            "python_enable_replacements = false",
            f"allowed_directories = [{quote_text(lake.data_path)}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"set {setting}")
        yield connection


def require_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises InputError unless the text is one statement that only reads tables of the lake."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise InputError(_message(error), hint=_ONE_SELECT) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("only one reading statement is run", hint=_ONE_SELECT)
    row = connection.execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise InputError("only a statement that reads is run", hint=_ONE_SELECT)
    for node in _nodes(tree):
        _require_harmless(node)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed statement, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _require_harmless(node: dict[str, Any]) -> None:
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        function = node.get("function") or {}
        name = str(function.get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS or function.get("schema") or function.get("catalog"):
            raise InputError(
                f'"{name}" cannot be used here: a query reads the lake and nothing else',
                hint=f"table functions that can: {', '.join(sorted(_TABLE_FUNCTIONS))}",
            )
    elif kind == "BASE_TABLE":
        for part in ("catalog_name", "schema_name"):
            if str(node.get(part, "")).lower() not in _SCHEMAS:
                raise InputError(
                    f'there is no schema "{node[part]}" to read',
                    hint="tables are there by plain name: focus, cost_by_month, …",
                )


@contextmanager
def _explained(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The engine's words about a statement as an error with a way out."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise FinopsError(
            f"the query needs more memory than it may take: {first_line(error)}",
            hint="raise [engine] memory_limit in finops.toml, or ask for less",
        ) from error
    except duckdb.CatalogException as error:
        raise InputError(
            _message(error), hint=f"tables: {', '.join(_tables(connection))}"
        ) from error
    except duckdb.Error as error:
        raise InputError(
            _message(error), hint="\"finops query 'describe focus'\" lists the columns"
        ) from error


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        """select table_name from information_schema.tables
        where table_catalog = ? and table_schema = 'main' order by table_name""",
        [LAKE],
    ).fetchall()
    return [str(row[0]) for row in rows]


def _message(error: duckdb.Error) -> str:
    """The first lines, up to the picture of where it went wrong."""
    lines = str(error).strip().splitlines()
    said = [line for line in lines[:2] if line.strip() and not line.startswith("LINE ")]
    return " ".join(said) or type(error).__name__
