"""Manifests → deliveries: for each month the newest complete one, and what is wrong with others.

Which delivery is newest is decided by manifests and ids, never by file times (copies change them).
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from finops_stack.deliveries.delivery import Delivery
from finops_stack.deliveries.storage.base import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.manifest import Layout, Vendor

# 20261003T041512Z, 2026-10-03T04:15:12.123Z and the like at the start of a version folder's name
_STAMP = re.compile(r"^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})")
# control characters, and surrogates (half a character)
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Found:
    """What lies in a source: the choice per month, and every delivery seen."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        self.deliveries = tuple(deliveries)
        by_month: dict[BillingPeriod, list[Delivery]] = defaultdict(list)
        for delivery in self.deliveries:
            by_month[delivery.period].append(delivery)
        self.by_month = {month: _newest_first(many) for month, many in sorted(by_month.items())}

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


def discover(source: str, vendor: Vendor, storage: Storage) -> Found:
    """List a source, read its manifests. Raises InputError when no manifest is recognised."""
    listing = storage.list()
    files = {item.key: item for item in listing}
    deliveries = []
    for item in listing:
        for layout in vendor.layouts:
            if match := layout.pattern.search(item.key):
                deliveries.append(
                    _read(source, vendor, layout, match, item, storage=storage, files=files)
                )
                break
    if not deliveries:
        raise _nothing(vendor, listing)
    return Found(_merge_pointers(deliveries))


def _read(
    source: str,
    vendor: Vendor,
    layout: Layout,
    match: re.Match[str],
    item: ObjectInfo,
    *,
    storage: Storage,
    files: dict[str, ObjectInfo],
) -> Delivery:
    """One manifest → one delivery; whatever is wrong with it becomes its `problem`."""
    groups = {key: value for key, value in match.groupdict().items() if value}
    period = _period(groups, item.key)
    delivery = Delivery(
        source=source,
        vendor=vendor.name,
        period=period,
        delivery_id=groups.get("version", ""),
        layout=layout.name,
        manifest=item.key,
        manifest_version=item.version,
        delivered_at=item.modified.astimezone(UTC).replace(tzinfo=None),
        files=(),
        order=groups.get(layout.order, ""),
    )
    try:
        content = _json(storage.read(item.key), item.key)
        listed = _listed(content, layout, item.key)
        keys = [_key(text, storage, item.key) for text in listed]
        found = [_resolve(key, files) for key in keys]
        _require_once(found, item.key)
        named = _require_text(_first_text(content, layout.delivery_id), item.key)
    except InputError as error:
        return replace(delivery, problem=error.message)
    delivery_id = named or delivery.delivery_id or item.version
    return replace(
        delivery,
        delivery_id=delivery_id,
        delivered_at=_stamp(delivery.order) or _stamp(delivery_id) or delivery.delivered_at,
        files=tuple(f for f in found if f is not None),
        missing=tuple(k for k, f in zip(keys, found, strict=True) if f is None),
    )


def _period(groups: dict[str, str], name: str) -> BillingPeriod:
    try:
        if "period" in groups:
            return BillingPeriod.parse(groups["period"])
        if "start" in groups:
            return BillingPeriod(int(groups["start"][:4]), int(groups["start"][4:6]))
        return BillingPeriod(int(groups["year"]), int(groups["month"]))
    except InputError as error:
        raise InputError(
            f"manifest {name}: {error.message}", hint="move it out of the source, or rename it"
        ) from error


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"manifest {name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"manifest {name} is not a JSON object")
    return value


def _listed(content: dict[str, Any], layout: Layout, name: str) -> list[str]:
    """The file names a manifest lists, whatever way it writes them."""
    for key in layout.files:
        if key in content:
            break
    else:
        raise InputError(f"manifest {name} has no {' or '.join(layout.files)}")
    if not isinstance(content[key], list):
        raise InputError(f"manifest {name}: {key} is not a list")
    if not content[key]:
        raise InputError(f"manifest {name} lists no files")
    texts = [
        entry if isinstance(entry, str) else entry.get("path") or entry.get("uri")
        for entry in content[key]
        if isinstance(entry, str | dict)
    ]
    if len(texts) != len(content[key]) or not all(t and isinstance(t, str) for t in texts):
        raise InputError(f"manifest {name}: {key} holds something that is no file name")
    return [_require_text(str(text), name) for text in texts]


def _require_text(text: str, name: str) -> str:
    """An id or file name goes into messages and SQL: no NUL, no line end, no half character."""
    if _NO_TEXT.search(text):
        raise InputError(f"manifest {name} holds control characters in {text[:80]!a}")
    return text


def _require_once(found: list[ObjectInfo | None], name: str) -> None:
    """A file listed twice would be billed twice, and no sum would show it."""
    counts = Counter(item.key for item in found if item is not None)
    for key, count in counts.items():
        if count > 1:
            raise InputError(f"manifest {name} names {key} twice")


def _key(text: str, storage: Storage, manifest: str) -> str:
    """A listed file as a key; refuses another bucket and a path that climbs."""
    key = text
    if "://" in text:
        bucket, _, key = text.split("://", 1)[1].partition("/")
        if storage.bucket is not None and bucket != storage.bucket:
            raise InputError(f"manifest {manifest} names a file in another bucket: {text}")
    if "\\" in key or any(part in ("..", ".") for part in key.split("/")):
        raise InputError(f"manifest {manifest} names a file outside its place: {text}")
    return key.removeprefix(storage.prefix) if storage.prefix else key


def _resolve(key: str, files: dict[str, ObjectInfo]) -> ObjectInfo | None:
    """The listed object of a key; a folder copied from a bucket may start further down the key.

    At least the file and its folder must agree, so that no other month's file can stand in.
    """
    parts = key.split("/")
    for skip in range(max(1, len(parts) - 1)):
        found = files.get("/".join(parts[skip:]))
        if found is not None:
            return found
    return None


def _first_text(content: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(content[key]) for key in keys if content.get(key)), "")


def _stamp(text: str) -> datetime | None:
    found = _STAMP.match(text)
    if not found:
        return None
    try:
        return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def _merge_pointers(deliveries: list[Delivery]) -> list[Delivery]:
    """A month's pointer manifest repeats one of the versioned ones: keep one, marked newest."""
    kept: dict[tuple[BillingPeriod, str], Delivery] = {}
    for delivery in deliveries:
        key = (delivery.period, delivery.delivery_id)
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


def _newest_first(many: list[Delivery]) -> list[Delivery]:
    """The pointer (order '') first, then by version text; a broken pointer stands first too, so
    that it is reported, and the newest readable version behind it is taken."""
    return sorted(many, key=lambda d: (d.order == "", d.order), reverse=True)


def _nothing(vendor: Vendor, listing: list[ObjectInfo]) -> InputError:
    expected = "; ".join(layout.title for layout in vendor.layouts)
    shown = (item.key.encode("utf-8", "backslashreplace").decode() for item in listing[:3])
    seen = ", ".join(shown) or "nothing at all"
    return InputError(
        f"no delivery of {vendor.name} is recognised here: no manifest among "
        f"{len(listing)} files ({seen}{', …' if len(listing) > 3 else ''})",
        hint=f"point at the folder above the manifests; expected layouts: {expected}",
    )
