"""finops publish."""

from typing import TYPE_CHECKING, Annotated

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, money_text
from finops_stack.cli.run_command import show_held, show_totals
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from finops_stack.cli.republishing import Republication
    from finops_stack.cli.summary import Force


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        epilog='Example: finops publish aws 2026-09 --force --reason "tax rows agreed with AWS"'
    )(publish)


def publish(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Argument(help="Name of the source; without: every bill held back.")
    ] = None,
    period: Annotated[str | None, typer.Argument(help="Billing period, such as 2026-09.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish this bill although its checks fail.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, with --force; it is recorded.")] = "",
) -> None:
    """Publish held-back bills that pass their checks now, or one by force."""
    from finops_stack.cli.republishing import republish

    state: Context = context.obj
    bill = _bill(source, period)
    word = _force(state, bill, reason.strip()) if force else None
    if reason and not force:
        raise InputError("a reason is for --force", hint="add --force, or leave out --reason")
    found = republish(state.session, state.reporter, now=state.now(), bill=bill, force=word)
    _show(state, found)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _bill(source: str | None, period: str | None) -> tuple[str, str] | None:
    if source is None:
        return None
    if period is None:
        raise InputError("which month of it?", hint=f"write: finops publish {source} 2026-09")
    return source, str(BillingPeriod.parse(period))


def _force(state: Context, bill: tuple[str, str] | None, reason: str) -> "Force":
    from finops_stack.cli.summary import Force

    if bill is None:
        raise InputError(
            "--force is for one bill",
            hint="name its source and month: finops publish SOURCE 2026-09 --force",
        )
    if not reason:
        raise InputError("--force needs a reason", hint='add --reason "…"; it is recorded')
    return Force(state.user(), reason)


def _show(state: Context, found: "Republication") -> None:
    """What stayed unpublished, which checks were overridden, then the totals."""
    for outcome, error in found.unreadable:
        state.reporter.warn(
            f"{outcome.source} {outcome.billing_period} cannot be published: {error.message}",
            error.hint,
        )
    for outcome in found.left:
        state.reporter.warn(
            f"{outcome.source} {outcome.billing_period} is still held back: {outcome.reason}",
            "relax the check under [checks] in finops.toml, or"
            f' finops publish {outcome.source} {outcome.billing_period} --force --reason "…"',
        )
    show_held(state, found.summary)
    if found.summary.force is not None:
        _show_forced(state, found)
    if found.summary.landed:
        show_totals(state, found.summary)
    elif not found.left and not found.unreadable:
        state.out.print("nothing to publish: no bill is held back")
        state.reporter.say("next: finops status")


def _show_forced(state: Context, found: "Republication") -> None:
    summary = found.summary
    for result in summary.overridden:
        state.reporter.warn(
            f"{result.source} {result.billing_period} is published by force: {result.check_id}"
            f" fails for {count_text(result.failed_rows)} {result.unit}s,"
            f" cost touched {money_text(result.billed_cost)}"
        )
    if summary.published and not summary.overridden:
        state.reporter.say("its checks pass: published without force, nothing was recorded")
