"""Publications in time: which one was in force when, and whether it is still readable."""

from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.warehouse.lake import LAKE
from finops_stack.warehouse.register import Publication, publications
from finops_stack.warehouse.sql import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


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


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
