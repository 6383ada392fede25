"""Bills that are not shown, judged again from their raw files: no source is asked.

They go the way of every bill (convert, check, publish), because the rows a check rejected are in
the tables no more: what was published took their place.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from finops_stack.cli.flow import at_work, load, run_id_of
from finops_stack.cli.landing import require_loadable
from finops_stack.cli.planning import read_known
from finops_stack.cli.reporter import Reporter
from finops_stack.cli.session import Session
from finops_stack.cli.summary import Force, RunSummary
from finops_stack.deliveries.delivery import RememberedDelivery
from finops_stack.errors import EXIT_DONE, EXIT_HELD, EXIT_INPUT, FinopsError, InputError
from finops_stack.ingest.landed import Landed, LandedFile, RawColumn
from finops_stack.period import BillingPeriod
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.engine import EngineError
from finops_stack.warehouse.lake import NoLakeError
from finops_stack.warehouse.register import (
    DeliveryRow,
    OutcomeRow,
    add_delivery,
    deliveries,
    raw_name,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BillName = tuple[str, str]


@dataclass
class Republication:
    """What there was to publish, and what became of it.

    left: bills that would be judged as before; unreadable: bills that cannot be judged any more.
    """

    summary: RunSummary
    taken_up: list[OutcomeRow] = field(default_factory=list)
    left: list[OutcomeRow] = field(default_factory=list)
    unreadable: list[tuple[OutcomeRow, FinopsError]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """As of a run: 2 input wrong, 3 held back."""
        code = self.summary.exit_code
        if code in (EXIT_DONE, EXIT_HELD) and self.unreadable:
            return EXIT_INPUT
        return EXIT_HELD if code == EXIT_DONE and self.left else code


def republish(
    session: Session,
    reporter: Reporter,
    *,
    now: datetime,
    bill: BillName | None = None,
    force: Force | None = None,
) -> Republication:
    """Judge again the held-back bills, or this one; force publishes it whatever checks say.

    Raises: InputError where the named bill has nothing to publish, or cannot be read any more.
    """
    summary = RunSummary(run_id=run_id_of(now), force=force)
    found = Republication(summary)
    with at_work(session, summary) as lock:
        known = read_known(session)
        if not known.is_there:
            raise NoLakeError(session.lake.folder)
        summary.new_rates = known.rates != set(session.exchange_rates())
        for outcome in _waiting(known.latest, bill):
            with _passed_over(found, outcome, is_named=bill is not None):
                changed = outcome.rules != _rules(session, outcome)
                is_rolled_back = outcome.outcome != "held"
                if changed or is_rolled_back or force:
                    found.taken_up.append(outcome)
                else:
                    found.left.append(outcome)
        if found.taken_up:
            lock.sign(now)
            load(
                session,
                reporter,
                summary,
                now,
                land=lambda connection: _take_up(session, connection, found, bill, now),
                lock=lock,
            )
    return found


def _take_up(
    session: Session,
    connection: "DuckDBPyConnection",
    found: Republication,
    bill: BillName | None,
    now: datetime,
) -> None:
    """What landing does in a run, with the raw files that are there already."""
    for outcome in found.taken_up:
        with _passed_over(found, outcome, is_named=bill is not None):
            row = _landed_row(connection, outcome)
            landed = _landed(session, connection, row)
            # Without it a killed publication's rows would not be taken back.
            add_delivery(connection, replace(row, run_id=found.summary.run_id, landed_at=now))
            found.summary.landed.append(landed)


@contextmanager
def _passed_over(found: Republication, outcome: OutcomeRow, *, is_named: bool) -> Iterator[None]:
    """A bill that cannot be read stops no other; the one that was asked for stops the command."""
    try:
        yield
    except InputError as error:
        if is_named:
            raise
        found.unreadable.append((outcome, error))


def _waiting(latest: dict[BillName, OutcomeRow], bill: BillName | None) -> list[OutcomeRow]:
    """The newest deliveries that are not shown: all held ones, or that of the named bill."""
    if bill is None:
        return [row for row in latest.values() if row.outcome == "held"]
    row = latest.get(bill)
    if row is None or row.outcome == "published":
        what = "is published" if row else "was never loaded"
        held = [f"{s} {p}" for (s, p), each in latest.items() if each.outcome != "published"]
        raise InputError(
            f"{bill[0]} {bill[1]} {what}: there is nothing to publish",
            hint=f"held back: {', '.join(held)}" if held else "no bill is held back",
        )
    return [row]


def _rules(session: Session, outcome: OutcomeRow) -> str:
    """Of its vendor as it is now. Raises InputError when the source is set up no more."""
    names = {source.name: source.vendor for source in session.config.sources}
    if outcome.source not in names:
        raise InputError(
            f"{outcome.source} {outcome.billing_period} is held back, but its source is not in"
            " finops.toml any more",
            hint="add the source again; its settings are needed to read the bill",
        )
    return session.rules(session.vendor(names[outcome.source]))


def _landed_row(connection: "DuckDBPyConnection", outcome: OutcomeRow) -> DeliveryRow:
    rows = deliveries(connection, source=outcome.source, period=outcome.billing_period)
    return next(row for row in reversed(rows) if row.fingerprint == outcome.fingerprint)


def _landed(session: Session, connection: "DuckDBPyConnection", row: DeliveryRow) -> Landed:
    """A delivery as it landed. Raises InputError when its raw files cannot be read any more."""
    vendor = session.vendor(row.vendor)
    _require_form(vendor, row)
    delivery = RememberedDelivery(
        source=row.source,
        vendor=row.vendor,
        period=BillingPeriod.parse(row.billing_period),
        delivery_id=row.delivery_id,
        layout=row.layout,
        manifest=row.manifest,
        manifest_version="",
        delivered_at=row.delivered_at,
        files=(),
        remembered=row.fingerprint,
    )
    zone = session.raw_zone
    files = [
        _file(file, f"{zone.url}/{raw_name(str(file['path']))}") for file in row.parsed_files()
    ]
    _require_there(connection, row, [file.path for file in files])
    landed = Landed(delivery, row.form, tuple(files))
    require_loadable(session, connection, vendor, landed)
    return landed


def _file(recorded: dict[str, Any], path: str) -> LandedFile:
    """A file of the register; the lake may have moved since it landed."""
    columns = tuple(RawColumn(**column) for column in recorded["columns"])
    return LandedFile(**recorded | {"columns": columns, "path": path})


def _require_form(vendor: Vendor, row: DeliveryRow) -> None:
    forms = {form.name for form in vendor.forms}
    layouts = {layout.name for layout in vendor.layouts}
    if row.form not in forms or row.layout not in layouts:
        raise InputError(
            f'{row.source} {row.billing_period}: vendor "{row.vendor}" knows no bill such as this'
            f" any more ({row.layout}, {row.form})",
            hint=f'load it again: "finops run --source {row.source} --full"',
        )


def _require_there(
    connection: "DuckDBPyConnection", row: DeliveryRow, paths: Sequence[str]
) -> None:
    for path in paths:
        found = None
        with suppress(EngineError):
            found = connection.execute("select count(*) from glob(?)", [path]).fetchone()
        if not (found and found[0]):
            raise InputError(
                f"{row.source} {row.billing_period}: its raw file {path} is not there any more",
                hint=f'load it again: "finops run --source {row.source} --full"',
            )
