"""Every planned delivery into the raw zone: sources side by side, the bills of one in turn."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

from finops_stack.build.bill_rows import BillFiles, unreadable_predicates
from finops_stack.build.refusals import refusal_sql
from finops_stack.cli.planning import SourcePlan
from finops_stack.cli.reporter import Reporter
from finops_stack.cli.session import Session
from finops_stack.cli.summary import RunSummary
from finops_stack.deliveries.ledger import PlannedBill
from finops_stack.errors import FinopsError, InputError
from finops_stack.ingest.land import land
from finops_stack.ingest.landed import Landed
from finops_stack.ingest.load import remove_raw
from finops_stack.ingest.readable import require_acceptable, require_readable
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.vendors.vocabulary import has_rows
from finops_stack.warehouse.register import DeliveryRow, add_delivery, raw_files, raw_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Planned = tuple[SourcePlan, PlannedBill]


@dataclass(frozen=True)
class _Refused:
    """Why a delivery was refused, and what of it is in the raw zone all the same."""

    error: FinopsError
    files: tuple[str, ...] = ()


Outcome = tuple[PlannedBill, Landed | _Refused]


def land_bills(
    session: Session,
    connection: "DuckDBPyConnection",
    reporter: Reporter,
    summary: RunSummary,
    now: datetime,
) -> None:
    """Land what is planned; what is refused is recorded and passed over."""
    planned = [(p, b) for p in summary.plans for b in p.bills if b.loads]
    total = sum(bill.delivery.size_bytes for _, bill in planned)
    with reporter.step("land", total) as step:
        for bill, outcome in _outcomes(session, connection, planned, step.advance):
            if isinstance(outcome, _Refused):
                summary.refused.append((bill, outcome.error))
                _remove_loaded(session, connection, bill, outcome)
                continue
            add_delivery(connection, _delivery_row(outcome, run_id=summary.run_id, now=now))
            summary.landed.append(outcome)


def _remove_loaded(
    session: Session, connection: "DuckDBPyConnection", bill: PlannedBill, refused: _Refused
) -> None:
    """The refused delivery's raw files, unless it landed before (--full): then they are in use."""
    kept = raw_files(connection, bill.delivery.fingerprint)
    with suppress(OSError):  # finops doctor lists what is left
        remove_raw([path for path in refused.files if raw_name(path) not in kept], session.raw_zone)


def _outcomes(
    session: Session,
    connection: "DuckDBPyConnection",
    planned: list[Planned],
    progress: Callable[[int], None],
) -> Iterator[Outcome]:
    sources: dict[str, list[Planned]] = {}
    for plan, bill in planned:
        sources.setdefault(plan.source.name, []).append((plan, bill))
    workers = min(len(sources), session.config.engine.threads or os.cpu_count() or 1)
    if workers < 2:
        for plan, bill in planned:
            yield bill, _land(session, connection, plan, bill, progress)
    else:
        yield from _side_by_side(session, list(sources.values()), workers, progress)


def _side_by_side(
    session: Session,
    sources: list[list[Planned]],
    workers: int,
    progress: Callable[[int], None],
) -> Iterator[Outcome]:
    """One thread a source, each with its share of memory; each bill's outcome as it is there.

    What is no FinopsError stops the run, and with it the other sources after their bill under way.
    """
    stop = Event()
    done: SimpleQueue[Outcome | BaseException] = SimpleQueue()

    def source(bills: list[Planned]) -> None:
        try:
            with session.lake.engine.share(workers).connect() as connection:
                for plan, bill in bills:
                    if stop.is_set():
                        return
                    done.put((bill, _land(session, connection, plan, bill, progress)))
        except BaseException as error:
            done.put(error)

    with _pool(workers, stop) as pool:
        for bills in sources:
            pool.submit(source, bills)
        for _ in range(sum(map(len, sources))):
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome


@contextmanager
def _pool(workers: int, stop: Event) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads end after the bill under way when the run is stopped."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _land(
    session: Session,
    connection: "DuckDBPyConnection",
    plan: SourcePlan,
    bill: PlannedBill,
    progress: Callable[[int], None],
) -> Landed | _Refused:
    assert plan.vendor and plan.storage
    try:
        landed = land(
            bill.delivery,
            vendor=plan.vendor,
            storage=plan.storage,
            zone=session.raw_zone,
            staging=session.lake.work / "staging",
            connection=connection,
            progress=progress,
            kept=plan.kept,
        )
    except FinopsError as error:
        return _Refused(error)
    try:
        require_loadable(session, connection, plan.vendor, landed)
    except FinopsError as error:
        return _Refused(error, tuple(file.path for file in landed.files))
    return landed


def require_loadable(
    session: Session, connection: "DuckDBPyConnection", vendor: Vendor, landed: Landed
) -> None:
    """All the bill's form asks for is there, and every value is one of its kind."""
    name, form = landed.delivery.source, vendor.form(landed.form)
    _require_given(session, name, form)
    _require_vocabulary(vendor, form)
    for file in landed.files:
        require_readable(connection, file, unreadable_predicates(form, file.columns))
    files = bill_files(vendor, landed, session.given(name))
    require_acceptable(connection, refusal_sql(vendor, files))


def _require_given(session: Session, name: str, form: Form) -> None:
    """What the bills of this form leave out stands in the source's settings."""
    given = session.given(name)
    for column, what in form.given.items():
        if not given.get(column):
            raise InputError(
                f'source "{name}": its bills do not say the {what}',
                hint=f'add given = {{ {column} = "…" }} to that source in finops.toml',
            )


def _require_vocabulary(vendor: Vendor, form: Form) -> None:
    """What only the user can know, such as his prices, stands in a file of his own."""
    for lookup in form.lookups:
        file = f"{lookup.file}.csv"
        if lookup.needed and not has_rows(vendor.vocabulary()[file]):
            raise InputError(
                f"bills of this form ({form.title}) need {lookup.needed}",
                hint=f"write it into {vendor.name}/vocabulary/{file} in one of your vendor_folders",
            )


def _delivery_row(landed: Landed, *, run_id: str, now: datetime) -> DeliveryRow:
    """The register's entry for a landed delivery."""
    delivery = landed.delivery
    return DeliveryRow(
        run_id=run_id,
        source=delivery.source,
        billing_period=str(delivery.period),
        delivery_id=delivery.delivery_id,
        fingerprint=delivery.fingerprint,
        vendor=delivery.vendor,
        form=landed.form,
        layout=delivery.layout,
        manifest=delivery.manifest,
        delivered_at=delivery.delivered_at,
        landed_at=now,
        size_bytes=delivery.size_bytes,
        raw_rows=landed.rows,
        files=json.dumps([asdict(file) for file in landed.files]),
    )


def bill_files(vendor: Vendor, landed: Landed, given: Mapping[str, str]) -> BillFiles:
    """A landed bill as the models read it."""
    delivery, form = landed.delivery, vendor.form(landed.form)
    return BillFiles(
        delivery.source,
        delivery.period,
        delivery.delivery_id,
        delivery.delivered_at,
        form,
        landed.files,
        given,
        vendor.layout(delivery.layout),
    )
