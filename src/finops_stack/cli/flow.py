"""The order of a run: discover → land → convert → check → publish.

A bill that fails a step is left as it was published; the other bills go on.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.build.bill_rows import relation_sql
from finops_stack.build.in_lake import InLake
from finops_stack.build.lake_file import lake_text
from finops_stack.build.plan import Bill, plan, sync
from finops_stack.build.run import run_dbt, start_imports
from finops_stack.cli.judging import require_judgements
from finops_stack.cli.landing import bill_files, land_bills
from finops_stack.cli.planning import plan_sources, read_known
from finops_stack.cli.publishing import clear_unfinished, judge_and_publish
from finops_stack.cli.reporter import Reporter
from finops_stack.cli.session import Session
from finops_stack.cli.stale_sources import judge_sources
from finops_stack.cli.stopping import stoppable
from finops_stack.cli.summary import RunSummary
from finops_stack.errors import EXIT_INTERRUPTED, FinopsError, InputError
from finops_stack.ingest.landed import Landed
from finops_stack.period import PeriodRange
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.bill_states import ensure_states
from finops_stack.warehouse.bills import table_columns
from finops_stack.warehouse.engine import EngineError, first_line
from finops_stack.warehouse.lock import RunLock, lake_lock
from finops_stack.warehouse.rates import store_rates
from finops_stack.warehouse.register import ensure_register, landed_forms
from finops_stack.warehouse.restatements import ensure_restatements
from finops_stack.warehouse.retention import sweep_temporary
from finops_stack.warehouse.unpublished_files import forget_lost_files

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def run(
    session: Session,
    reporter: Reporter,
    *,
    now: datetime,
    source: str | None = None,
    periods: PeriodRange | None = None,
    full: bool = False,
) -> RunSummary:
    """One run over the given sources and months. Raises FinopsError for what stops it whole."""
    summary = RunSummary(run_id=run_id_of(now))
    with at_work(session, summary) as lock:
        with reporter.step("discover", 1):
            known = read_known(session, today=now.date())
            summary.plans = plan_sources(
                session, name=source, periods=periods, full=full, known=known, keep=True
            )
        summary.new_rates = known.is_there and known.rates != set(session.exchange_rates())
        loads = any(bill.loads for plan in summary.plans for bill in plan.bills)
        if loads or summary.new_rates:
            lock.sign(now)
            load(
                session,
                reporter,
                summary,
                now,
                land=lambda connection: land_bills(session, connection, reporter, summary, now),
                lock=lock,
            )
        else:
            summary.ages = known.ages
    asked = {plan.source.name for plan in summary.plans}
    ages = [age for age in summary.ages if age.source in asked]
    summary.stale = [each for each in judge_sources(session, ages, now) if not each.passed]
    return summary


def run_id_of(now: datetime) -> str:
    """What everything a run writes is known by."""
    return f"{now:%Y%m%dT%H%M%S%f}Z"


@contextmanager
def at_work(session: Session, summary: RunSummary) -> Iterator[RunLock]:
    """The only one at work on the lake; what stops the work is told in the user's words."""
    with stoppable(), _explained(summary), lake_lock(session.lake) as lock:
        yield lock


@contextmanager
def _explained(summary: RunSummary) -> Iterator[None]:
    """What stops a run whole, in the user's words: a signal, the disk, the engine."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise FinopsError(
            f"interrupted{_after(summary)}",
            hint='run "finops run" again: it takes up what is left',
            exit_code=getattr(stop, "exit_code", EXIT_INTERRUPTED),
        ) from stop
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise FinopsError(
            f"the run stopped{_after(summary)}: {error.strerror or error}{place}",
            hint="check free disk space and permissions, then run again",
        ) from error
    except EngineError as error:
        raise FinopsError(
            f"the run stopped{_after(summary)}: {first_line(error)}",
            hint="check free disk space and [engine] memory_limit, then run again",
        ) from error


def _after(summary: RunSummary) -> str:
    if summary.recording:
        return ' while it published; "finops status" shows what readers see'
    return "; nothing was published"


def load(
    session: Session,
    reporter: Reporter,
    summary: RunSummary,
    now: datetime,
    *,
    land: Callable[["DuckDBPyConnection"], None],
    lock: RunLock,
) -> None:
    """Land, convert, check, publish. land: adds to the summary the bills there are to convert."""
    # What is wrong with these would stop the run after its work, so it is asked for before.
    session.account_names()
    require_judgements(session)
    lake = session.lake
    lake.work.mkdir(parents=True, exist_ok=True)
    lake.engine.temp_directory.mkdir(parents=True, exist_ok=True)
    sweep_temporary(lake.engine.temp_directory, now=now)
    start_imports()
    with lake.open() as connection:
        ensure_register(connection)
        ensure_states(connection)
        ensure_restatements(connection)
        forget_lost_files(connection, lake.data_path)
        clear_unfinished(session, connection, now)
        store_rates(connection, session.exchange_rates())
        land(connection)
        there = InLake(landed_forms(connection), table_columns(connection))
    if summary.landed:
        _convert(session, reporter, summary, there)
    lock.require_held()
    judge_and_publish(session, reporter, summary, now)
    shutil.rmtree(lake.work / "staging", ignore_errors=True)


def _convert(session: Session, reporter: Reporter, summary: RunSummary, there: InLake) -> None:
    """All landed bills in one dbt run; if a model fails, bill by bill, to find the one at fault."""
    vendors = _vendors(session)
    models = sum(len(v.models()) for v in vendors.values())
    with reporter.step("convert", models + len(summary.landed)) as step:
        message = _build(session, vendors, summary.landed, step.advance, there=there)
        if message and len(summary.landed) == 1:
            summary.failed = [(summary.landed[0], message)]
        elif message:
            for landed in summary.landed:
                if alone := _build(session, vendors, [landed], step.advance, there=there):
                    summary.failed.append((landed, alone))


def _build(
    session: Session,
    vendors: dict[str, Vendor],
    bills: Sequence[Landed],
    advance: Callable[[], None],
    *,
    there: InLake,
) -> str:
    """Stage dbt's folder and run it; gives the first failure's message, or nothing."""
    work = session.lake.work / "dbt"
    staged = [
        _staged_bill(vendors[b.delivery.vendor], b, session.given(b.delivery.source)) for b in bills
    ]
    files = plan(list(vendors.values()), staged, account_names=session.account_names(), lake=there)
    work.mkdir(parents=True, exist_ok=True)
    sync(files | {"lake.json": lake_text(session.lake)}, work)
    failures = run_dbt(work, progress=lambda _: advance())
    return "; ".join(f"{f.model}: {f.message}" if f.model else f.message for f in failures[:1])


def _staged_bill(vendor: Vendor, landed: Landed, given: Mapping[str, str]) -> Bill:
    files = bill_files(vendor, landed, given)
    period = str(files.period.start)
    return Bill(files.source, period, files.form.models, relation_sql(files))


def _vendors(session: Session) -> dict[str, Vendor]:
    """Vendors of all sources: a partial run makes their models too. One whose folder is wrong has
    its source named already; its tables stay in the views without a model."""
    vendors = {}
    for name in sorted({source.vendor for source in session.config.sources}):
        with suppress(InputError):
            vendors[name] = session.vendor(name)
    return vendors
