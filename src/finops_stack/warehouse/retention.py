"""Space comes back: old snapshots, the files only they used, superseded raw files, leftovers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.warehouse.lake import LAKE, published_snapshot
from finops_stack.warehouse.register import deliveries, latest_outcomes, latest_published
from finops_stack.warehouse.sql import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def expire(connection: "DuckDBPyConnection", *, days: int, now: datetime) -> None:
    """Expire snapshots older than so many days, but never the published or the newest one."""
    before = now - timedelta(days=days)
    keep = published_snapshot(connection)
    if keep is None:
        return
    rows = connection.execute(
        f"""select snapshot_id from ducklake_snapshots({quote_text(LAKE)})
        where timezone('UTC', snapshot_time) < ? and snapshot_id < ? order by snapshot_id""",
        [before, keep],
    ).fetchall()
    if rows:
        versions = ", ".join(str(int(row[0])) for row in rows)
        connection.execute(
            f"call ducklake_expire_snapshots({quote_text(LAKE)}, versions => [{versions}])"
        )
        connection.execute(
            f"call ducklake_cleanup_old_files({quote_text(LAKE)}, cleanup_all => true)"
        )
    for path in superseded_raw_files(connection, before=before):
        Path(path).unlink(missing_ok=True)


def sweep_temporary(folder: Path, *, now: datetime) -> None:
    """Delete what DuckDB spilled there and a killed process left.

    Readers spill there as well: only files nobody has written to for a day.
    """
    before = (now - timedelta(days=1)).replace(tzinfo=UTC).timestamp()
    for path in folder.glob("duckdb_temp_*"):
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def superseded_raw_files(connection: "DuckDBPyConnection", *, before: datetime) -> list[str]:
    """Local raw files of deliveries that are neither published nor the newest, landed before."""
    current = {row.fingerprint for row in latest_published(connection).values()}
    current |= {row.fingerprint for row in latest_outcomes(connection).values()}
    found = []
    for row in deliveries(connection):
        if row.fingerprint not in current and row.landed_at < before:
            found += [str(file["path"]) for file in row.parsed_files() if "://" not in file["path"]]
    return [path for path in found if Path(path).is_file()]
