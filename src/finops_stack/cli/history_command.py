"""finops history."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import (
    change_text,
    count_change_text,
    count_text,
    moment_text,
    money_text,
)
from finops_stack.cli.output import FormatOption, show_json, show_line, show_table
from finops_stack.cli.report_command import Cost, CostOption
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.bill_history import BillPublication
    from finops_stack.warehouse.costs import ServiceChange
    from finops_stack.warehouse.register import OutcomeRow

_WORDS = {"published": "published", "held": "held back", "refused": "refused"}


@dataclass(frozen=True)
class Restatement:
    """One publication of a bill after another; changes is None when a snapshot is expired."""

    before: "BillPublication"
    after: "BillPublication"
    changes: "list[ServiceChange] | None"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops history aws 2026-09")(history)


def history(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    period: Annotated[str, typer.Argument(help="Billing period, such as 2026-09.")],
    cost: CostOption = "billed",
    output: FormatOption = "text",
) -> None:
    """Show a bill's deliveries and what each restatement changed."""
    from finops_stack.warehouse.bill_history import bill_outcomes, bill_publications

    state: Context = context.obj
    month = BillingPeriod.parse(period)
    with state.session.lake.open(read_only=True) as connection:
        _require_known(connection, source, month)
        outcomes = bill_outcomes(connection, source, str(month))
        published = bill_publications(connection, source, str(month))
        restatements = [
            _compared(connection, (source, month), pair, cost) for pair in pairwise(published)
        ]
    if output == "json":
        show_json(_to_dict((source, month), outcomes, restatements, cost))
    else:
        _show_deliveries(outcomes, published)
        for each in restatements:
            _show_restatement(each, cost)
    state.reporter.say("next: finops query SQL --as-of TIME reads any publication that is kept")


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


def _compared(
    connection: "DuckDBPyConnection",
    bill: tuple[str, BillingPeriod],
    pair: "tuple[BillPublication, BillPublication]",
    cost: Cost,
) -> Restatement:
    from finops_stack.warehouse.costs import service_changes

    before, after = pair
    if not (before.kept and after.kept):
        return Restatement(before, after, None)
    changes = service_changes(
        connection,
        bill=(bill[0], bill[1].start),
        snapshots=(before.snapshot_id, after.snapshot_id),
        cost=cost,
    )
    return Restatement(before, after, changes)


def _show_deliveries(
    outcomes: "list[tuple[OutcomeRow, int | None]]", published: "list[BillPublication]"
) -> None:
    times = {each.run_id: each.published_at for each in published}
    headers = ("delivery", "run at", "rows", "outcome", "published at", "why")
    rows = [
        (
            row.delivery_id,
            moment_text(row.recorded_at),
            count_text(count),
            _WORDS[row.outcome],
            moment_text(times.get(row.run_id)) if row.outcome == "published" else "",
            row.reason,
        )
        for row, count in outcomes
    ]
    show_table(headers, rows, right=("rows",))


def _show_restatement(each: Restatement, cost: Cost) -> None:
    before, after = each.before.delivery_id, each.after.delivery_id
    what = f"{before} → {after}" if before != after else f"{after}, converted again"
    head = f"{what}, published {moment_text(each.after.published_at)}"
    if each.changes is None:
        gone = each.before if not each.before.kept else each.after
        show_line(
            f"{head}: cannot be compared, the publication of "
            f"{moment_text(gone.published_at)} is no longer kept"
        )
        return
    if not each.changes:
        show_line(f"{head}: no service's rows or {cost} cost changed")
        return
    numbers = ("rows", "rows ±", "cost before", "cost", "cost ±")
    rows = [
        (
            change.service or "(none)",
            change.currency or "(none)",
            count_text(change.rows),
            count_change_text(change.rows - change.rows_before),
            money_text(change.cost_before),
            money_text(change.cost),
            change_text(change.cost - change.cost_before),
        )
        for change in each.changes
    ]
    show_table(
        ("service", "currency", *numbers),
        rows,
        right=numbers,
        title=f"{head}: {cost} cost by service",
    )


def _to_dict(
    bill: tuple[str, BillingPeriod],
    outcomes: "list[tuple[OutcomeRow, int | None]]",
    restatements: list[Restatement],
    cost: Cost,
) -> dict[str, Any]:
    return {
        "source": bill[0],
        "billing_period": str(bill[1]),
        "cost": cost,
        "deliveries": [
            {
                "delivery_id": row.delivery_id,
                "run_id": row.run_id,
                "run_at": row.recorded_at,
                "rows": count,
                "outcome": _WORDS[row.outcome],
                "reason": row.reason or None,
            }
            for row, count in outcomes
        ],
        "restatements": [
            {
                "from": each.before.delivery_id,
                "to": each.after.delivery_id,
                "published_at": each.after.published_at,
                "comparable": each.changes is not None,
                "changes": [vars(change) for change in each.changes or []],
            }
            for each in restatements
        ],
    }
