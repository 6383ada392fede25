"""Runs the checks that a vendor's folder declares on the bills of their form."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey, bills_condition
from finops_stack.findings import SAMPLE_ROWS, CheckResult, text_of
from finops_stack.reconcile.check import explained, run_checks
from finops_stack.vendors.checks import VendorCheck
from finops_stack.warehouse.engine import EngineError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def check_vendor(
    connection: "DuckDBPyConnection",
    checks: Sequence[VendorCheck],
    *,
    tables: Mapping[str, str],
    bill_rows: Mapping[BillKey, str],
) -> list[CheckResult]:
    """One result per bill and check, in that order, passed ones too.

    tables: name in braces → relation; bill_rows: bill → select of its rows as the models read
    them. Those are read only where a check has found something and asks for rows to show.
    """
    bills = list(bill_rows)
    names = {**tables, **_of_bills(bill_rows)}
    results = run_checks(connection, checks, names=names, bills=bills)
    asked = [(bill, check) for bill in bills for check in checks]
    return [
        _with_samples(connection, check, result, {**tables, **_of_bills({bill: bill_rows[bill]})})
        for (bill, check), result in zip(asked, results, strict=True)
    ]


def _of_bills(bill_rows: Mapping[BillKey, str]) -> dict[str, str]:
    selects = "\nunion all by name\n".join(bill_rows.values())
    return {"bills": bills_condition(bill_rows), "bill_rows": f"({selects})"}


def _with_samples(
    connection: "DuckDBPyConnection",
    check: VendorCheck,
    result: CheckResult,
    names: Mapping[str, str],
) -> CheckResult:
    if result.passed or not check.samples:
        return result
    try:
        cursor = connection.execute(check.samples.format_map(names))
        columns = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchmany(SAMPLE_ROWS)
    except EngineError as error:
        raise explained(error, f"check {check.id}") from error
    shown = [dict(zip(columns, map(text_of, row), strict=True)) for row in rows]
    return replace(result, samples=tuple(shown))
