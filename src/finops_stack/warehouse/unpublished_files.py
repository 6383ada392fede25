"""Files of snapshots that no publication names yet: those that are gone are forgotten, those that
are there reach the disk before the pointer moves to them.

Gone: a catalogue's server commits, its answer does not arrive, DuckLake takes that for a failure
and deletes the Parquet files it has just written. The newest snapshot then names files nobody has,
and every later statement on those tables fails.

On the disk: DuckDB closes a Parquet file without fsync, while the catalogue is synced at each
commit. After a power cut the catalogue would name files that are empty.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.warehouse.lake import LAKE, published_snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CATALOGUE = f"__ducklake_metadata_{LAKE}"
_KINDS = {"ducklake_data_file": "data_file_id", "ducklake_delete_file": "delete_file_id"}


def forget_lost_files(connection: "DuckDBPyConnection", data_path: str) -> list[str]:
    """Take those files out of the catalogue, under the run lock only; gives their paths."""
    published = published_snapshot(connection)
    lost = []
    for table, key in _KINDS.items():
        for file_id, path in _unpublished(connection, table, key, published or 0):
            if not _is_there(connection, f"{data_path}{path}"):
                connection.execute(f"delete from {_CATALOGUE}.{table} where {key} = ?", [file_id])
                lost.append(path)
    return lost


def sync_unpublished(connection: "DuckDBPyConnection", data_path: str) -> None:
    """Have the disk write what the next publication will name; a bucket has it already."""
    if "://" in data_path:
        return
    published = published_snapshot(connection) or 0
    sync_files(
        Path(f"{data_path}{path}")
        for table, key in _KINDS.items()
        for _, path in _unpublished(connection, table, key, published)
    )


def sync_files(paths: Iterable[Path]) -> None:
    """fsync these files, and the folders that hold their names."""
    files = list(paths)
    for path in (*files, *sorted({path.parent for path in files})):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unpublished(
    connection: "DuckDBPyConnection", table: str, key: str, published: int
) -> list[tuple[int, str]]:
    """Files of snapshots after the published one: few, whatever the lake's size."""
    rows = connection.execute(
        f"""select f.{key}, s.path || t.path || f.path
        from {_CATALOGUE}.{table} as f
        join {_CATALOGUE}.ducklake_table as t on t.table_id = f.table_id
        join {_CATALOGUE}.ducklake_schema as s on s.schema_id = t.schema_id
        where f.begin_snapshot > ? and f.end_snapshot is null
          and f.path_is_relative and t.path_is_relative and s.path_is_relative
          and t.end_snapshot is null and s.end_snapshot is null""",
        [published],
    ).fetchall()
    return [(int(row[0]), str(row[1])) for row in rows]


def _is_there(connection: "DuckDBPyConnection", path: str) -> bool:
    if "://" not in path:
        return Path(path).is_file()
    row = connection.execute("select count(*) from glob(?)", [path]).fetchone()
    return bool(row and row[0])
