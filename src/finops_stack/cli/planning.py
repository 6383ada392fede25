"""Discover every source and plan what a run would load; one broken source stops no other."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from finops_stack.cli.session import Session
from finops_stack.config import Source
from finops_stack.deliveries.discover import discover
from finops_stack.deliveries.ledger import Action, PlannedBill, plan_bills
from finops_stack.deliveries.storage import Storage, open_storage
from finops_stack.errors import FinopsError
from finops_stack.ingest.months import FileMonths
from finops_stack.ingest.prepare import KeptFiles
from finops_stack.period import PeriodRange
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.lake import NoLakeError, leaving_nothing
from finops_stack.warehouse.rates import Rate, stored_rates
from finops_stack.warehouse.register import (
    DeliveryRow,
    OutcomeRow,
    deliveries,
    latest_outcomes,
)
from finops_stack.warehouse.source_ages import SourceAge, read_source_ages

_LISTED_AT_ONCE = 8


@dataclass(frozen=True)
class SourcePlan:
    """One source, what lies in it and what a run would do; or the error that stopped it."""

    source: Source
    vendor: Vendor | None = None
    storage: Storage | None = None
    bills: tuple[PlannedBill, ...] = ()
    error: FinopsError | None = None
    kept: KeptFiles | None = None


@dataclass(frozen=True)
class Known:
    """What the lake knows before a run; rates are those of the reporting currency, ages those of
    the sources in finops.toml, on the day asked for."""

    is_there: bool = False
    rates: frozenset[Rate] = frozenset()
    latest: dict[tuple[str, str], OutcomeRow] = field(default_factory=dict)
    earlier: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    ages: tuple[SourceAge, ...] = ()


def read_known(session: Session, *, today: date | None = None) -> Known:
    """The register's view; empty before the first run. today: read the sources' ages as well."""
    try:
        with session.lake.open(read_only=True) as connection, leaving_nothing(connection):
            latest = latest_outcomes(connection)
            earlier = _earlier(deliveries(connection), latest)
            rates = frozenset(stored_rates(connection))
            names = [source.name for source in session.config.sources]
            ages = read_source_ages(connection, sources=names, today=today) if today else ()
            return Known(True, rates, latest, earlier, tuple(ages))
    except NoLakeError:
        return Known()


def _earlier(
    landed: Sequence[DeliveryRow], latest: Mapping[tuple[str, str], OutcomeRow]
) -> dict[tuple[str, str], set[str]]:
    """(source, month) → ids landed before the loaded one.

    What landed after it came to nothing (a killed run, a model that failed): it is newer.
    """
    earlier: dict[tuple[str, str], set[str]] = {}
    waiting: dict[tuple[str, str], set[str]] = {}
    for row in landed:
        bill = (row.source, row.billing_period)
        waiting.setdefault(bill, set()).add(row.delivery_id)
        if bill in latest and row.fingerprint == latest[bill].fingerprint:
            earlier.setdefault(bill, set()).update(waiting.pop(bill))
    return earlier


def plan_sources(
    session: Session,
    *,
    name: str | None = None,
    periods: PeriodRange | None = None,
    full: bool = False,
    known: Known | None = None,
    keep: bool = False,
) -> list[SourcePlan]:
    """A plan for every source, or for the named one; only months in the range.

    keep: files that had to be read are kept in the staging folder, to be landed.
    """
    known = known or read_known(session)
    months = periods or PeriodRange()

    def one(source: Source) -> SourcePlan:
        return _plan_source(session, source, known, periods=months, full=full, keep=keep)

    # Listing a bucket waits on the network, not on a core.
    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        return list(pool.map(one, session.sources(name)))


def _plan_source(
    session: Session, source: Source, known: Known, *, periods: PeriodRange, full: bool, keep: bool
) -> SourcePlan:
    try:
        vendor = session.vendor(source.vendor)
        storage = open_storage(source)
        months = file_months(session, source, vendor, storage, keep=keep)
        found = discover(source.name, vendor, storage, months)
    except FinopsError as error:
        return SourcePlan(source, error=error)
    bills = plan_bills(
        found,
        latest=known.latest,
        earlier=known.earlier,
        rules=session.rules(vendor),
        full=full,
    )
    wanted = tuple(bill for bill in bills if bill.delivery.period in periods)
    if months.kept:
        months.kept.plan([bill.delivery.files for bill in wanted if bill.loads])
    return SourcePlan(source, vendor, storage, wanted, kept=months.kept)


def file_months(
    session: Session, source: Source, vendor: Vendor, storage: Storage, *, keep: bool = False
) -> FileMonths:
    """Reads files of this source of which only the rows tell their months."""
    lake = session.lake
    place = lake.work / "staging" if keep else lake.engine.temp_directory
    return FileMonths(
        vendor,
        storage,
        cache=lake.work / "periods" / f"{source.name}.json",
        folder=place / (f"read-{source.name}" if keep else f"read-{source.name}-{os.getpid()}"),
        connect=lake.engine.connect,
        keep=keep,
    )


def actions(plans: list[SourcePlan], *wanted: Action) -> list[PlannedBill]:
    """The planned bills with one of these actions."""
    return [bill for plan in plans for bill in plan.bills if bill.action in wanted]
