"""Columns that came or went: each bill's against those of the delivery before it.

A new column is kept in the raw file, but no model reads it until the vendor's folder declares it;
columns that a form collects into a map (tags, labels) come and go, and are read.
"""

import re
from collections.abc import Iterable

from finops_stack.findings import SAMPLE_ROWS, Check, CheckResult
from finops_stack.ingest.landed import Landed
from finops_stack.vendors.manifest import Form
from finops_stack.warehouse.register import DeliveryRow

NEW = Check("columns-new", "the models know every column the delivery before did not have", "warn")
GONE = Check("columns-gone", "every column of the delivery before is there", "warn")
COLUMN_CHECKS = (NEW, GONE)

# Normalised name → what is shown of the column.
_Columns = dict[str, dict[str, str]]


def check_columns(landed: Landed, form: Form, before: DeliveryRow | None) -> list[CheckResult]:
    """The two results of this bill; both pass where there is no delivery before it."""
    now = _columns(
        form, ((c.delivered, c.type, file.key) for file in landed.files for c in file.columns)
    )
    then = now if before is None else _columns(form, _recorded(before))
    declared = {name.lower() for name in form.columns.kinds()}
    new = [shown for name, shown in now.items() if name not in then and name not in declared]
    gone = [
        shown | {"read": "yes, now empty" if name in declared else "no"}
        for name, shown in then.items()
        if name not in now
    ]
    for shown in gone:
        del shown["file"]
    note = f"compared with {before.billing_period} {before.delivery_id}" if before else ""
    return [_result(NEW, landed, new, note), _result(GONE, landed, gone, note)]


def _recorded(before: DeliveryRow) -> Iterable[tuple[str, str, str]]:
    return (
        (column["delivered"], column["type"], file["key"])
        for file in before.parsed_files()
        for column in file["columns"]
    )


def _columns(form: Form, found: Iterable[tuple[str, str, str]]) -> _Columns:
    """Columns by name as the form spells it; the same in all files of a delivery is one column."""
    columns: _Columns = {}
    for delivered, kind, file in found:
        if not _is_collected(form, delivered):
            shown = {"file": file, "column": delivered, "type": kind}
            columns.setdefault(form.normalise(delivered).lower(), shown)
    return columns


def _is_collected(form: Form, delivered: str) -> bool:
    return any(re.search(rule.pattern, delivered) for rule in form.collect)


def _result(check: Check, landed: Landed, columns: list[dict[str, str]], note: str) -> CheckResult:
    return CheckResult(
        check_id=check.id,
        what=check.what,
        severity=check.severity,
        source=landed.delivery.source,
        billing_period=str(landed.delivery.period),
        failed_rows=len(columns),
        note=note if columns else "",
        samples=tuple(columns[:SAMPLE_ROWS]),
        unit="column",
    )
