"""Publications in time: which one was in force when, and whether it is still readable."""

from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.warehouse.lake import LAKE
from finops_stack.warehouse.register import Publication, publications
from finops_stack.warehouse.sql import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# How many an error names.
_CHOICES = 10


def living_snapshots(connection: "DuckDBPyConnection") -> set[int]:
    """Snapshots that retention has not expired."""
    rows = connection.execute(
        f"select snapshot_id from ducklake_snapshots({quote_text(LAKE)})"
    ).fetchall()
    return {int(row[0]) for row in rows}


def newest_publication(connection: "DuckDBPyConnection") -> Publication:
    """What readers see. Raises InputError before the first publication."""
    found = publications(connection)
    if not found:
        raise InputError("nothing is published yet", hint='run "finops run" first')
    return found[-1]


def publication_at(connection: "DuckDBPyConnection", moment: datetime) -> Publication:
    """The newest publication at or before a moment (UTC).

    Raises: InputError when there is none, or when its snapshot has been expired.
    """
    newest_publication(connection)
    known = publications(connection)
    living = living_snapshots(connection)
    before = [each for each in known if each.published_at <= moment]
    if not before:
        raise InputError(
            f"nothing was published at or before {_text(moment)}",
            hint=f"the first publication is of {_text(known[0].published_at)}",
        )
    if before[-1].snapshot_id not in living:
        readable = [each for each in known if each.snapshot_id in living]
        oldest = (
            f"the oldest still kept is of {_text(readable[0].published_at)}; " if readable else ""
        )
        raise InputError(
            f"the publication of {_text(before[-1].published_at)} is no longer kept",
            hint=f"{oldest}[retention] days in finops.toml says for how long",
        )
    return before[-1]


def publication_of(connection: "DuckDBPyConnection", snapshot: int) -> Publication:
    """The publication of a snapshot. Raises InputError when it is none, or is no longer kept."""
    found = [each for each in publications(connection) if each.snapshot_id == snapshot]
    # One that was gone back to was published more than once.
    kept = {each.snapshot_id: each.published_at for each in kept_publications(connection)}
    newest = sorted(kept)[-_CHOICES:]
    choices = ", ".join(f"{each} ({_text(kept[each])})" for each in newest)
    if not found:
        raise InputError(
            f"snapshot {snapshot} was never published", hint=f"published and kept: {choices}"
        )
    if snapshot not in kept:
        raise InputError(
            f"snapshot {snapshot} is no longer kept",
            hint=f"published and kept: {choices}; [retention] days says for how long",
        )
    return found[-1]


def kept_publications(connection: "DuckDBPyConnection") -> list[Publication]:
    """Those whose snapshot can still be read, oldest first."""
    living = living_snapshots(connection)
    return [each for each in publications(connection) if each.snapshot_id in living]


def published_bills_of(connection: "DuckDBPyConnection") -> dict[str, int]:
    """Run → how many bills came with its publication."""
    rows = connection.execute(
        f"""select run_id, count(*) from {LAKE}.ops.outcomes where outcome = 'published'
        group by run_id"""
    ).fetchall()
    return {str(run): int(count) for run, count in rows}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
