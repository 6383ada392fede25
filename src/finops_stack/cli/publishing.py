"""The end of a run: judge the new bills, put back what fails, move the published pointer."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey
from finops_stack.cli.judging import bill_key, judge_bills
from finops_stack.cli.reporter import Reporter
from finops_stack.cli.session import Session
from finops_stack.cli.summary import Force, RunSummary
from finops_stack.deliveries.delivery import Delivery
from finops_stack.findings import CheckResult, text_of
from finops_stack.ingest.landed import Landed
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.bill_states import bill_states, store_states
from finops_stack.warehouse.bills import bill_tables, put_back
from finops_stack.warehouse.lake import current_snapshot, published_snapshot, transaction
from finops_stack.warehouse.register import (
    Intervention,
    OutcomeKind,
    OutcomeRow,
    add_check_results,
    add_intervention,
    add_outcomes,
    add_run,
    latest_published,
    publish,
    unfinished_runs,
)
from finops_stack.warehouse.restatements import (
    Replaced,
    compare_replaced,
    drop_unfinished,
    store_compared,
)
from finops_stack.warehouse.retention import expire
from finops_stack.warehouse.rollback import unsettled_rollbacks
from finops_stack.warehouse.source_ages import read_source_ages
from finops_stack.warehouse.unpublished_files import sync_unpublished

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge_and_publish(
    session: Session, reporter: Reporter, summary: RunSummary, now: datetime
) -> None:
    """Sort the built bills into published and held, and make that true in the lake."""
    failed = {id(landed) for landed, _ in summary.failed}
    built = [landed for landed in summary.landed if id(landed) not in failed]
    with session.lake.open() as connection:
        if built:
            with reporter.step("check", 1):
                summary.results = _judged(session, connection, summary, built, now)
        _sort(summary, built)
        with reporter.step("publish", 1):
            back = [landed for landed, _ in summary.failed]
            back += [landed for landed, _ in summary.held]
            put_back_bills(session, connection, [bill_key(landed) for landed in back])
            outcomes = _outcomes(session, summary, now)
            is_news = _tell(connection, summary, outcomes, now)
            sync_unpublished(connection, session.lake.data_path)
            _record(connection, summary, outcomes, now, is_news=is_news)
            names = [source.name for source in session.config.sources]
            ages = read_source_ages(connection, sources=names, today=now.date())
            summary.ages = tuple(ages)
            expire(connection, days=session.config.retention.days, now=now)


def _judged(
    session: Session,
    connection: "DuckDBPyConnection",
    summary: RunSummary,
    built: Sequence[Landed],
    now: datetime,
) -> list[CheckResult]:
    """The results of all checks; under force none holds its bill back, and each says so."""
    results = judge_bills(session, connection, built, now)
    if summary.force is None:
        return results
    return [replace(result, overridden=result.holds_back) for result in results]


def _sort(summary: RunSummary, built: Sequence[Landed]) -> None:
    for landed in built:
        key = bill_key(landed)
        holding = [
            result
            for result in summary.results
            if result.holds_back
            and (result.source, result.billing_period) == (key.source, key.billing_period)
        ]
        if holding:
            summary.held.append((landed, holding))
        else:
            summary.published.append(landed)


def put_back_bills(
    session: Session, connection: "DuckDBPyConnection", bills: Sequence[BillKey]
) -> None:
    """These bills as they were published, so that the others can be."""
    if not bills:
        return
    snapshot = published_snapshot(connection)
    tables_then: list[str] = []
    if snapshot is not None:
        with session.lake.published(snapshot=snapshot) as then:
            tables_then = bill_tables(then)
    for bill in bills:
        put_back(
            connection,
            source=bill.source,
            period_start=bill.billing_period_start,
            snapshot=snapshot,
            tables_then=tables_then,
        )


def clear_unfinished(session: Session, connection: "DuckDBPyConnection", now: datetime) -> None:
    """Make the tables what is published: take back what runs that never ended left in them, and
    what a rollback left behind, which moved the pointer alone.

    Without it the next publication would carry those rows for every bill that is not loaded again.
    """
    drop_unfinished(connection)
    unfinished = unfinished_runs(connection)
    rollbacks = unsettled_rollbacks(connection)
    bills = {(row.source, row.billing_period) for rows in unfinished.values() for row in rows}
    bills |= {(row.source, row.billing_period) for rows in rollbacks.values() for row in rows}
    keys = {BillKey(source, BillingPeriod.parse(period).start) for source, period in bills}
    put_back_bills(session, connection, sorted(keys))
    for run_id, landed in unfinished.items():
        started_at = min(row.landed_at for row in landed)
        add_run(
            connection, run_id=run_id, started_at=started_at, ended_at=now, outcome="interrupted"
        )
    for run_id in rollbacks:
        add_run(connection, run_id=run_id, started_at=now, ended_at=now, outcome="rolled back")


def _tell(
    connection: "DuckDBPyConnection",
    summary: RunSummary,
    outcomes: Sequence[OutcomeRow],
    now: datetime,
) -> bool:
    """Keep beside the bills what readers ask of them: what was restated, what is held back.

    Tells whether readers have to hear of it even where no bill is published.
    """
    snapshot = published_snapshot(connection)
    replaced = _replaced(connection, summary)
    if replaced and snapshot is not None:
        compare_replaced(connection, replaced, run_id=summary.run_id, snapshot=snapshot, at=now)
    with transaction(connection):
        if replaced and snapshot is not None:
            store_compared(connection)
        return store_states(connection, bill_states(connection, outcomes))


def _replaced(connection: "DuckDBPyConnection", summary: RunSummary) -> list[Replaced]:
    before = latest_published(connection)
    found = []
    for landed in summary.published:
        delivery = landed.delivery
        row = before.get((delivery.source, str(delivery.period)))
        if row is not None:
            found.append(Replaced(bill_key(landed), row.delivery_id, delivery.delivery_id))
    return found


def _record(
    connection: "DuckDBPyConnection",
    summary: RunSummary,
    outcomes: Sequence[OutcomeRow],
    now: datetime,
    *,
    is_news: bool,
) -> None:
    """Outcomes, check results and the pointer, in one transaction: all of them or none."""
    results = [(r.source, r.billing_period, r.to_dict()) for r in summary.results]
    snapshot = current_snapshot(connection)
    is_published = published_snapshot(connection) is not None
    summary.recording = True
    with transaction(connection):
        add_outcomes(connection, outcomes)
        add_check_results(connection, summary.run_id, results)
        if summary.force is not None and summary.overridden:
            add_intervention(connection, _forced(summary, summary.force, outcomes, now))
        add_run(
            connection,
            run_id=summary.run_id,
            started_at=now,
            ended_at=datetime.now(UTC).replace(tzinfo=None),
            outcome=str(summary.exit_code),
        )
        if summary.published or (is_published and (is_news or summary.new_rates)):
            publish(connection, run_id=summary.run_id, snapshot_id=snapshot, at=now)


def _forced(
    summary: RunSummary, force: Force, outcomes: Sequence[OutcomeRow], now: datetime
) -> Intervention:
    """The record of a forced publication: of what, and which checks it overrode."""
    (outcome,) = outcomes
    details = {
        "source": outcome.source,
        "billing_period": outcome.billing_period,
        "delivery_id": outcome.delivery_id,
        "overridden": [
            {
                "check_id": result.check_id,
                "failed_rows": result.failed_rows,
                "billed_cost": text_of(result.billed_cost),
            }
            for result in summary.overridden
        ],
    }
    return Intervention(
        run_id=summary.run_id,
        action="forced publication",
        done_by=force.by,
        reason=force.reason,
        done_at=now,
        details=json.dumps(details),
    )


def _outcomes(session: Session, summary: RunSummary, now: datetime) -> list[OutcomeRow]:
    became: list[tuple[Delivery, OutcomeKind, str]] = []
    became += [(bill.delivery, "refused", error.message) for bill, error in summary.refused]
    became += [(landed.delivery, "refused", message) for landed, message in summary.failed]
    became += [
        (landed.delivery, "held", ", ".join(sorted({r.check_id for r in results})))
        for landed, results in summary.held
    ]
    why = summary.force.outcome_reason if summary.force and summary.overridden else ""
    became += [(landed.delivery, "published", why) for landed in summary.published]
    return [
        OutcomeRow(
            run_id=summary.run_id,
            source=delivery.source,
            billing_period=str(delivery.period),
            delivery_id=delivery.delivery_id,
            fingerprint=delivery.fingerprint,
            outcome=outcome,
            reason=reason,
            rules=session.rules(session.vendor(delivery.vendor)),
            recorded_at=now,
        )
        for delivery, outcome, reason in became
    ]
