"""finops plan and finops run."""

from typing import TYPE_CHECKING, Annotated

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import bytes_text, count_text, money_text, screen_text
from finops_stack.cli.output import show_table
from finops_stack.period import PeriodRange

if TYPE_CHECKING:
    from finops_stack.cli.planning import SourcePlan
    from finops_stack.cli.summary import RunSummary
    from finops_stack.deliveries.ledger import PlannedBill
    from finops_stack.findings import CheckResult

SourceOption = Annotated[str | None, typer.Option("--source", help="Only this source.")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", help="Only these months: 2026-01:2026-03, or one.")
]
FullOption = Annotated[bool, typer.Option("--full", help="Load again what is already loaded.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example: finops plan --source aws")(plan)
    app.command(epilog="Example: finops run --period 2026-09")(run)


def plan(
    context: typer.Context,
    source: SourceOption = None,
    period: PeriodOption = None,
    full: FullOption = False,
) -> None:
    """Show what a run would load and why; loads nothing."""
    from finops_stack.cli.planning import plan_sources
    from finops_stack.cli.summary import RunSummary

    state: Context = context.obj
    plans = plan_sources(state.session, name=source, periods=_range(period), full=full)
    show_table(
        ["source", "month", "action", "why", "delivery", "files", "size"],
        [_plan_line(bill) for each in plans for bill in each.bills],
        right=["files", "size"],
    )
    loads = [bill for each in plans for bill in each.bills if bill.loads]
    size = bytes_text(sum(bill.delivery.size_bytes for bill in loads))
    state.out.print(f"{len(loads)} deliveries to load, {size}")
    _warn_of_sources(state, plans)
    if loads:
        state.reporter.say("next: finops run")
    if code := RunSummary("", plans).exit_code:
        raise typer.Exit(code)


def _plan_line(bill: "PlannedBill") -> list[object]:
    d = bill.delivery
    size = bytes_text(d.size_bytes)
    period = str(d.period)
    return [d.source, period, bill.action.value, bill.reason, d.delivery_id, len(d.files), size]


def run(
    context: typer.Context,
    source: SourceOption = None,
    period: PeriodOption = None,
    full: FullOption = False,
) -> None:
    """Load, convert, check and publish every bill that is new or restated."""
    from finops_stack.cli.flow import run as run_flow

    state: Context = context.obj
    summary = run_flow(
        state.session,
        state.reporter,
        now=state.now(),
        source=source,
        periods=_range(period),
        full=full,
    )
    show_summary(state, summary)
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


def _range(period: str | None) -> PeriodRange | None:
    return PeriodRange.parse(period) if period else None


def show_summary(state: Context, summary: "RunSummary") -> None:
    """One line for every thing that did not go as wished, then the totals."""
    from finops_stack.deliveries.ledger import Action

    _warn_of_sources(state, summary.plans)
    for bill in (b for p in summary.plans for b in p.bills if b.action == Action.HELD):
        state.reporter.warn(
            f"{bill.delivery.source} {bill.delivery.period} is still held back: {bill.reason}",
            'run "finops check" or "finops status" to see why',
        )
    for refused, error in summary.refused:
        d = refused.delivery
        state.reporter.warn(f"{d.source} {d.period} was refused: {error.message}", error.hint)
    show_held(state, summary)
    for landed in (each for each in summary.published if each.rows == 0):
        d = landed.delivery
        state.reporter.warn(
            f"{d.source} {d.period} was published with no rows: its files hold none",
            "if the month had charges, have it delivered again",
        )
    _warn_of_columns(state, summary)
    _warn_of_quality(state, summary)
    _warn_of_stale(state, summary.stale)
    show_totals(state, summary)


def show_held(state: Context, summary: "RunSummary") -> None:
    """The bills that were not converted, and those their checks hold back."""
    for landed, message in summary.failed:
        d = landed.delivery
        state.reporter.warn(f"{d.source} {d.period} was not converted: {message}")
    for landed, results in summary.held:
        d = landed.delivery
        failing = ", ".join(f"{r.check_id} ({r.failed_rows})" for r in results)
        state.reporter.warn(
            f"{d.source} {d.period} is held back by its checks: {failing}",
            'run "finops check" to see the rows; what was published stays',
        )


def _warn_of_columns(state: Context, summary: "RunSummary") -> None:
    """Which columns came and went, bill by bill."""
    for result in (r for r in summary.results if r.unit == "column" and not r.passed):
        names = [sample["column"] for sample in result.samples]
        names += [f"{result.failed_rows - len(names)} more"] * (result.failed_rows > len(names))
        state.reporter.warn(
            f"{result.source} {result.billing_period}, {result.check_id}: {', '.join(names)}"
            f" ({result.note})",
            "new ones are kept in the raw file and read by no model; those gone are empty now",
        )


def _warn_of_quality(state: Context, summary: "RunSummary") -> None:
    """What is missing, changed or there twice: a line for each source and check, newest bill."""
    from finops_stack.quality.checks import quality_ids

    found: dict[tuple[str, str], list[CheckResult]] = {}
    for result in (r for r in summary.results if not r.passed and r.check_id in quality_ids()):
        found.setdefault((result.source, result.check_id), []).append(result)
    for number, results in enumerate(found.values(), 1):
        newest, *others = sorted(results, key=lambda each: each.billing_period, reverse=True)
        more = f"; {len(others)} earlier bill{'s' * (len(others) > 1)} too" if others else ""
        hint = 'run "finops check" to see all of them' if number == len(found) else ""
        state.reporter.warn(_finding_text(newest) + more, hint)


def _warn_of_stale(state: Context, stale: "list[CheckResult]") -> None:
    """A line for each source whose deliveries or charges are old."""
    from finops_stack.quality.freshness import staleness_text

    for result in stale:
        state.reporter.warn(
            f"source {result.source} is stale: {staleness_text(result)}",
            "see why its export stopped; the limit is fresh_days under [quality] in finops.toml",
        )


def _finding_text(result: "CheckResult") -> str:
    """'aws 2026-10, services-gone: 2 services, cost touched 91.20 (service=Glue, …)'."""
    from finops_stack.cli.check_command import sample_text

    count = f"{count_text(result.failed_rows)} {result.unit}{'s' * (result.failed_rows != 1)}"
    sample = f" ({sample_text(result.samples[0])})" if result.samples else ""
    return screen_text(
        f"{result.source} {result.billing_period}, {result.check_id}: {count},"
        f" cost touched {money_text(result.billed_cost)}{sample}"
    )


def show_totals(state: Context, summary: "RunSummary") -> None:
    """The last line: what was published and what was not."""
    if not summary.landed and not summary.refused:
        months = sum(len(each.bills) for each in summary.plans)
        news = "new exchange rates" if summary.new_rates else "nothing new"
        state.out.print(f"{news}: {months} bills as published")
        return
    warned = sum(1 for r in summary.results if r.severity == "warn" and not r.passed)
    rows = count_text(sum(landed.rows for landed in summary.published))
    state.out.print(
        f"published {len(summary.published)} bills ({rows} rows), held back {len(summary.held)},"
        f" refused {len(summary.refused)}, failed {len(summary.failed)};"
        f" {len(summary.results)} checks, {warned} warnings"
    )
    state.reporter.say("next: finops report, finops check, finops status")


def _warn_of_sources(state: Context, plans: "list[SourcePlan]") -> None:
    from finops_stack.deliveries.ledger import Action

    for each in plans:
        if each.error:
            state.reporter.warn(f"source {each.source.name}: {each.error.message}", each.error.hint)
        for bill in each.bills:
            if bill.action in (Action.INCOMPLETE, Action.OLDER):
                d = bill.delivery
                state.reporter.warn(
                    f"{d.source} {d.period} {d.delivery_id} is left for the next run: {bill.reason}"
                )
            if bill.warning:
                state.reporter.warn(
                    f"{bill.delivery.source} {bill.delivery.period}: {bill.warning}",
                    "have that export delivered again",
                )
