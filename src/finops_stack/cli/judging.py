"""Every check there is, asked of the bills that changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.bill import BillKey
from finops_stack.build.bill_rows import relation_sql
from finops_stack.cli.landing import bill_files
from finops_stack.cli.session import Session
from finops_stack.conformance.check import check_rows
from finops_stack.conformance.rows import row_checks
from finops_stack.findings import CheckResult, Judgement, judge, severities
from finops_stack.ingest.landed import Landed
from finops_stack.quality.check import Relations, check_quality
from finops_stack.quality.checks import quality_checks, quality_row_checks
from finops_stack.quality.freshness import FRESHNESS
from finops_stack.reconcile.check import check_totals
from finops_stack.reconcile.columns import COLUMN_CHECKS, check_columns
from finops_stack.reconcile.totals import total_checks
from finops_stack.reconcile.vendor_checks import check_vendor
from finops_stack.vendors.checks import all_checks, read_checks
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.warehouse.bills import published_relation
from finops_stack.warehouse.register import delivery_before
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FOCUS = "lake.main.focus"


def bill_key(landed: Landed) -> BillKey:
    """The bill a delivery is of."""
    return BillKey(landed.delivery.source, landed.delivery.period.start)


def require_judgements(session: Session) -> dict[str, Judgement]:
    """Check id → gate, warn or ignore. Raises FinopsError for a check that does not exist."""
    known = [*row_checks(), *total_checks(), *COLUMN_CHECKS]
    known += [*quality_checks(), *quality_row_checks(), FRESHNESS]
    known += all_checks(session.config.vendor_folders)
    return severities(session.config.checks, known=known)


def judge_bills(
    session: Session, connection: "DuckDBPyConnection", bills: Sequence[Landed], now: datetime
) -> list[CheckResult]:
    """What all checks say of these bills, under the user's severities."""
    rows = {bill_key(landed): landed.rows for landed in bills}
    of_rows = [*row_checks(), *quality_row_checks()]
    results = check_rows(connection, relation=_FOCUS, bills=list(rows), checks=of_rows)
    results += check_totals(
        connection,
        focus=_FOCUS,
        controls="lake.main.bill_controls",
        commitments="lake.main.commitment_controls",
        bills=list(rows),
        delivered_rows=rows,
    )
    results += check_quality(
        connection,
        Relations(
            focus=_FOCUS,
            days="lake.main.cost_by_day",
            months="lake.main.cost_by_month",
            days_published=published_relation(connection, "cost_by_day"),
        ),
        bills=list(rows),
        now=now,
        settings=session.config.quality,
    )
    results += _check_forms(session, connection, bills)
    return judge(results, require_judgements(session))


def _check_forms(
    session: Session, connection: "DuckDBPyConnection", bills: Sequence[Landed]
) -> list[CheckResult]:
    """What the vendors' own folders ask, and which columns came or went."""
    by_form: dict[tuple[str, str], list[Landed]] = {}
    for landed in bills:
        by_form.setdefault((landed.delivery.vendor, landed.form), []).append(landed)
    results = []
    for (vendor_name, form_name), members in by_form.items():
        vendor = session.vendor(vendor_name)
        form = vendor.form(form_name)
        results += _check_vendor(session, connection, vendor, form, members)
        for landed in members:
            results += _check_columns(connection, landed, form)
    return results


def _check_vendor(
    session: Session,
    connection: "DuckDBPyConnection",
    vendor: Vendor,
    form: Form,
    bills: Sequence[Landed],
) -> list[CheckResult]:
    checks = [check for check in read_checks(vendor.folder) if check.form == form.name]
    if not checks:
        return []
    tables = {model: f"lake.main.{quote_name(model)}" for model in form.models}
    rows = {
        bill_key(landed): relation_sql(
            bill_files(vendor, landed, session.given(landed.delivery.source))
        )
        for landed in bills
    }
    return check_vendor(connection, checks, tables=tables | {"focus": _FOCUS}, bill_rows=rows)


def _check_columns(
    connection: "DuckDBPyConnection", landed: Landed, form: Form
) -> list[CheckResult]:
    delivery = landed.delivery
    before = delivery_before(
        connection,
        source=delivery.source,
        form=form.name,
        period=str(delivery.period),
        fingerprint=delivery.fingerprint,
    )
    return check_columns(landed, form, before)
