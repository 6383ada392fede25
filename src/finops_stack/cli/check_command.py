"""finops check."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finops_stack.cli.bill_notes import forced_text, waiting_text
from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, money_text
from finops_stack.cli.output import FormatOption, show_json, show_line
from finops_stack.errors import EXIT_HELD, InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.cli.session import Session
    from finops_stack.findings import CheckResult

Which = Literal["last", "published"]
Report = dict[tuple[str, str, str], "list[CheckResult]"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops check --run published --all")(check)


def check(
    context: typer.Context,
    output: FormatOption = "text",
    run: Annotated[
        Which,
        typer.Option(help="last: of the newest run that checked a bill; published: what is shown."),
    ] = "last",
    every: Annotated[bool, typer.Option("--all", help="List the passed checks too.")] = False,
) -> None:
    """Show the check report; exit code 3 when a bill is held back."""
    state: Context = context.obj
    report = read_report(state.session, run, now=state.now())
    notes = _notes(state.session)
    if output == "json":
        show_json(_to_dict(report, notes, every=every))
    else:
        for key, results in report.items():
            _show_bill(" ".join(filter(None, key)), results, every=every)
            for note in notes.get(key, []):
                show_line(f"  note  {note}")
    held = any(result.holds_back for results in report.values() for result in results)
    if held:
        state.reporter.say(
            "next: mend the bill or its model, or relax a check under [checks] in finops.toml,"
            " then finops run"
        )
        raise typer.Exit(EXIT_HELD)
    state.reporter.say("next: finops report")


def read_report(session: "Session", which: Which, *, now: datetime) -> Report:
    """(source, month, delivery) → its check results; (source, "", "") → what a source fails.

    Raises InputError when nothing was checked.
    """
    from finops_stack.cli.stale_sources import read_freshness
    from finops_stack.findings import CheckResult
    from finops_stack.warehouse.check_reports import results_of_run

    report: Report = {}
    with session.lake.open(read_only=True) as connection:
        for run, bills in sorted(_wanted(connection, which).items()):
            for delivery, found in results_of_run(connection, run):
                result = CheckResult.from_dict(found)
                if bills is None or (result.source, result.billing_period) in bills:
                    key = (result.source, result.billing_period, delivery)
                    report.setdefault(key, []).append(result)
        sources = read_freshness(session, connection, now)
    if not report:
        raise InputError("no bill has been checked yet", hint='run "finops run" first')
    report |= {(r.source, "", ""): [r] for r in sources if not r.passed}
    return dict(sorted(report.items()))


def _wanted(
    connection: "DuckDBPyConnection", which: Which
) -> dict[str, set[tuple[str, str]] | None]:
    """Run → its bills the report is about; None: all of them.

    last: the newest run, and every bill that is still held back since an earlier one.
    """
    from finops_stack.warehouse.check_reports import last_checked_run
    from finops_stack.warehouse.register import latest_outcomes, latest_published

    wanted: dict[str, set[tuple[str, str]] | None] = {}
    outcomes = (latest_published if which == "published" else latest_outcomes)(connection)
    for bill, outcome in outcomes.items():
        if outcome.outcome == ("published" if which == "published" else "held"):
            bills = wanted.setdefault(outcome.run_id, set())
            assert bills is not None
            bills.add(bill)
    last = last_checked_run(connection)
    if which == "last" and last:
        wanted[last] = None
    return wanted


def _notes(session: "Session") -> dict[tuple[str, str, str], list[str]]:
    """(source, month, delivery) → what every reader is told of it."""
    from finops_stack.warehouse.bill_states import bill_states

    notes: dict[tuple[str, str, str], list[str]] = {}
    with session.lake.open(read_only=True) as connection:
        for state in bill_states(connection):
            for outcome, text in (
                (state.shown, forced_text(state)),
                (state.waiting, waiting_text(state)),
            ):
                if outcome is not None and text:
                    key = (state.source, state.billing_period, outcome.delivery_id)
                    notes.setdefault(key, []).append(text)
    return notes


def _to_dict(
    report: Report, notes: dict[tuple[str, str, str], list[str]], *, every: bool
) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "billing_period": period or None,
            "delivery_id": delivery if period else None,
            "held_back": any(result.holds_back for result in results),
            "notes": notes.get((source, period, delivery), []),
            "passed": sum(result.passed for result in results),
            "failed": sum(not result.passed for result in results),
            "checks": [
                result.to_dict() | {"billed_cost": result.billed_cost}
                for result in _worst_first(results)
                if every or not result.passed
            ],
        }
        for (source, period, delivery), results in report.items()
    ]


def _show_bill(bill: str, results: "list[CheckResult]", *, every: bool) -> None:
    failed = [result for result in results if not result.passed]
    gates = sum(result.holds_back for result in failed)
    forced = sum(result.overridden for result in failed)
    warnings = len(failed) - gates - forced
    counts = [f"{len(results) - len(failed)} checks passed"]
    counts += [f"{warnings} warnings"] if warnings else []
    counts += [f"{gates} hold it back"] if gates else []
    counts += [f"{forced} overridden"] if forced else []
    show_line(f"{bill}: {', '.join(counts)}")
    for result in _worst_first(results):
        if every or not result.passed:
            _show_result(result)


def _show_result(result: "CheckResult") -> None:
    word = "ok" if result.passed else "GATE" if result.severity == "gate" else "warn"
    note = f" ({result.note})" if result.note else ""
    show_line(f"  {word:<4}  {result.check_id}: {result.what}{note}")
    if result.passed:
        return
    count = count_text(result.failed_rows)
    plural = "" if result.failed_rows == 1 else "s"
    cost = f", cost touched {money_text(result.billed_cost)}" if result.unit != "column" else ""
    show_line(f"        {count} {result.unit}{plural}{cost}")
    for sample in result.samples:
        show_line(f"        {sample_text(sample)}")


def sample_text(sample: dict[str, str]) -> str:
    """'bill.csv row 3: BillingCurrency=eur'; a row is counted from 0, its header left out."""
    rest = dict(sample)
    file, row, part = (rest.pop(name, "") for name in ("file", "row", "part"))
    place = f"{file} row {row}" if row else file
    place += f" part {part}" if part not in ("", "0") else ""
    values = ", ".join(f"{name}={value}" for name, value in rest.items())
    return f"{place}: {values}" if place else values


def _worst_first(results: "Iterable[CheckResult]") -> "list[CheckResult]":
    return sorted(results, key=lambda r: (not r.holds_back, not r.overridden, r.passed, r.check_id))
