"""Row checks as data: from checks.toml, and made from the specification's column lists."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from finops_stack.findings import Check
from finops_stack.focus import (
    Column,
    canonical_columns,
    canonical_expression,
    columns,
    service_categories,
)
from finops_stack.warehouse.sql import quote_text

# Older versions ask for fewer columns, of which none is missing in these.
_REQUIRED_IN = ("1.2", "1.3", "1.4")
# costs-not-null asks for the four costs in one check. A row without BillingPeriodStart belongs to
# no bill, so a check of bills cannot see it; reconciliation finds it lacking.
_ASKED_ELSEWHERE = frozenset(
    {"BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingPeriodStart"}
)


@dataclass(frozen=True)
class RowCheck(Check):
    """A check that each row passes or fails by itself. `applies` and `fails` are SQL over the
    canonical FOCUS columns; `show` are columns of a sample row.
    """

    fails: str
    applies: str = ""
    show: tuple[str, ...] = ()

    @property
    def predicate(self) -> str:
        """SQL, true for a failing row; false or NULL for any other."""
        fails = f"({self.fails.strip()})"
        return f"({self.applies.strip()}) and {fails}" if self.applies else fails


@cache
def row_checks() -> tuple[RowCheck, ...]:
    """Every conformance check there is; ids are unique."""
    text = files("finops_stack.conformance").joinpath("checks.toml").read_text(encoding="utf-8")
    return (*parse_checks(tomllib.loads(text)), *specified_checks())


def parse_checks(data: Mapping[str, Any]) -> tuple[RowCheck, ...]:
    """Checks of a parsed checks.toml; `each` makes one check per column of its list."""
    return tuple(check for entry in data["checks"] for check in _expand(entry))


def specified_checks() -> tuple[RowCheck, ...]:
    """Checks made from columns.csv and service_categories.csv."""
    canonical = canonical_columns()
    return (
        *(_required(name) for name in _required_names()),
        *(_allowed(column) for column in canonical if _has_own_values(column)),
        _subcategory_of_category(),
        *(_not_negative(column) for column in canonical if column.numeric_range == ">=0"),
    )


def _expand(entry: Mapping[str, Any]) -> Iterator[RowCheck]:
    for column in entry.get("each", [""]):
        shown = ([column] if column else []) + list(entry.get("show", []))
        yield RowCheck(
            id=entry["id"].replace("{column}", column),
            what=entry["what"].replace("{column}", column),
            severity=entry["severity"],
            fails=entry["fails"].replace("{column}", column),
            applies=entry.get("applies", "").replace("{column}", column),
            show=tuple(shown),
        )


def _required_names() -> list[str]:
    names = {c.name: None for version in _REQUIRED_IN for c in columns(version) if c.required}
    # A column that a version's view fills from its successor is never missing in that version.
    return [
        name
        for name in names
        if name not in _ASKED_ELSEWHERE and canonical_expression(name) == name
    ]


def _required(name: str) -> RowCheck:
    return RowCheck(
        id=f"required-{name}",
        what=f"{name} has a value",
        severity="gate",
        fails=f"{name} is null",
        show=(name, "ChargeCategory", "ServiceName"),
    )


def _has_own_values(column: Column) -> bool:
    # A subcategory's values depend on the category: _subcategory_of_category.
    return bool(column.allowed_values) and column.name != "ServiceSubcategory"


def _allowed(column: Column) -> RowCheck:
    words = ", ".join(column.allowed_values)
    return RowCheck(
        id=f"allowed-{column.name}",
        what=f"{column.name} is one of: {words}",
        severity="gate",
        fails=f"{column.name} not in ({_texts(column.allowed_values)})",
        show=(column.name,),
    )


def _subcategory_of_category() -> RowCheck:
    pairs: dict[str, list[str]] = {}
    for category, subcategory in service_categories():
        pairs.setdefault(category, []).append(subcategory)
    branches = " ".join(
        f"when {_texts([category])} then ServiceSubcategory not in ({_texts(subcategories)})"
        for category, subcategories in pairs.items()
    )
    return RowCheck(
        id="allowed-ServiceSubcategory",
        what="ServiceSubcategory is one of its ServiceCategory's",
        severity="gate",
        fails=f"case ServiceCategory {branches} else false end",
        show=("ServiceCategory", "ServiceSubcategory", "ServiceName"),
    )


def _not_negative(column: Column) -> RowCheck:
    return RowCheck(
        id=f"not-negative-{column.name}",
        what=f"{column.name} is not negative (a refund is a negative quantity or cost)",
        severity="gate",
        fails=f"{column.name} < 0",
        show=(column.name, "PricingQuantity", "ChargeCategory"),
    )


def _texts(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join(quote_text(value) for value in values)
