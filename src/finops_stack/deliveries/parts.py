"""Bills delivered in parts, each by an export of its own; and exports that must not be mixed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from finops_stack.deliveries.delivery import Delivery, joined_id
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout


def require_one_export(deliveries: Iterable[Delivery]) -> None:
    """Two exports of one kind and month would be one bill, and the newest would hide the other."""
    exports: dict[tuple[BillingPeriod, str], set[str]] = defaultdict(set)
    for delivery in deliveries:
        exports[delivery.period, delivery.part].add(delivery.export)
    for (period, _), names in sorted(exports.items()):
        if len(names) > 1:
            shown = ", ".join(sorted(name or "the folder itself" for name in names))
            raise InputError(
                f"two exports of the same kind ({shown}) lie in this source, both of {period}",
                hint="add one source per export, pointing at its folder",
            )


def newest_first(many: Iterable[Delivery]) -> list[Delivery]:
    """The pointer (order '') first, then by version text; a broken pointer stands first too, so
    that it is reported, and the newest readable version behind it is taken."""
    return sorted(many, key=lambda d: (d.order == "", d.order), reverse=True)


def bill_of_parts(layout: Layout, many: Sequence[Delivery]) -> list[Delivery]:
    """A month's deliveries, newest first: those that wait, then the bill of the best whole set.

    A delivery of a part that no better set asks for is left out.
    """
    by_part: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in newest_first(many):
        by_part[delivery.part].append(delivery)
    chosen = {
        part: next(d for d in found if d.complete)
        for part, found in by_part.items()
        if any(d.complete for d in found)
    }
    best = next((parts for parts in layout.bills if all(p in chosen for p in parts)), None)
    wanted = _wanted(layout, best)
    waiting = [
        delivery
        for part, found in by_part.items()
        if part in wanted or not part
        for delivery in _newer(found)
    ]
    if best is not None:
        return [*waiting, _joined([chosen[part] for part in best])]
    return waiting or [_lacking(layout, chosen)]


def _wanted(layout: Layout, best: tuple[str, ...] | None) -> set[str]:
    """Parts of the set that makes the bill and of those that would have been better."""
    sets = layout.bills if best is None else layout.bills[: layout.bills.index(best) + 1]
    return {part for parts in sets for part in parts}


def _newer(found: Sequence[Delivery]) -> list[Delivery]:
    """Those before the first complete one; all of them when none is."""
    newer = []
    for delivery in found:
        if delivery.complete:
            break
        newer.append(delivery)
    return newer


def _joined(parts: Sequence[Delivery]) -> Delivery:
    """One delivery with the files of all its parts, which must cover the same."""
    if len(parts) == 1:
        return parts[0]
    scopes = {part.scope for part in parts} - {""}
    if len(scopes) > 1:
        shown = ", ".join(f"{each.part} of {each.scope}" for each in parts)
        return replace(
            max(parts, key=lambda d: d.delivered_at),
            problem=f"its parts cover different things ({shown}): give each a source of its own,"
            " with both its exports",
        )
    told = [part for delivery in parts for part in delivery.parts]
    return replace(
        parts[0],
        delivery_id=joined_id(told),
        manifest=", ".join(delivery.manifest for delivery in parts if delivery.manifest),
        manifest_version=" ".join(delivery.manifest_version for delivery in parts),
        delivered_at=max(delivery.delivered_at for delivery in parts),
        files=tuple(item for delivery in parts for item in delivery.files),
        export=", ".join(delivery.export for delivery in parts),
        parts=tuple(told),
    )


def _lacking(layout: Layout, chosen: Mapping[str, Delivery]) -> Delivery:
    """Complete parts that make no bill: the one delivered last says what it waits for."""
    there = max(chosen.values(), key=lambda d: d.delivered_at)
    needed = " or ".join(" + ".join(parts) for parts in layout.bills)
    return replace(
        there, problem=f"only its part {' and '.join(sorted(chosen))} is there, of {needed}"
    )
