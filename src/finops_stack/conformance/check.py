"""Runs the row checks on the bills that changed and gives one result per bill and check."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.conformance.passes import Tally, pass_sql, passes, read_pass, sample_sql
from finops_stack.conformance.rows import RowCheck, row_checks
from finops_stack.findings import SAMPLE_ROWS, CheckResult, text_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def check_rows(
    connection: "DuckDBPyConnection",
    *,
    relation: str,
    bills: Sequence[BillKey],
    checks: Sequence[RowCheck] | None = None,
) -> list[CheckResult]:
    """Judge every row of these bills in `relation`, a table or view of canonical FOCUS columns.

    One result per bill and check, in that order, passed ones too; a bill without rows passes.
    `relation` enters the SQL as it is. A row without source or BillingPeriodStart belongs to
    no bill and is not seen here; reconciliation finds it lacking.
    """
    checks = row_checks() if checks is None else checks
    tallies = _tally(connection, relation=relation, bills=bills, checks=checks)
    return [
        _result(
            check,
            bill,
            tallies.get((bill, check.id), Tally()),
            samples=_samples(connection, check, bill, relation=relation)
            if (bill, check.id) in tallies
            else (),
        )
        for bill in dict.fromkeys(bills)
        for check in checks
    ]


def _tally(
    connection: "DuckDBPyConnection",
    *,
    relation: str,
    bills: Sequence[BillKey],
    checks: Sequence[RowCheck],
) -> dict[tuple[BillKey, str], Tally]:
    tallies: dict[tuple[BillKey, str], Tally] = {}
    condition = bills_condition(bills)
    for portion in passes(checks):
        sql = pass_sql(portion, relation=relation, condition=condition)
        tallies |= read_pass(portion, connection.execute(sql).fetchall())
    return tallies


def _samples(
    connection: "DuckDBPyConnection", check: RowCheck, bill: BillKey, *, relation: str
) -> tuple[dict[str, str], ...]:
    sql = sample_sql(check, relation=relation, condition=bills_condition([bill]), limit=SAMPLE_ROWS)
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    return tuple(
        {name: text_of(value) for name, value in zip(names, row, strict=True)} for row in rows
    )


def _result(
    check: RowCheck, bill: BillKey, tally: Tally, *, samples: tuple[dict[str, str], ...]
) -> CheckResult:
    return CheckResult(
        check_id=check.id,
        what=check.what,
        severity=check.severity,
        source=bill.source,
        billing_period=bill.billing_period,
        failed_rows=tally.failed_rows,
        billed_cost=tally.billed_cost,
        samples=samples,
    )
