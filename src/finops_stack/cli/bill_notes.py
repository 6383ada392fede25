"""What every reader is told of bills that are not as their newest delivery says: one wording."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from finops_stack.cli.format import moment_text

if TYPE_CHECKING:
    from finops_stack.cli.reporter import Reporter
    from finops_stack.warehouse.bill_states import BillState
    from finops_stack.warehouse.lake import Lake

_MOST = 10


def waiting_text(state: "BillState") -> str:
    """'delivery d2 is held back since 2026-11-01 08:00 (billing-currency-code); readers see
    delivery d1 of 2026-10-20 06:00'; '' where nothing waits."""
    from finops_stack.warehouse.bill_states import WORDS

    if state.waiting is None:
        return ""
    waiting = state.waiting
    since = f"{WORDS[waiting.outcome]} since {moment_text(state.waiting_since)}"
    why = f" ({waiting.reason})" if waiting.reason else ""
    shown = (
        f"readers see delivery {state.shown.delivery_id} of {moment_text(state.shown.recorded_at)}"
        if state.shown
        else "readers see nothing of this bill"
    )
    return f"delivery {waiting.delivery_id} is {since}{why}; {shown}"


def forced_text(state: "BillState") -> str:
    """'delivery d2 is published by force: agreed with the provider'; '' where it is not."""
    shown = state.shown
    if shown is None or not shown.reason:
        return ""
    return f"delivery {shown.delivery_id} is {shown.reason}"


def bill_notes(
    states: "Iterable[BillState]", bills: Collection[tuple[str, str]] | None = None
) -> list[str]:
    """A line for each thing to know of these bills: (source, billing period), None: of all."""
    return [
        f"{state.source} {state.billing_period}: {text}"
        for state in states
        if bills is None or (state.source, state.billing_period) in bills
        for text in (forced_text(state), waiting_text(state))
        if text
    ]


def read_notes(
    lake: "Lake", *, source: str | None = None, periods: Collection[str] | None = None
) -> list[str]:
    """The notes on the bills of a source and of some months; None: of all."""
    from finops_stack.warehouse.bill_states import bill_states

    with lake.open(read_only=True) as connection:
        states = bill_states(connection)
    return bill_notes(
        each
        for each in states
        if source in (None, each.source) and (periods is None or each.billing_period in periods)
    )


def say_notes(reporter: "Reporter", notes: list[str]) -> None:
    """The notes beside a result, on stderr."""
    for note in notes[:_MOST]:
        reporter.say(f"note: {note}")
    if len(notes) > _MOST:
        reporter.say(f"note: {len(notes) - _MOST} more, see finops status")
