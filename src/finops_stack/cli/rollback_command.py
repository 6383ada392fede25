"""finops rollback."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Context as Arithmetic
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import change_text, count_text, moment_text, money_text
from finops_stack.cli.output import FormatOption, show_json, show_line, show_table
from finops_stack.errors import EXIT_FAILED, FinopsError, InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.register import Publication
    from finops_stack.warehouse.rollback import BillChange, BillSum

# Money has up to 38 digits; Python's own 28 would round the sums of large ones.
_EXACT = Arithmetic(prec=60)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog='Example: finops rollback --to 2026-11-01 --reason "wrong prices"')(rollback)


def rollback(
    context: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(help="A time, as in query --as-of, or the number of a published snapshot."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Show what there is to go back to.")
    ] = False,
    output: FormatOption = "text",
) -> None:
    """Show readers an earlier publication again; tells what changes, asks."""
    state: Context = context.obj
    if listed == (to is not None):
        raise InputError("give --to, or --list", hint='see them: "finops rollback --list"')
    if to is None:
        _show_list(state, as_json=output == "json")
        return
    now, then, changes, sums = _read(state, to)
    _show_changes(changes, sums)
    if not yes:
        _ask(state, then)
    _go_back(state, now, then, reason.strip())
    state.out.print(
        f"rolled back to the publication of {moment_text(then.published_at)},"
        f" snapshot {then.snapshot_id}"
    )
    state.reporter.say("next: finops status; a newer delivery of a bill is published as ever")


def _read(
    state: Context, to: str
) -> "tuple[Publication, Publication, list[BillChange], list[BillSum]]":
    """Now, then, and what differs. Raises InputError when that is nothing."""
    from finops_stack.warehouse.rollback import bill_sums, changed_bills
    from finops_stack.warehouse.snapshots import newest_publication

    with state.session.lake.open(read_only=True) as connection:
        now = newest_publication(connection)
        then = _wanted(connection, to)
        changes = changed_bills(connection, now, then)
        if not changes:
            raise InputError(
                f"readers see the bills of {moment_text(then.published_at)},"
                f" snapshot {then.snapshot_id}, already",
                hint='see the others: "finops rollback --list"',
            )
        return now, then, changes, bill_sums(connection, now, then)


def _wanted(connection: "DuckDBPyConnection", to: str) -> "Publication":
    from finops_stack.cli.query_command import parse_moment
    from finops_stack.warehouse.snapshots import publication_at, publication_of

    if to.strip().isdecimal():
        return publication_of(connection, int(to))
    try:
        moment = parse_moment(to)
    except InputError as error:
        raise InputError(
            error.message,
            hint=f"{error.hint}, or the number of a snapshot (finops rollback --list)",
        ) from error
    return publication_at(connection, moment)


def _ask(state: Context, then: "Publication") -> None:
    if not sys.stdin.isatty():
        raise InputError("nobody is there to be asked; nothing was changed", hint="add --yes")
    question = f"Show readers the publication of {moment_text(then.published_at)} again?"
    if not typer.confirm(question, err=True):
        state.reporter.say("nothing was changed")
        raise typer.Exit(EXIT_FAILED)


def _go_back(state: Context, now: "Publication", then: "Publication", reason: str) -> None:
    from finops_stack.cli.flow import run_id_of
    from finops_stack.warehouse.lock import lake_lock
    from finops_stack.warehouse.register import ensure_register
    from finops_stack.warehouse.rollback import roll_back
    from finops_stack.warehouse.snapshots import newest_publication, publication_of

    at = state.now()
    lake = state.session.lake
    with ExitStack() as stack:
        lock = stack.enter_context(lake_lock(lake))
        connection = stack.enter_context(lake.open())
        lock.sign(at)
        ensure_register(connection)
        if newest_publication(connection).sequence != now.sequence:
            raise FinopsError(
                "something was published while you were asked; nothing was changed",
                hint="run the command again to see what it would change now",
            )
        publication_of(connection, then.snapshot_id)
        lock.require_held()
        roll_back(
            connection,
            run_id=run_id_of(at),
            now=now,
            then=then,
            by=state.user(),
            reason=reason,
            at=at,
        )


def _show_changes(changes: "Sequence[BillChange]", sums: "Sequence[BillSum]") -> None:
    """A line a bill that changes and currency, then what all bills together add up to."""
    numbers = ("rows now", "rows then", "billed now", "billed then", "change")
    headers = ("source", "month", "delivery now", "delivery then", "currency", *numbers)
    rows = [
        (
            change.source,
            change.billing_period,
            change.now.delivery_id if change.now else "(none)",
            change.then.delivery_id if change.then else "(none)",
            *_figures(each),
        )
        for change in changes
        for each in _of_bill(change, sums)
    ]
    show_table(headers, rows, right=numbers, title="bills that change")
    totals = [_total(currency, sums) for currency in dict.fromkeys(s.currency for s in sums)]
    show_table(
        ("currency", *numbers), map(_figures, totals), right=numbers, title="all published bills"
    )


def _of_bill(change: "BillChange", sums: "Sequence[BillSum]") -> "list[BillSum]":
    """Of each currency; a bill without any row is a line as well."""
    bill = (change.source, change.billing_period)
    found = [each for each in sums if (each.source, each.billing_period) == bill]
    return found or [_total(None, [])]


def _figures(each: "BillSum") -> list[object]:
    return [
        each.currency or "(none)",
        count_text(each.rows_now),
        count_text(each.rows_then),
        money_text(each.cost_now),
        money_text(each.cost_then),
        change_text(_EXACT.subtract(each.cost_then, each.cost_now)),
    ]


def _total(currency: str | None, sums: "Sequence[BillSum]") -> "BillSum":
    from finops_stack.warehouse.rollback import BillSum

    mine = [each for each in sums if each.currency == currency]
    return BillSum(
        "",
        "",
        currency,
        sum(each.rows_now for each in mine),
        sum(each.rows_then for each in mine),
        reduce(_EXACT.add, (each.cost_now for each in mine), Decimal(0)),
        reduce(_EXACT.add, (each.cost_then for each in mine), Decimal(0)),
    )


def _show_list(state: Context, *, as_json: bool) -> None:
    """Every publication that is kept, the newest first."""
    from finops_stack.warehouse.register import interventions
    from finops_stack.warehouse.snapshots import (
        kept_publications,
        newest_publication,
        published_bills_of,
    )

    with state.session.lake.open(read_only=True) as connection:
        newest = newest_publication(connection)
        kept = kept_publications(connection)
        bills = published_bills_of(connection)
        acts = {each.run_id: each for each in interventions(connection)}
    found: list[dict[str, Any]] = [
        {
            "snapshot": each.snapshot_id,
            "published_at": each.published_at,
            "bills": bills.get(each.run_id, 0),
            "current": each.sequence == newest.sequence,
            "intervention": acts[each.run_id].action if each.run_id in acts else None,
            "reason": acts[each.run_id].reason if each.run_id in acts else None,
        }
        for each in reversed(kept)
    ]
    if as_json:
        show_json(found)
    else:
        headers = ("snapshot", "published at", "bills", "", "why")
        show_table(headers, map(_list_row, found), right=("snapshot", "bills"))
        show_line("bills: how many came with that publication")
    state.reporter.say("next: finops rollback --to SNAPSHOT")


def _list_row(each: dict[str, Any]) -> list[object]:
    parts = (each["intervention"], each["reason"])
    return [
        each["snapshot"],
        moment_text(each["published_at"]),
        count_text(each["bills"]),
        "readers see this" if each["current"] else "",
        ": ".join(part for part in parts if part),
    ]
