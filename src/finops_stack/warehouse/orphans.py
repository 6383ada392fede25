"""Parquet files that nothing knows, as a killed run leaves them: in the data folder no snapshot,
in the raw zone no delivery of the register."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import duckdb

from finops_stack.errors import FinopsError
from finops_stack.warehouse.engine import first_line
from finops_stack.warehouse.lake import LAKE
from finops_stack.warehouse.register import raw_files, raw_name
from finops_stack.warehouse.sql import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A file younger than this may belong to a run under way, which names it in a snapshot at its end.
AGE = timedelta(hours=1)
_CATALOGUE = f"__ducklake_metadata_{LAKE}"


@dataclass(frozen=True)
class Orphan:
    """A file nobody reads."""

    path: str
    size_bytes: int


def orphans(connection: "DuckDBPyConnection", data_path: str, *, now: datetime) -> list[Orphan]:
    """Files older than AGE that neither a snapshot nor the list of files to delete names.

    Reads only. File names hold a UUID, so they are compared without their folder.
    """
    with _explained():
        known = {PurePosixPath(row[0]).name for row in connection.execute(_known_sql()).fetchall()}
    return [
        Orphan(path, size)
        for path, size in _files(connection, data_path, before=now - AGE)
        if PurePosixPath(path).name not in known
    ]


def raw_orphans(connection: "DuckDBPyConnection", raw_path: str, *, now: datetime) -> list[Orphan]:
    """Raw files older than AGE that no landed delivery names. Reads only."""
    known = raw_files(connection)
    return [
        Orphan(path, size)
        for path, size in _files(connection, f"{raw_path}/", before=now - AGE)
        if raw_name(path) not in known
    ]


def delete_orphans(connection: "DuckDBPyConnection", *, now: datetime) -> list[str]:
    """Have DuckLake delete them, under the run lock only; gives the paths that are gone."""
    before = f"{(now - AGE).isoformat(sep=' ')}+00"
    with _explained():
        rows = connection.execute(
            f"""call ducklake_delete_orphaned_files({quote_text(LAKE)},
                older_than => timestamptz {quote_text(before)})"""
        ).fetchall()
    return [str(row[0]) for row in rows]


def _known_sql() -> str:
    tables = ("ducklake_data_file", "ducklake_delete_file", "ducklake_files_scheduled_for_deletion")
    return " union all ".join(f"select path from {_CATALOGUE}.{table}" for table in tables)


def _files(
    connection: "DuckDBPyConnection", data_path: str, *, before: datetime
) -> list[tuple[str, int]]:
    """The content is not read: DuckDB asks the folder or bucket for size and time alone."""
    pattern = quote_text(f"{data_path}**/*.parquet")
    with _explained():
        if not connection.execute(f"select count(*) from glob({pattern})").fetchall()[0][0]:
            return []
        rows = connection.execute(
            f"select filename, size, last_modified from read_blob({pattern}) order by filename"
        ).fetchall()
    return [(str(row[0]), int(row[1])) for row in rows if _naive(row[2]) < before]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise FinopsError(f"the lake's files cannot be listed: {first_line(error)}") from error
