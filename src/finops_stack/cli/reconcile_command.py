"""finops reconcile."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import exact_money_text
from finops_stack.cli.output import show_json
from finops_stack.cli.reconcile_report import (
    account_place,
    because,
    invoice_place,
    show_statement,
    show_statement_csv,
    statement_dict,
)
from finops_stack.errors import EXIT_HELD, InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from finops_stack.reconcile.explaining import AccountResult, InvoiceResult
    from finops_stack.reconcile.statement import Statement
    from finops_stack.warehouse.invoice_totals import PartTotal
    from finops_stack.warehouse.register import OutcomeRow

# Warnings; the table and the other formats have every line.
_TOP = 20
# How it ended → what tells more; what was rolled back stands in the status.
_TELLS = {"held": "finops check", "refused": "finops plan"}


@dataclass(frozen=True)
class Reconciliation:
    """What is published, reconciled; and newer deliveries that are not."""

    statement: "Statement"
    unpublished: "list[OutcomeRow]"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops reconcile --month 2026-09")(reconcile)


def reconcile(
    context: typer.Context,
    month: Annotated[
        str | None, typer.Option(help="Such as 2026-09; default: every published one.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Name of one source.")] = None,
    output: Annotated[
        Literal["text", "json", "csv"], typer.Option("--format", help="text, json or csv.")
    ] = "text",
) -> None:
    """Compare invoices, delivered files, FOCUS and marts, to the last digit."""
    state: Context = context.obj
    found = _read(state, month, source)
    if output == "json":
        show_json(_to_dict(found))
    elif output == "csv":
        show_statement_csv(found.statement)
    else:
        show_statement(found.statement)
    _say(state, found)
    if not found.statement.is_explained:
        raise typer.Exit(EXIT_HELD)


def _read(state: Context, month: str | None, source: str | None) -> Reconciliation:
    from finops_stack.reconcile.statement import make_statement
    from finops_stack.warehouse.lake import published_snapshot
    from finops_stack.warehouse.register import latest_of_any_kind

    wanted = BillingPeriod.parse(month) if month else None
    file = state.session.invoices()
    for words in file.left_out:
        state.reporter.warn(f"{state.session.config.reconcile.invoices}: left out {words}")
    with state.session.lake.open(read_only=True) as connection:
        outcomes = latest_of_any_kind(connection).values()
        snapshot = published_snapshot(connection)
    _require_source(source, {row.source for row in outcomes})
    with state.session.lake.published(snapshot=snapshot) as connection:
        statement = make_statement(
            connection,
            file.rows,
            month=wanted,
            source=source,
            rounding=state.session.config.reconcile.rounding,
            now=state.now(),
        )
    unpublished = [
        row
        for row in outcomes
        if row.outcome != "published"
        and source in (None, row.source)
        and (wanted is None or str(wanted) == row.billing_period)
    ]
    if not (statement.accounts or statement.invoices or unpublished):
        raise InputError(f"nothing is published for {wanted}", hint='see "finops status"')
    return Reconciliation(statement, unpublished)


def _require_source(source: str | None, known: set[str]) -> None:
    if source is not None and source not in known:
        names = ", ".join(sorted(known)) or 'none; run "finops run" first'
        raise InputError(f'no bill of a source "{source}" is known', hint=f"sources: {names}")


def _to_dict(found: Reconciliation) -> dict[str, Any]:
    from finops_stack.warehouse.bill_states import WORDS

    unpublished = [
        {
            "source": row.source,
            "billing_period": row.billing_period,
            "delivery_id": row.delivery_id,
            "state": WORDS[row.outcome],
            "reason": row.reason or None,
        }
        for row in found.unpublished
    ]
    return statement_dict(found.statement) | {"unpublished": unpublished}


def _say(state: Context, found: Reconciliation) -> None:
    """What is not explained, and what to do next; what is published is not the newest."""
    from finops_stack.warehouse.bill_states import WORDS

    statement = found.statement
    there = {(each.total.key.source, str(each.total.key.month)) for each in statement.accounts}
    for row in found.unpublished:
        before = (row.source, row.billing_period) in there
        compared = "what was published before is compared" if before else "nothing is published"
        state.reporter.warn(
            f"{row.source} {row.billing_period}: delivery {row.delivery_id}"
            f" was {WORDS[row.outcome]}; {compared}",
            _TELLS.get(row.outcome, "finops status"),
        )
    warnings = [_account_warning(a) for a in statement.accounts if a.state == "unexplained"]
    warnings += [_part_warning(part) for part in statement.wrong_parts]
    warnings += [_invoice_warning(i) for i in statement.invoices if i.state == "unexplained"]
    for warning in warnings[:_TOP]:
        state.reporter.warn(*warning)
    if len(warnings) > _TOP:
        state.reporter.say(f"and {len(warnings) - _TOP} more that are not explained")
    if state.session.config.reconcile.invoices is None:
        state.reporter.say(
            "no invoices are given: name a csv of them as invoices under [reconcile] in finops.toml"
        )
    after = "finops report" if statement.is_explained else "what the hints say, then this again"
    state.reporter.say(f"next: {after}")


def _account_warning(each: "AccountResult") -> tuple[str, str]:
    place = " ".join(account_place(each))
    amount = exact_money_text(each.unexplained)
    if each.raw_is_explained:
        key = each.total.key
        return (
            f"{place}: {', '.join(each.wrong_marts)} and FOCUS differ by {amount}",
            f"finops run --full --source {key.source} --period {key.month}",
        )
    return f"{place}: delivered files and FOCUS differ by {amount}", "finops check --run published"


def _part_warning(part: "PartTotal") -> tuple[str, str]:
    key = part.key
    return (
        f"{key.source} {key.month} {key.currency or '(none)'}: {part.mart} and FOCUS differ by"
        f" {exact_money_text(part.difference)}",
        f"finops run --full --source {key.source} --period {key.month}",
    )


def _invoice_warning(each: "InvoiceResult") -> tuple[str, str]:
    place = " ".join(invoice_place(each))
    if each.problem:
        hint = "finops status shows which bills are published; mend the row, or explain it"
    else:
        bill = f"finops history {each.sources[0]} {each.month}"
        hint = f"{bill} shows restatements; what is known of it: a row of kind explain"
    return (
        f"{place}: {exact_money_text(each.unexplained)} is not explained{because(each)}",
        hint,
    )
