"""Deliveries without a manifest: all data files of a month, by their names or their rows."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from typing import Protocol

from finops_stack.deliveries.delivery import Delivery, Part
from finops_stack.deliveries.manifests import period_of, stamp
from finops_stack.deliveries.storage.base import ObjectInfo
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout


class MonthsOfFiles(Protocol):
    """Reads in which months' bills the rows of files are."""

    def __call__(
        self, layout: Layout, items: Sequence[ObjectInfo]
    ) -> Mapping[str, Collection[BillingPeriod]]:
        """Key of a file → its months. Raises InputError for a file that cannot be read."""


# What tells deliveries of one layout apart: month, export, part, version.
_Group = tuple[BillingPeriod, str, str, str]


def read_data_files(
    source: str,
    vendor: str,
    layouts: Sequence[Layout],
    listing: Sequence[ObjectInfo],
    *,
    months: MonthsOfFiles | None,
) -> list[Delivery]:
    """Every delivery of the layouts that know no manifest; a file is of the first that matches."""
    matched: dict[str, list[tuple[ObjectInfo, re.Match[str]]]] = defaultdict(list)
    for item in listing:
        for layout in layouts:
            if match := layout.pattern.search(item.key):
                matched[layout.name].append((item, match))
                break
    deliveries = []
    for layout in layouts:
        groups = _grouped(layout, matched[layout.name], months)
        deliveries += [_delivery(source, vendor, layout, g, files) for g, files in groups.items()]
    return deliveries


def _grouped(
    layout: Layout,
    matched: Sequence[tuple[ObjectInfo, re.Match[str]]],
    months: MonthsOfFiles | None,
) -> dict[_Group, list[ObjectInfo]]:
    """Files by delivery; one whose rows tell the month may be in several."""
    by_key: Mapping[str, Collection[BillingPeriod]] = {}
    if layout.period_column and matched:
        if months is None:
            raise InputError(
                f'files of layout "{layout.name}" have to be read to tell their months',
                hint="run finops plan",
            )
        by_key = months(layout, [item for item, _ in matched])
    groups: dict[_Group, list[ObjectInfo]] = defaultdict(list)
    for item, match in matched:
        words = {key: value for key, value in match.groupdict().items() if value}
        part = _part(layout, words)
        if part is None:
            continue
        told = by_key[item.key] if layout.period_column else [period_of(words, item.key)]
        for period in told:
            group = (period, words.get("export", ""), part, words.get("version", ""))
            groups[group].append(item)
    return dict(groups)


def _part(layout: Layout, words: Mapping[str, str]) -> str | None:
    if not layout.bills:
        return ""
    part = layout.part_of(words.get("part", ""))
    return part if any(part in parts for parts in layout.bills) else None


def _delivery(
    source: str, vendor: str, layout: Layout, group: _Group, files: Sequence[ObjectInfo]
) -> Delivery:
    period, export, part, version = group
    there = tuple(sorted(files, key=lambda item: item.key))
    told = "\n".join(f"{item.key}\x00{item.version}" for item in there)
    delivery_id = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    newest = max(item.modified for item in there).astimezone(UTC).replace(tzinfo=None)
    return Delivery(
        source=source,
        vendor=vendor,
        period=period,
        delivery_id=delivery_id,
        layout=layout.name,
        manifest="",
        manifest_version="",
        delivered_at=stamp(version) or newest,
        files=there,
        order=version,
        export=f"{layout.name} {export}".strip(),
        parts=(Part(part, delivery_id, tuple(item.key for item in there)),),
    )
