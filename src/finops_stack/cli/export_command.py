"""finops export."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finops_stack.cli.bill_notes import bill_notes
from finops_stack.cli.context import Context
from finops_stack.cli.exporting import ExportedBill, ExportPlan, require_place, total, write_export
from finops_stack.cli.format import count_text, month_text, plain_text
from finops_stack.cli.output import show_line
from finops_stack.errors import InputError
from finops_stack.focus.spec import VERSIONS, columns
from finops_stack.period import BillingPeriod, PeriodRange

if TYPE_CHECKING:
    from finops_stack.bill import BillKey

_DEFAULT_VERSION = "1.2"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops export --to focus --focus-version 1.2 --period 2026-09")(
        export
    )


def export(
    context: typer.Context,
    to: Annotated[Path, typer.Option(help="Folder for the files.")],
    version: Annotated[
        str, typer.Option("--focus-version", help=f"One of {', '.join(VERSIONS)}.")
    ] = _DEFAULT_VERSION,
    kind: Annotated[
        Literal["parquet", "csv"],
        typer.Option(
            "--format",
            help="parquet, or csv: a text a spreadsheet would run as a formula gets a leading '.",
        ),
    ] = "parquet",
    period: Annotated[
        str | None, typer.Option(help="Only these months: 2026-01:2026-03, or one.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    lineage: Annotated[
        bool, typer.Option("--lineage/--no-lineage", help="The x_ columns that name the raw row.")
    ] = True,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier export.")] = False,
) -> None:
    """Export FOCUS data to a folder, one file set per billing period."""
    from finops_stack.warehouse.bill_states import bill_states
    from finops_stack.warehouse.export import published_bills
    from finops_stack.warehouse.snapshots import newest_publication

    state: Context = context.obj
    columns(version)
    months = PeriodRange.parse(period) if period else PeriodRange()
    lake = state.session.lake
    with lake.open(read_only=True) as connection:
        snapshot = newest_publication(connection).snapshot_id
        states = bill_states(connection)
    with lake.published(snapshot=snapshot) as connection:
        bills = _chosen(published_bills(connection), months, source)
        require_place(_local(to), overwrite=overwrite)
        notes = tuple(bill_notes(states, {(bill.source, bill.billing_period) for bill in bills}))
        plan = ExportPlan(to, version, kind, lineage, bills, snapshot, notes)
        with state.reporter.step("export", len(bills)) as step:
            exported = write_export(plan, connection, done=lambda _: step.advance())
    _show(plan, exported)
    state.reporter.say(f"next: read {to}/manifest.json, or load {to} into your warehouse")


def _local(to: Path) -> Path:
    if "://" in str(to) or str(to).startswith("s3:/"):
        raise InputError("exports go to a local folder", hint="copy the folder from there")
    return to


def _chosen(bills: "list[BillKey]", months: PeriodRange, source: str | None) -> "list[BillKey]":
    """The bills asked for. Raises InputError naming what is published when there is none."""
    chosen = [
        bill
        for bill in bills
        if BillingPeriod.of(bill.billing_period_start) in months and source in (None, bill.source)
    ]
    if not chosen:
        known = sorted({bill.source for bill in bills})
        periods = sorted({bill.billing_period for bill in bills})
        raise InputError(
            "no published bill is asked for",
            hint=f"sources: {', '.join(known) or 'none'}; months: {', '.join(periods) or 'none'}",
        )
    return chosen


def _show(plan: ExportPlan, exported: list[ExportedBill]) -> None:
    for month, each in groupby(exported, key=lambda e: month_text(e.bill.billing_period_start)):
        bills = list(each)
        figures = total([bill.figures for bill in bills])
        files = sum(len(bill.files) for bill in bills)
        costs = ", ".join(f"{plain_text(c)} {name}" for name, c in figures.billed_cost.items())
        show_line(f"{month}: {files} files, {count_text(figures.rows)} rows, BilledCost {costs}")
    for note in plan.notes:
        show_line(f"note: {note}")
    show_line(f"wrote FOCUS {plan.version} as {plan.kind} to {plan.folder}")
