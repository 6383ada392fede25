"""Values that are not what their column must be: found before conversion, with their address."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.ingest.landed import LandedFile
from finops_stack.ingest.nested import relation_of
from finops_stack.warehouse.engine import EngineError, first_line, limit_reached
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN_CHARACTERS = 60


def require_readable(
    connection: "DuckDBPyConnection", file: LandedFile, predicates: Mapping[str, str]
) -> None:
    """One pass over the columns that could hold such a value. predicates: column → SQL.

    Raises: InputError naming file, row (from 0), column, value, and how many there are.
    """
    if not predicates or file.rows == 0:
        return
    try:
        _look(connection, file, predicates)
    except EngineError as error:
        raise limit_reached(error, file.key) or InputError(
            f"{file.key} cannot be read: {first_line(error)}",
            hint="have it delivered again; nothing of this delivery was loaded",
        ) from error


def require_acceptable(connection: "DuckDBPyConnection", reasons: Mapping[str, str]) -> None:
    """No row for which the vendor's folder says that the bill is not to be loaded.

    reasons: reason → select of such rows, file and row. Raises: InputError with the first of them.
    """
    for reason, sql in reasons.items():
        counted = f"select *, count(*) over () from ({sql}) order by all limit 1"
        found = connection.execute(counted).fetchone()
        if found:
            raise InputError(
                f"{found[0]}, row {found[1]}: {reason} ({found[2]} rows)",
                hint="nothing of this delivery was loaded",
            )


def _look(
    connection: "DuckDBPyConnection", file: LandedFile, predicates: Mapping[str, str]
) -> None:
    read = f"read_parquet({quote_text(file.path)}, file_row_number = true, {NO_HIVE})"
    relation = relation_of(read, file.columns)
    counts = ", ".join(f"count(*) filter (where {sql})" for sql in predicates.values())
    row = connection.execute(f"select {counts} from {relation}").fetchone()
    bad = [(c, n) for c, n in zip(predicates, row or (), strict=True) if n]
    if not bad:
        return
    column, count = bad[0]
    name = next(c.name for c in file.columns if c.delivered == column)
    sample = connection.execute(
        f"select file_row_number, cast({quote_name(name)} as varchar) from {relation}"
        f" where {predicates[column]} order by file_row_number limit 1"
    ).fetchone()
    place, value = (sample[0], sample[1]) if sample else ("?", "?")
    others = f"; {len(bad) - 1} more columns have such values" if len(bad) > 1 else ""
    raise InputError(
        f'{file.key}, row {place}: {column} is "{_shown(value)}", which is no value of its kind '
        f"({count} rows{others})",
        hint="have the bill delivered again; nothing of this delivery was loaded",
    )


def _shown(value: str) -> str:
    """A value as it fits into a message: it may hold megabytes."""
    return value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
