"""Compares each bill's totals with its FOCUS rows and gives one result per bill and check."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.errors import FinopsError
from finops_stack.findings import SAMPLE_ROWS, CheckResult, QueryCheck, text_of
from finops_stack.reconcile.totals import sheets, total_checks
from finops_stack.warehouse.engine import EngineError, first_line, limit_reached
from finops_stack.warehouse.lake import leaving_nothing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# For sources of which none says what its commitments cost: the sheet of that, empty.
_NO_COMMITMENTS = """(
    select ''::varchar as x_SourceName, null::timestamp as BillingPeriodStart,
        ''::varchar as CommitmentDiscountId, 0::decimal(38, 15) as committed_cost,
        true as is_closed
    where false)"""

# Columns every check's sql gives for the result itself, not for its samples.
_NOT_SHOWN = frozenset({"x_SourceName", "BillingPeriodStart", "failed_rows", "billed_cost"})

_PREFIX = "temp.reconcile_"
_DELIVERED = f"{_PREFIX}delivered"
_FAILURES = f"{_PREFIX}failures"


@dataclass
class _Outcome:
    failed_rows: int = 0
    billed_cost: Decimal = Decimal(0)
    note: str = ""
    samples: list[dict[str, str]] = field(default_factory=list)


def check_totals(
    connection: "DuckDBPyConnection",
    *,
    focus: str,
    controls: str,
    commitments: str | None,
    bills: Sequence[BillKey],
    delivered_rows: Mapping[BillKey, int],
) -> list[CheckResult]:
    """Reconcile these bills: relations of FOCUS rows, control totals and commitment costs
    (docs/vendor-folders.md; commitments None when no vendor gives them), and the rows in each
    bill's delivered files.

    One result per bill and check, in that order, passed ones too. A bill that delivered_rows
    lacks fails raw-rows-delivered. Relations enter the SQL as they are; temporary tables
    `reconcile_*` are made and dropped.
    """
    relations = {
        "focus": focus,
        "controls": controls,
        "commitments": commitments or _NO_COMMITMENTS,
        "bills": bills_condition(bills),
    }
    delivered = {bill: delivered_rows.get(bill) for bill in bills}
    with _prepared(connection, relations, delivered) as names:
        return run_checks(connection, total_checks(), names=names, bills=list(delivered))


def run_checks(
    connection: "DuckDBPyConnection",
    checks: Sequence[QueryCheck],
    *,
    names: Mapping[str, str],
    bills: Sequence[BillKey],
) -> list[CheckResult]:
    """One result per bill and check, in that order. names: what stands for each {name}."""
    outcomes = {check.id: _outcomes(connection, check, names) for check in checks}
    return [
        _result(check, bill, outcomes[check.id].get(bill, _Outcome()))
        for bill in bills
        for check in checks
    ]


@contextmanager
def _prepared(
    connection: "DuckDBPyConnection",
    relations: Mapping[str, str],
    delivered: Mapping[BillKey, int | None],
) -> Iterator[dict[str, str]]:
    """The sheets as temporary tables; yields what stands for each {name} in a check."""
    with leaving_nothing(connection):
        _create_delivered(connection, delivered)
        names = {**relations, "delivered": _DELIVERED}
        yield make_sheets(connection, sheets(), names=names, prefix=_PREFIX)


def make_sheets(
    connection: "DuckDBPyConnection",
    wanted: Mapping[str, str],
    *,
    names: Mapping[str, str],
    prefix: str,
) -> dict[str, str]:
    """Name → SQL of sheets, made in this order as temporary tables.

    Gives `names` and the sheets' own, which a later sheet may use.
    """
    given = dict(names)
    for name, sql in wanted.items():
        table = f"{prefix}{name}"
        connection.execute(f"create or replace temp table {table} as {sql.format_map(given)}")
        given[name] = table
    return given


def _create_delivered(
    connection: "DuckDBPyConnection", delivered: Mapping[BillKey, int | None]
) -> None:
    connection.execute(
        f"create or replace temp table {_DELIVERED} as select unnest(?::varchar[]) as x_SourceName,"
        " unnest(?::timestamp[]) as BillingPeriodStart, unnest(?::bigint[]) as delivered_rows",
        [
            [bill.source for bill in delivered],
            [bill.billing_period_start for bill in delivered],
            list(delivered.values()),
        ],
    )


def _outcomes(
    connection: "DuckDBPyConnection", check: QueryCheck, names: Mapping[str, str]
) -> dict[BillKey, _Outcome]:
    outcomes: dict[BillKey, _Outcome] = {}
    try:
        _ask(connection, check, names, outcomes)
    except EngineError as error:
        raise explained(error, f"check {check.id}") from error
    return outcomes


def explained(error: EngineError, what: str) -> FinopsError:
    """Which check it was: a vendor's own may be wrong, where ours at most run out of memory."""
    return limit_reached(error, what) or FinopsError(
        f"{what} cannot be run: {first_line(error)}", hint="mend its SQL, then run again"
    )


