"""One manifest → one delivery; whatever is wrong with it becomes its `problem`."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from finops_stack.deliveries.delivery import Delivery, Part
from finops_stack.deliveries.storage.base import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout

# 20261003T041512Z, 2026-10-03T04:15:12.123Z and the like at the start of a version folder's name
_STAMP = re.compile(r"^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})")
# control characters, and surrogates (half a character)
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# How a listed file may call its name.
_NAMES = ("path", "uri", "blobName", "name", "key")


def read_manifest(
    source: str,
    vendor: str,
    layout: Layout,
    match: re.Match[str],
    item: ObjectInfo,
    *,
    storage: Storage,
    files: dict[str, ObjectInfo],
) -> Delivery | None:
    """The delivery of a manifest; None when it is of a part that no bill of the layout has.

    Raises: InputError when its month cannot be told.
    """
    groups = {key: value for key, value in match.groupdict().items() if value}
    content: dict[str, Any] = {}
    problem = ""
    try:
        content = _json(storage.read(item.key), item.key)
    except InputError as error:
        problem = error.message
    part = _part(layout, groups, content)
    if part is None and not problem:
        return None
    delivery = Delivery(
        source=source,
        vendor=vendor,
        period=_period(layout, groups, content, item.key, problem),
        delivery_id=groups.get("version", ""),
        layout=layout.name,
        manifest=item.key,
        manifest_version=item.version,
        delivered_at=item.modified.astimezone(UTC).replace(tzinfo=None),
        files=(),
        problem=problem,
        order=groups.get(layout.order, "") if layout.order_is_group else "",
        export=_export(match),
        scope=layout.scope_of(_first_text(content, layout.scope)),
        parts=(Part(part or "", "", ()),),
    )
    if problem:
        return delivery
    try:
        return _filled(delivery, layout, content, storage=storage, files=files)
    except InputError as error:
        return replace(delivery, problem=error.message)


def stamp(text: str) -> datetime | None:
    """The moment a version or an id begins with, if it does."""
    found = _STAMP.match(text)
    if not found:
        return None
    try:
        return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def period_of(groups: dict[str, str], name: str) -> BillingPeriod:
    """The month the named groups tell: period (2026-09, 202609), start (20260901), year, month."""
    try:
        if "period" in groups:
            return BillingPeriod.parse(_dashed(groups["period"]))
        if "start" in groups:
            return BillingPeriod.parse(_dashed(groups["start"]))
        return BillingPeriod(int(groups["year"]), int(groups["month"]))
    except (InputError, ValueError) as error:
        why = error.message if isinstance(error, InputError) else "its name tells no month"
        hint = "move it out of the source, or rename it"
        raise InputError(f"{name}: {why}", hint=hint) from error


def _dashed(text: str) -> str:
    """'202609', '20260901', '2026-09-01T00:00:00', '2026/09' → '2026-09'."""
    found = re.match(r"(\d{4})[-/_.]?(\d{2})", text.strip())
    return f"{found[1]}-{found[2]}" if found else text


def _period(
    layout: Layout, groups: dict[str, str], content: dict[str, Any], name: str, problem: str
) -> BillingPeriod:
    """From the key where it tells the month, else from the content."""
    if groups.keys() & {"period", "start", "year"}:
        return period_of(groups, f"manifest {name}")
    told = _first_text(content, layout.period)
    if not told:
        raise InputError(
            problem or f"manifest {name} has no {' or '.join(layout.period)}",
            hint="move it out of the source, or have it delivered again",
        )
    return period_of({"period": told}, f"manifest {name}")


def _export(match: re.Match[str]) -> str:
    """What of the key is the export's own: the folders before the pattern, and the group export."""
    name = match.groupdict().get("export") or ""
    before = match.string[: match.start()].strip("/")
    return f"{before}/{name}" if before and name else before or name


def _part(layout: Layout, groups: dict[str, str], content: dict[str, Any]) -> str | None:
    """The part's name; '' for a layout without parts, None for one that no bill has."""
    if not layout.bills:
        return ""
    part = layout.part_of(groups.get("part", "") or _first_text(content, layout.part))
    known = {name for parts in layout.bills for name in parts}
    return part if part in known else None


