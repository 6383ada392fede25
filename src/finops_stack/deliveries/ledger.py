"""What a run would load and why: deliveries found, against the register."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from finops_stack.deliveries.delivery import Delivery, parts_in_id
from finops_stack.deliveries.discover import Found
from finops_stack.warehouse.register import OutcomeRow


class Action(StrEnum):
    """What a run does with a delivery."""

    NEW = "new"
    RESTATED = "restated"
    RETRIED = "retried"
    FULL = "full"
    UNCHANGED = "unchanged"
    HELD = "held"
    OLDER = "older"
    INCOMPLETE = "incomplete"


LOADED = frozenset({Action.NEW, Action.RESTATED, Action.RETRIED, Action.FULL})


@dataclass(frozen=True)
class PlannedBill:
    """One delivery, what happens to it, and why."""

    delivery: Delivery
    action: Action
    reason: str
    warning: str = ""

    @property
    def loads(self) -> bool:
        """Whether a run loads it."""
        return self.action in LOADED


def plan_bills(
    found: Found,
    *,
    latest: Mapping[tuple[str, str], OutcomeRow],
    earlier: Mapping[tuple[str, str], set[str]],
    rules: str,
    full: bool = False,
) -> list[PlannedBill]:
    """Every month's newest complete delivery, and the newer ones that are not complete.

    latest:  (source, month) → the newest outcome that is no refusal
    earlier: (source, month) → ids of deliveries that were loaded before that one
    rules:   tells models and check settings apart; a held bill is tried again when they change
    """
    planned = [
        _plan_one(delivery, latest=latest, earlier=earlier, rules=rules, full=full)
        for delivery in found.chosen().values()
    ]
    planned += [PlannedBill(d, Action.INCOMPLETE, d.why_not()) for d in found.waiting()]
    return sorted(planned, key=lambda p: (p.delivery.period, p.action == Action.INCOMPLETE))


def _plan_one(
    delivery: Delivery,
    *,
    latest: Mapping[tuple[str, str], OutcomeRow],
    earlier: Mapping[tuple[str, str], set[str]],
    rules: str,
    full: bool,
) -> PlannedBill:
    key = (delivery.source, str(delivery.period))
    last = latest.get(key)
    if full:
        return PlannedBill(delivery, Action.FULL, "loaded again, as asked with --full")
    if last is None:
        return PlannedBill(delivery, Action.NEW, "not loaded yet")
    if last.fingerprint == delivery.fingerprint:
        return _plan_known(delivery, last, rules)
    if delivery.delivery_id != last.delivery_id and delivery.delivery_id in earlier.get(key, set()):
        reason = f"older than the loaded delivery {last.delivery_id}; --full loads it all the same"
        return PlannedBill(delivery, Action.OLDER, reason)
    return PlannedBill(
        delivery,
        Action.RESTATED,
        f"replaces delivery {last.delivery_id}",
        warning=_fallback(delivery, last),
    )


def _fallback(delivery: Delivery, last: OutcomeRow) -> str:
    """A part the loaded bill was made of and that is not there any more: not without a word."""
    gone = sorted(parts_in_id(last.delivery_id) - {part.name for part in delivery.parts})
    if not gone:
        return ""
    return f"its {' and '.join(gone)} part is not there any more; it is loaded without"


def _plan_known(delivery: Delivery, last: OutcomeRow, rules: str) -> PlannedBill:
    if last.outcome == "published":
        return PlannedBill(delivery, Action.UNCHANGED, "published")
    if last.outcome in ("rolled_back", "withdrawn"):
        # Somebody did not want it: other rules are no reason to bring it back.
        return PlannedBill(delivery, Action.HELD, last.reason)
    if last.rules != rules:
        return PlannedBill(delivery, Action.RETRIED, "models or checks changed since it was held")
    return PlannedBill(delivery, Action.HELD, last.reason)
