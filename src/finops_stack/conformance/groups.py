"""Rules about groups of rows: a price has one SKU, an invoice line is one record."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.conformance.predicates import holds
from finops_stack.conformance.scope import Scope
from finops_stack.focus.rules import Rule
from finops_stack.warehouse.sql import quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Identifiers and names are a provider's own: two providers may use the same.
_PROVIDERS = ("ServiceProviderName", "ProviderName")
# "ContractApplied.Elements[].ContractId", or the same as two arguments: column and JSON path.
_ELEMENTS = (".Elements[].", "$.Elements[*].")


@dataclass(frozen=True)
class Groups:
    """Rows grouped by `keys` (name → SQL); a group for which `broken` holds breaks the rule.

    elements: the JSON column whose elements are grouped, in place of the rows.
    """

    keys: dict[str, str]
    broken: str
    needs: tuple[str, ...]
    elements: str = ""


def groups_of(rule: Rule, scope: Scope) -> Groups | None:
    """The grouping of a rule that is about groups, else None."""
    operator, *arguments = rule.requirement
    make = _GROUPS.get(operator)
    return make(scope, *arguments) if make else None


def broken_groups(
    connection: "DuckDBPyConnection",
    relation: str,
    rule: Rule,
    groups: Groups,
    scope: Scope,
    *,
    cost: str,
    limit: int,
) -> tuple[int, Decimal, list[tuple[object, ...]]]:
    """Rows in broken groups, the cost they carry, and the largest groups: keys, then rows."""
    keys = ", ".join(f"{sql} as {quote_name(name)}" for name, sql in groups.keys.items())
    names = ", ".join(quote_name(name) for name in groups.keys)
    where = "true" if groups.elements else holds(rule.condition, scope)
    found = connection.execute(
        f"select {names}, group_rows, sum(group_rows) over (), sum(group_cost) over () from ("
        f"select {keys}, count(*) as group_rows, coalesce(sum({cost}), 0) as group_cost"
        f" from {_source(relation, groups, scope)} where {where} and {_filled(groups)}"
        f" group by {names} having {groups.broken}) order by group_rows desc, {names} limit {limit}"
    ).fetchall()
    rows, amount = found[0][-2:] if found else (0, 0)
    return int(rows), Decimal(amount), [row[:-2] for row in found]


def _filled(groups: Groups) -> str:
    """Rows without the key itself, the first, belong to no group."""
    return f"{next(iter(groups.keys.values()))} is not null"


def _source(relation: str, groups: Groups, scope: Scope) -> str:
    if not groups.elements:
        return relation
    listed = f"json_extract({scope.json(groups.elements)}, '$.Elements[*]')"
    return f"(select *, unnest({listed}) as element from {relation}) as elements"


def _provider(scope: Scope) -> dict[str, str]:
    named = next((name for name in _PROVIDERS if scope.has(name)), None)
    return {named: quote_name(named)} if named else {}


def _unique(scope: Scope, name: str, *within: str) -> Groups:
    keys = {each: quote_name(each) for each in (name, *within)}
    return Groups(keys, "count(*) > 1", tuple(keys))


def _parent(scope: Scope, name: str, other: str, count: int) -> Groups:
    """Each `name` has one `other`, no more and no less."""
    if _ELEMENTS[0] in name:
        column, key = name.split(_ELEMENTS[0])
        return _element_parent(scope, column, key, other.split(_ELEMENTS[0])[1], count)
    parents = quote_name(other)
    broken = f"count({parents}) = 0 or min({parents}) <> max({parents})"
    return Groups({name: quote_name(name)} | _provider(scope), broken, (name, other))


def _json_parent(scope: Scope, column: str, name: str, other: str, count: int) -> Groups:
    key, parent = (path.removeprefix(_ELEMENTS[1]) for path in (name, other))
    return _element_parent(scope, column, key, parent, count)


def _element_parent(scope: Scope, column: str, key: str, parent: str, count: int) -> Groups:
    parents = _of_element(parent)
    broken = f"count({parents}) = 0 or min({parents}) <> max({parents})"
    return Groups({key: _of_element(key)} | _provider(scope), broken, (column,), column)


def _of_element(key: str) -> str:
    """1.3's rule file writes …ID where its erratum settles on …Id: both are read."""
    spelt = dict.fromkeys((key, key.replace("ID", "Id")))
    return f"coalesce({', '.join(f'element ->> {quote_text(each)}' for each in spelt)})"


def _stable(scope: Scope, name: str, key: str) -> Groups:
    """One `name` for each `key`, as far as this data goes."""
    values = quote_name(name)
    keys = {key: quote_name(key)} | _provider(scope)
    return Groups(keys, f"min({values}) <> max({values})", (name, key))


_GROUPS: dict[str, Callable[..., Groups]] = {
    "unique": _unique,
    "distinct_count_per": _parent,
    "json_distinct_parent": _json_parent,
    "stable_over_time_per": _stable,
}
