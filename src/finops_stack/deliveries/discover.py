"""What lies in a source → deliveries: for each month the newest complete one, and what waits.

Which delivery is newest is decided by manifests and ids, never by file times (copies change them).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from finops_stack.deliveries.data_files import MonthsOfFiles, read_data_files
from finops_stack.deliveries.delivery import Delivery
from finops_stack.deliveries.manifests import read_manifest
from finops_stack.deliveries.parts import bill_of_parts, newest_first, require_one_export
from finops_stack.deliveries.storage.base import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout
from finops_stack.vendors.manifest import Vendor


class Found:
    """What lies in a source: the choice per month, and every delivery seen."""

    def __init__(self, deliveries: Iterable[Delivery], layouts: Sequence[Layout] = ()) -> None:
        self.deliveries = tuple(deliveries)
        in_parts = {layout.name: layout for layout in layouts if layout.bills}
        by_month: dict[BillingPeriod, list[Delivery]] = defaultdict(list)
        for delivery in self.deliveries:
            by_month[delivery.period].append(delivery)
        self.by_month = {
            month: _of_month(many, in_parts) for month, many in sorted(by_month.items())
        }

    def chosen(self) -> dict[BillingPeriod, Delivery]:
        """Month → its newest complete delivery; a month with none is left out."""
        return {
            month: next(d for d in many if d.complete)
            for month, many in self.by_month.items()
            if any(d.complete for d in many)
        }

    def waiting(self) -> list[Delivery]:
        """Deliveries newer than the chosen one that cannot be loaded (yet)."""
        found = []
        for many in self.by_month.values():
            for delivery in many:
                if delivery.complete:
                    break
                found.append(delivery)
        return found


def discover(
    source: str, vendor: Vendor, storage: Storage, months: MonthsOfFiles | None = None
) -> Found:
    """List a source, read its manifests, or recognise its data files where it has no manifest.

    months: reads files of which only the rows tell to which months' bills they belong.
    Raises: InputError when nothing is recognised, or what is there cannot be one bill a month.
    """
    listing = storage.list()
    by_manifest = [layout for layout in vendor.layouts if layout.manifest]
    seen, deliveries = _read_manifests(source, vendor.name, by_manifest, listing, storage)
    # Where manifests say what a delivery is, a file that none names is a leftover, or not yet one.
    if not seen:
        by_name = [layout for layout in vendor.layouts if layout.data_files]
        deliveries = read_data_files(source, vendor.name, by_name, listing, months=months)
    if not deliveries:
        raise _nothing(vendor, listing, seen)
    require_one_export(deliveries)
    return Found(_merge_pointers(deliveries), vendor.layouts)


def _read_manifests(
    source: str,
    vendor: str,
    layouts: Sequence[Layout],
    listing: Sequence[ObjectInfo],
    storage: Storage,
) -> tuple[int, list[Delivery]]:
    """How many manifests there are, and the deliveries of those that are part of a bill."""
    files = {item.key: item for item in listing}
    seen, deliveries = 0, []
    for item in listing:
        for layout in layouts:
            if match := layout.pattern.search(item.key):
                seen += 1
                found = read_manifest(
                    source, vendor, layout, match, item, storage=storage, files=files
                )
                deliveries += [found] if found else []
                break
    return seen, deliveries


def _of_month(many: Sequence[Delivery], in_parts: dict[str, Layout]) -> list[Delivery]:
    """Newest first; where bills come in parts, these put together."""
    layout = in_parts.get(many[0].layout)
    return bill_of_parts(layout, many) if layout else newest_first(many)


def _merge_pointers(deliveries: list[Delivery]) -> list[Delivery]:
    """A month's pointer manifest repeats one of the versioned ones: keep one, marked newest."""
    kept: dict[tuple[BillingPeriod, str, str], Delivery] = {}
    for delivery in deliveries:
        key = (delivery.period, delivery.part, delivery.delivery_id)
        twin = kept.get(key)
        if twin is None or (twin.order and not delivery.order):
            kept[key] = delivery if twin is None else _pointing(delivery, twin)
        elif not twin.order and delivery.order:
            kept[key] = _pointing(twin, delivery)
    return list(kept.values())


def _pointing(pointer: Delivery, versioned: Delivery) -> Delivery:
    """The versioned delivery, ordered as the pointer; an unreadable pointer never wins."""
    if pointer.problem:
        return versioned
    return replace(versioned, order="")


def _nothing(vendor: Vendor, listing: list[ObjectInfo], seen: int) -> InputError:
    expected = "; ".join(layout.title for layout in vendor.layouts)
    if seen:
        return InputError(
            f"{seen} manifests of {vendor.name} lie here, none of a bill",
            hint=f"set up an export of costs; expected: {expected}",
        )
    kinds = {"manifest" if layout.manifest else "bill" for layout in vendor.layouts}
    shown = (item.key.encode("utf-8", "backslashreplace").decode() for item in listing[:3])
    names = ", ".join(shown) or "nothing at all"
    return InputError(
        f"no delivery of {vendor.name} is recognised here: no {' or '.join(sorted(kinds))} among "
        f"{len(listing)} files ({names}{', …' if len(listing) > 3 else ''})",
        hint=f"point at the folder above the deliveries; expected layouts: {expected}",
    )
