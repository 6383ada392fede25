"""The publications of one bill, each with the snapshot its rows are read at."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.warehouse.register import (
    OutcomeRow,
    deliveries,
    latest_of_any_kind,
    outcomes,
    publications,
)
from finops_stack.warehouse.snapshots import living_snapshots

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class BillPublication:
    """A publication by which a bill's rows came. `kept`: its snapshot is still readable."""

    run_id: str
    delivery_id: str
    snapshot_id: int
    published_at: datetime
    kept: bool


def bill_publications(
    connection: "DuckDBPyConnection", source: str, period: str
) -> list[BillPublication]:
    """Oldest first; publications of other bills left out."""
    living = living_snapshots(connection)
    delivery_of = {
        row.run_id: row.delivery_id
        for row in outcomes(connection, source, period)
        if row.outcome == "published"
    }
    return [
        BillPublication(
            each.run_id,
            delivery_of[each.run_id],
            each.snapshot_id,
            each.published_at,
            each.snapshot_id in living,
        )
        for each in publications(connection)
        if each.run_id in delivery_of
    ]


def known_bills(connection: "DuckDBPyConnection") -> dict[str, list[str]]:
    """Source → its billing periods the register has ever heard of."""
    known: dict[str, list[str]] = {}
    for source, period in latest_of_any_kind(connection):
        known.setdefault(source, []).append(period)
    return known


def bill_outcomes(
    connection: "DuckDBPyConnection", source: str, period: str
) -> list[tuple[OutcomeRow, int | None]]:
    """Everything that became of a bill's deliveries, oldest first, with the raw rows landed."""
    landed = deliveries(connection, source=source, period=period)
    rows = {row.fingerprint: row.raw_rows for row in landed}
    return [(row, rows.get(row.fingerprint)) for row in outcomes(connection, source, period)]