def _ask(
    connection: "DuckDBPyConnection",
    check: QueryCheck,
    names: Mapping[str, str],
    outcomes: dict[BillKey, _Outcome],
) -> None:
    if _may_fail(connection, check, names):
        _read_failures(connection, check.sql.format_map(names), outcomes)
    if check.note:
        for source, start, note in connection.execute(check.note.format_map(names)).fetchall():
            outcomes.setdefault(BillKey(source, start), _Outcome()).note = note


def _may_fail(
    connection: "DuckDBPyConnection", check: QueryCheck, names: Mapping[str, str]
) -> bool:
    if not check.guard:
        return True
    answer = connection.execute(check.guard.format_map(names)).fetchone()
    return answer is None or bool(answer[0])


def _read_failures(
    connection: "DuckDBPyConnection", sql: str, outcomes: dict[BillKey, _Outcome]
) -> None:
    """Sums and first rows per bill; failures stay in DuckDB, there may be millions."""
    connection.execute(f"create or replace temp table {_FAILURES} as {sql}")
    summed = connection.execute(
        "select x_SourceName, BillingPeriodStart, sum(failed_rows)::bigint,"
        f" coalesce(sum(billed_cost), 0)::decimal(38, 15) from {_FAILURES} group by all"
    ).fetchall()
    for source, start, failed_rows, billed_cost in summed:
        outcomes[BillKey(source, start)] = _Outcome(failed_rows, billed_cost)
    for bill, sample in _read_samples(connection) if summed else ():
        outcomes[bill].samples.append(sample)
    connection.execute(f"drop table {_FAILURES}")


def _read_samples(connection: "DuckDBPyConnection") -> Iterator[tuple[BillKey, dict[str, str]]]:
    described = connection.execute(f"select * from {_FAILURES} limit 0").description or ()
    names = [column[0] for column in described if column[0] not in _NOT_SHOWN]
    shown = ", ".join(names)
    cursor = connection.execute(
        f"select x_SourceName, BillingPeriodStart, {shown} from {_FAILURES} qualify row_number()"
        f" over (partition by x_SourceName, BillingPeriodStart order by {shown}) <= {SAMPLE_ROWS}"
        " order by all"
    )
    for source, start, *values in cursor.fetchall():
        sample = {name: text_of(value) for name, value in zip(names, values, strict=True)}
        yield BillKey(source, start), sample


def _result(check: QueryCheck, bill: BillKey, outcome: _Outcome) -> CheckResult:
    return CheckResult(
        check_id=check.id,
        what=check.what,
        severity=check.severity,
        source=bill.source,
        billing_period=bill.billing_period,
        failed_rows=outcome.failed_rows,
        billed_cost=outcome.billed_cost,
        note=outcome.note,
        samples=tuple(outcome.samples),
        unit=check.unit,
    )
