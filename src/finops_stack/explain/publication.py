"""At which snapshot the charges of a delivery can still be read, and what became of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.explain.address import RowAddress
from finops_stack.warehouse.register import DeliveryRow, deliveries, outcomes, publications
from finops_stack.warehouse.snapshots import living_snapshots

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The bill of no delivery.
_NONE = ""
KEPT_HINT = "[retention] days in finops.toml says for how long"


@dataclass(frozen=True)
class Standing:
    """What became of a delivery. snapshot: where its charges are readable, None: nowhere."""

    words: str
    snapshot: int | None = None
    is_published: bool = False


def landed_delivery(connection: "DuckDBPyConnection", text: str) -> tuple[RowAddress, DeliveryRow]:
    """An address, and its delivery. Raises InputError naming what the register knows."""
    readings = RowAddress.readings(text)
    for address in readings:
        found = deliveries(connection, source=address.source, delivery_id=address.delivery_id)
        for row in reversed(found):
            names = {str(file["name"]) for file in row.parsed_files()}
            if address.file is None or address.file in names:
                return address, row
    raise _unknown(connection, text, readings)


def _unknown(connection: "DuckDBPyConnection", text: str, readings: list[RowAddress]) -> InputError:
    source = text.strip().partition("/")[0]
    known = deliveries(connection, source=source)
    if not known:
        return InputError(
            f'no delivery of a source "{source}" is known', hint='see "finops sources"'
        )
    for row in reversed(known):
        if row.delivery_id in {address.delivery_id for address in readings}:
            names = ", ".join(str(file["name"]) for file in row.parsed_files()[:5])
            return InputError(
                f"{text}: delivery {row.delivery_id} has no such file", hint=f"its files: {names}"
            )
    return InputError(
        f"{text}: source {source} has no such delivery",
        hint=f'"finops history {source} {known[-1].billing_period}" lists those of a month',
    )


def standing(connection: "DuckDBPyConnection", delivery: DeliveryRow) -> Standing:
    """Of the newest publication in which the delivery was its bill's, and whether that is kept."""
    came_by = {
        row.run_id: row.delivery_id if row.outcome == "published" else _NONE
        for row in outcomes(connection, delivery.source, delivery.billing_period)
        if row.outcome in ("published", "withdrawn")
    }
    living = living_snapshots(connection)
    in_force, newest, snapshot = _NONE, "", None
    for each in publications(connection):
        in_force = came_by.get(each.run_id, in_force)
        if in_force == delivery.delivery_id:
            newest = f"{each.published_at:%Y-%m-%d %H:%M}"
            snapshot = each.snapshot_id if each.snapshot_id in living else None
    if not newest:
        return Standing(_unpublished(connection, delivery))
    if in_force == delivery.delivery_id:
        return Standing("published", snapshot, is_published=True)
    left = "withdrawn by a rollback" if in_force == _NONE else f"superseded by {in_force}"
    if snapshot is None:
        return Standing(f"{left}; its last publication, {newest}, is no longer kept")
    return Standing(f"{left}; read as published {newest}", snapshot)


def _unpublished(connection: "DuckDBPyConnection", delivery: DeliveryRow) -> str:
    made = [
        row
        for row in outcomes(connection, delivery.source, delivery.billing_period)
        if row.fingerprint == delivery.fingerprint
    ]
    if made and made[-1].outcome == "held":
        return "held back, never published"
    return "landed, never published"
