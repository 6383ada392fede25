"""The end of a run: judge the new bills, put back what fails, move the published pointer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey
from finops_stack.cli.judging import bill_key, judge_bills
from finops_stack.cli.reporter import Reporter
from finops_stack.cli.session import Session
from finops_stack.cli.summary import RunSummary
from finops_stack.deliveries.delivery import Delivery
from finops_stack.ingest.landed import Landed
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.bills import bill_tables, put_back
from finops_stack.warehouse.lake import current_snapshot, published_snapshot, transaction
from finops_stack.warehouse.register import (
    OutcomeKind,
    OutcomeRow,
    add_check_results,
    add_outcomes,
    add_run,
    publish,
    unfinished_runs,
)
from finops_stack.warehouse.retention import expire
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
                summary.results = judge_bills(session, connection, built)
        _sort(summary, built)
        with reporter.step("publish", 1):
            back = [landed for landed, _ in summary.failed]
            back += [landed for landed, _ in summary.held]
            put_back_bills(session, connection, [bill_key(landed) for landed in back])
            sync_unpublished(connection, session.lake.data_path)
            _record(session, connection, summary, now)
            expire(connection, days=session.config.retention.days, now=now)


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
    """Take back what runs that never ended left in the tables.

    Without it the next publication would carry their rows, which no check has seen, for every
    bill that is not loaded again.
    """
    unfinished = unfinished_runs(connection)
    keys = {
        BillKey(row.source, BillingPeriod.parse(row.billing_period).start)
        for rows in unfinished.values()
        for row in rows
    }
    put_back_bills(session, connection, sorted(keys))
    for run_id, rows in unfinished.items():
        add_run(
            connection,
            run_id=run_id,
            started_at=min(row.landed_at for row in rows),
            ended_at=now,
            outcome="interrupted",
        )


def _record(
    session: Session, connection: "DuckDBPyConnection", summary: RunSummary, now: datetime
) -> None:
    """Outcomes, check results and the pointer, in one transaction: all of them or none."""
    outcomes = _outcomes(session, summary, now)
    results = [(r.source, r.billing_period, r.to_dict()) for r in summary.results]
    snapshot = current_snapshot(connection)
    summary.recording = True
    with transaction(connection):
        add_outcomes(connection, outcomes)
        add_check_results(connection, summary.run_id, results)
        add_run(
            connection,
            run_id=summary.run_id,
            started_at=now,
            ended_at=datetime.now(UTC).replace(tzinfo=None),
            outcome=str(summary.exit_code),
        )
        if summary.published or (summary.new_rates and published_snapshot(connection) is not None):
            publish(connection, run_id=summary.run_id, snapshot_id=snapshot, at=now)


def _outcomes(session: Session, summary: RunSummary, now: datetime) -> list[OutcomeRow]:
    became: list[tuple[Delivery, OutcomeKind, str]] = []
    became += [(bill.delivery, "refused", error.message) for bill, error in summary.refused]
    became += [(landed.delivery, "refused", message) for landed, message in summary.failed]
    became += [
        (landed.delivery, "held", ", ".join(sorted({r.check_id for r in results})))
        for landed, results in summary.held
    ]
    became += [(landed.delivery, "published", "") for landed in summary.published]
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