def _filled(
    delivery: Delivery,
    layout: Layout,
    content: dict[str, Any],
    *,
    storage: Storage,
    files: dict[str, ObjectInfo],
) -> Delivery:
    name = delivery.manifest
    listed = _listed(content, layout, name)
    keys = [_key(text, storage, name) for text, _ in listed]
    found = [_resolve(key, files) for key in keys]
    _require_once(found, name)
    _require_sizes([size for _, size in listed], found, name)
    named = _require_text(_first_text(content, layout.delivery_id), name)
    order = delivery.order if layout.order_is_group else _require_order(content, layout, name)
    delivery_id = named or delivery.delivery_id or delivery.manifest_version
    there = tuple(f for f in found if f is not None)
    rows = _rows(content, layout, name)
    part = Part(delivery.part, delivery_id, tuple(item.key for item in there), rows)
    return replace(
        delivery,
        delivery_id=delivery_id,
        delivered_at=stamp(order) or stamp(delivery_id) or delivery.delivered_at,
        files=there,
        missing=tuple(k for k, f in zip(keys, found, strict=True) if f is None),
        order=order,
        parts=(part,),
    )


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"manifest {name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"manifest {name} is not a JSON object")
    return value


def value_at(content: dict[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    value: Any = content
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _listed(content: dict[str, Any], layout: Layout, name: str) -> list[tuple[str, int | None]]:
    """The file names a manifest lists, whatever way it writes them, and sizes to compare."""
    key = next((path for path in layout.files if _is_there(content, path)), None)
    if key is None:
        raise InputError(f"manifest {name} has no {' or '.join(layout.files)}")
    entries = value_at(content, key)
    if entries is None and layout.empty_ok:
        entries = []
    if not isinstance(entries, list):
        raise InputError(f"manifest {name}: {key} is not a list")
    if not entries and not layout.empty_ok:
        raise InputError(f"manifest {name} lists no files")
    listed = [(_name_of(entry), _size_of(entry, layout.size)) for entry in entries]
    if not all(text for text, _ in listed):
        raise InputError(f"manifest {name}: {key} holds something that is no file name")
    return [(_require_text(text, name), size) for text, size in listed]


def _is_there(content: dict[str, Any], path: str) -> bool:
    parent, _, key = path.rpartition(".")
    holder = value_at(content, parent) if parent else content
    return isinstance(holder, dict) and key in holder


def _name_of(entry: object) -> str:
    """A listed file's name; a documented sample of one provider has blanks before it."""
    if isinstance(entry, dict):
        entry = next((entry[key] for key in _NAMES if entry.get(key)), None)
    return entry.strip(" ") if isinstance(entry, str) else ""


def _size_of(entry: object, key: str) -> int | None:
    size = entry.get(key) if isinstance(entry, dict) and key else None
    return size if isinstance(size, int) else None


def _require_text(text: str, name: str) -> str:
    """An id or file name goes into messages and SQL: no NUL, no line end, no half character."""
    if _NO_TEXT.search(text):
        raise InputError(f"manifest {name} holds control characters in {text[:80]!a}")
    return text


def _require_once(found: Sequence[ObjectInfo | None], name: str) -> None:
    """A file listed twice would be billed twice, and no sum would show it."""
    counts = Counter(item.key for item in found if item is not None)
    for key, count in counts.items():
        if count > 1:
            raise InputError(f"manifest {name} names {key} twice")


def _require_sizes(
    sizes: Sequence[int | None], found: Sequence[ObjectInfo | None], name: str
) -> None:
    """A file of another size is not (yet) the one the manifest means."""
    for size, item in zip(sizes, found, strict=True):
        if item is not None and size is not None and size != item.size_bytes:
            raise InputError(f"{item.key} has {item.size_bytes} bytes; manifest {name} says {size}")


def _require_order(content: dict[str, Any], layout: Layout, name: str) -> str:
    order = _first_text(content, (layout.order,))
    if not order:
        raise InputError(f"manifest {name} has no {layout.order}")
    return _require_text(order, name)


def _rows(content: dict[str, Any], layout: Layout, name: str) -> int | None:
    text = _first_text(content, layout.rows)
    if text and not text.isdigit():
        raise InputError(f"manifest {name}: {text[:40]!a} is no number of rows")
    return int(text) if text else None


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


def _first_text(content: dict[str, Any], paths: Sequence[str]) -> str:
    values = (value_at(content, path) for path in paths)
    return next((str(v) for v in values if isinstance(v, str | int | float) and v != ""), "")
