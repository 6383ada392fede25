"""Is a mapping whole? Every expression parses, every column it names or fills exists."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.focus.spec import LINEAGE, canonical_columns
from finops_stack.vendors.expressions import parse_expression
from finops_stack.vendors.mapping import Rule, Spread

if TYPE_CHECKING:
    from finops_stack.vendors.manifest import Form, Vendor

# What bill_rows gives beside the declared columns: docs/vendor-folders.md.
BILL_COLUMNS = (
    "x_SourceFile",
    "x_SourceRow",
    "delivery_part",
    "delivery_period_start",
    "delivery_period_end",
    "delivered_at",
)
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
# A bill's period is its delivery's; where a row came from is not for a mapping to say.
_NOT_MAPPED = {column.name for column in LINEAGE} | {"BillingPeriodStart", "BillingPeriodEnd"}
_NEEDED = ("BilledCost", "BillingAccountId", "BillingCurrency", "ServiceName")


def expression_columns(vendor: "Vendor", form: "Form") -> dict[str, dict[str, str]]:
    """What expressions of a form may name: '' for the row, and each look-up's own columns."""
    row = {name.lower(): name for name in (*form.row_columns(), *BILL_COLUMNS)}
    if form.base == "focus":
        row["focus_version"] = "focus_version"
    found = {"": row}
    for lookup in form.lookups:
        header = lookup_header(vendor, lookup.file)
        found[lookup.alias] = {name.lower(): name for name in header}
    return found


def lookup_header(vendor: "Vendor", file: str) -> list[str]:
    """Column names of a vocabulary file. Raises ValueError when it is not there."""
    text = vendor.vocabulary().get(f"{file}.csv")
    if text is None:
        known = ", ".join(sorted(vendor.vocabulary())) or "none"
        raise ValueError(f"vocabulary/{file}.csv is not there; files there: {known}")
    return next(csv.reader(io.StringIO(text)), [])


def require_mapping(vendor: "Vendor", form: "Form") -> None:
    """Raises InputError naming the key of vendor.toml and what is allowed there."""
    place = f'{vendor.folder / "vendor.toml"}: form "{form.name}"'
    try:
        columns = expression_columns(vendor, form)
        _require_lookups(form, columns)
    except ValueError as error:
        raise InputError(f"{place}: lookups: {error}", hint="mend the look-up") from error
    for key, text in expressions(form):
        alone = key.startswith(("lookups.", "refuse."))
        known = {"": columns[""]} if alone else columns
        try:
            parse_expression(text, known)
        except ValueError as error:
            raise InputError(f"{place}: {key}: {error}", hint=f"mend {key}") from error
        if any(mark in text for mark in ("{{", "{%", "{#")):
            raise InputError(f"{place}: {key}: no braces like {{{{ here", hint=f"mend {key}")
    _require_targets(vendor, form, place)
    _require_needed(form, place)


def expressions(form: "Form") -> Iterator[tuple[str, str]]:
    """Key in vendor.toml, expression: all of a form."""
    yield from ((f"mapping.{name}", text) for name, text in form.mapping.items())
    for number, lookup in enumerate(form.lookups, 1):
        yield from ((f"lookups.{number}.on.{name}", text) for name, text in lookup.on.items())
        if lookup.at:
            yield f"lookups.{number}.at", lookup.at
    parts: tuple[Rule | Spread, ...] = (*form.rules, *form.spread)
    for number, rule in enumerate(parts, 1):
        yield f"rules.{number}.when", rule.when
        yield from ((f"rules.{number}.set.{name}", text) for name, text in rule.set.items())
    yield from ((f"leave_out.{left.rule}", left.when) for left in form.leave_out)
    yield from ((f"refuse.{n}.when", refuse.when) for n, refuse in enumerate(form.refuse, 1))
    if form.total:
        yield "total.account", form.total.account
        yield "total.currency", form.total.currency
        yield "total.billed", form.total.billed


def _require_lookups(form: "Form", columns: Mapping[str, Mapping[str, str]]) -> None:
    for lookup in form.lookups:
        if lookup.alias == "source":
            raise ValueError('a look-up cannot be called "source"')
        there = columns[lookup.alias]
        wanted = [*lookup.on, *lookup.give.values()]
        wanted += ["valid_from", "valid_to"] if lookup.at else []
        for name in wanted:
            if name.lower() not in there:
                known = ", ".join(there.values())
                raise ValueError(f'{lookup.file}.csv has no column "{name}"; it has: {known}')


def _require_targets(vendor: "Vendor", form: "Form", place: str) -> None:
    known = {c.name for c in canonical_columns()} - _NOT_MAPPED | set(vendor.x_columns)
    targets = list(form.mapping)
    parts: tuple[Rule | Spread, ...] = (*form.rules, *form.spread)
    for part in parts:
        targets += part.set
    for lookup in form.lookups:
        targets += lookup.give
    for name in targets:
        if name not in known:
            raise InputError(
                f'{place}: "{name}" is no column that can be filled',
                hint="a FOCUS column in its own spelling, or one under [x_columns]",
            )


def _require_needed(form: "Form", place: str) -> None:
    if form.base:
        return
    filled = set(form.mapping) | {name for lookup in form.lookups for name in lookup.give}
    needed = [*_NEEDED] if form.one_cost else [*_NEEDED, *COSTS[1:]]
    missing = [name for name in needed if name not in filled]
    if missing:
        raise InputError(
            f"{place}: mapping does not say {', '.join(missing)}",
            hint="add it under [forms.mapping]"
            + ("; a bill with one cost says one_cost = true" if missing[0] in COSTS else ""),
        )
    if form.total is None:
        raise InputError(
            f"{place}: it has no [forms.total]",
            hint="say account, currency and billed: the bill's own total, apart from the mapping",
        )
