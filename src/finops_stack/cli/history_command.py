"""finops history."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_stack.cli.bill_notes import bill_notes, say_notes
from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, moment_text
from finops_stack.cli.output import FormatOption, show_json, show_table
from finops_stack.cli.report_command import Cost, CostOption
from finops_stack.cli.restated import Comparison, Restatement, compare, restatement_dict, show
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.bill_history import BillPublication
    from finops_stack.warehouse.register import OutcomeRow


@dataclass(frozen=True)
class History:
    """A bill's deliveries, what became of them, and what came of those that were published."""

    source: str
    month: BillingPeriod
    cost: Cost
    outcomes: "list[tuple[OutcomeRow, int | None]]"
    published: "list[BillPublication]"
    restatements: list[Restatement]
    notes: list[str]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops history aws 2026-09 --by account --rows")(history)


def history(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    period: Annotated[str, typer.Argument(help="Billing period, such as 2026-09.")],
    before: Annotated[
        str | None, typer.Option("--from", help="Compare this delivery; default: the one before.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--to", help="With this delivery; default: the newest.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="service, account, category; may be given several times."),
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="List the FOCUS rows that differ, of the last two.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --rows: how many are listed.")] = 20,
    cost: CostOption = "billed",
    output: FormatOption = "text",
) -> None:
    """Show a bill's deliveries and what each restatement changed."""
    state: Context = context.obj
    wanted = Comparison(
        before=before,
        after=after,
        by=_by(by or ["service"]),
        cost=cost,
        rows=limit if rows else None,
    )
    found = _read(state, source, BillingPeriod.parse(period), wanted)
    if output == "json":
        show_json(_to_dict(found, wanted))
    else:
        _show_deliveries(found)
        for each in found.restatements:
            show(each, wanted)
    say_notes(state.reporter, found.notes)
    state.reporter.say("next: finops query SQL --as-of TIME reads any publication that is kept")


def _by(names: list[str]) -> tuple[str, ...]:
    from finops_stack.warehouse.costs import CHANGED_BY

    for name in names:
        if name not in CHANGED_BY:
            raise InputError(
                f'a restatement cannot be split by "{name}"',
                hint=f"split it by {', '.join(CHANGED_BY)}",
            )
    return tuple(dict.fromkeys(names))


def _read(state: Context, source: str, month: BillingPeriod, wanted: Comparison) -> History:
    from finops_stack.warehouse.bill_history import bill_outcomes, bill_publications
    from finops_stack.warehouse.bill_states import bill_states

    lake = state.session.lake
    with lake.open(read_only=True) as connection:
        _require_known(connection, source, month)
        published = bill_publications(connection, source, str(month))
        return History(
            source=source,
            month=month,
            cost=wanted.cost,
            outcomes=bill_outcomes(connection, source, str(month)),
            published=published,
            restatements=compare(lake, connection, (source, month), published, wanted),
            notes=bill_notes(bill_states(connection), {(source, str(month))}),
        )


def _require_known(connection: "DuckDBPyConnection", source: str, month: BillingPeriod) -> None:
    from finops_stack.warehouse.bill_history import known_bills

    known = known_bills(connection)
    if source not in known:
        names = ", ".join(known) or 'none; run "finops run" first'
        raise InputError(f'no bill of a source "{source}" is known', hint=f"sources: {names}")
    if str(month) not in known[source]:
        raise InputError(
            f"no bill of {source} for {month} is known", hint=f"months: {', '.join(known[source])}"
        )


def _show_deliveries(found: History) -> None:
    from finops_stack.warehouse.bill_states import WORDS

    times = {each.run_id: each.published_at for each in found.published}
    headers = ("delivery", "run at", "rows", "outcome", "published at", "why")
    rows = [
        (
            row.delivery_id,
            moment_text(row.recorded_at),
            count_text(count),
            WORDS[row.outcome],
            moment_text(times.get(row.run_id)) if row.outcome == "published" else "",
            row.reason,
        )
        for row, count in found.outcomes
    ]
    show_table(headers, rows, right=("rows",))


def _to_dict(found: History, wanted: Comparison) -> dict[str, Any]:
    from finops_stack.warehouse.bill_states import WORDS

    return {
        "source": found.source,
        "billing_period": str(found.month),
        "cost": found.cost,
        "by": list(wanted.by),
        "deliveries": [
            {
                "delivery_id": row.delivery_id,
                "run_id": row.run_id,
                "run_at": row.recorded_at,
                "rows": count,
                "outcome": WORDS[row.outcome],
                "reason": row.reason or None,
            }
            for row, count in found.outcomes
        ],
        "restatements": [restatement_dict(each, wanted) for each in found.restatements],
    }
