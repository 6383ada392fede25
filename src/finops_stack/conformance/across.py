"""Rules that hold between two datasets: an invoice's lines and the charges they are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_stack.conformance.predicates import holds
from finops_stack.conformance.scope import Scope
from finops_stack.findings import text_of
from finops_stack.focus.rules import Expression, Rule
from finops_stack.warehouse.sql import quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# ISO 4217, "Minor unit": the others have two decimal places.
_MINOR_UNITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
# Of a broken pair: what is counted, not shown.
_COUNTED = ("cost", "all_rows", "all_cost")


@dataclass(frozen=True)
class Dataset:
    """A dataset that is judged along: its relation, and what it holds."""

    relation: str
    scope: Scope


@dataclass(frozen=True)
class Found:
    """Rows of the judged dataset that break the rule, their cost, and samples."""

    rows: int
    cost: Decimal
    samples: list[dict[str, str]]


def other_dataset(rule: Rule) -> str:
    """The dataset a rule compares with; '' for a rule about one dataset."""
    if rule.requirement[0] not in _JUDGES:
        return ""
    named = rule.requirement[2]
    column = named[0] if isinstance(named, list) else named
    return str(column).split(".")[0]


def judge_across(
    connection: "DuckDBPyConnection",
    rule: Rule,
    mine: Dataset,
    other: Dataset,
    *,
    limit: int,
) -> Found | None:
    """What breaks the rule; None where a column it compares by is not there.

    Only keys that both datasets have are compared: either may hold other months.
    """
    keys = _keys(rule.requirement)
    sides = _sides(rule.requirement)
    wanted = {"BillingCurrency"} if rule.requirement[0] == "sum_within_tolerance" else set()
    for side, name in ((mine, sides[0]), (other, sides[1])):
        if not {*keys, name, *wanted} <= set(side.scope.types):
            return None
    broken = _JUDGES[rule.requirement[0]](rule, mine, other, keys)
    cursor = connection.execute(
        f"select *, sum(rows) over () as all_rows, sum(cost) over () as all_cost from ({broken})"
        f" order by rows desc, {', '.join(map(quote_name, keys))} limit {limit}"
    )
    names = [column[0] for column in cursor.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not found:
        return Found(0, Decimal(0), [])
    samples = [{n: text_of(v) for n, v in row.items() if n not in _COUNTED} for row in found]
    return Found(int(found[0]["all_rows"]), Decimal(found[0]["all_cost"] or 0), samples)


def _keys(requirement: Expression) -> list[str]:
    return next(
        part[1:] for part in requirement if isinstance(part, list) and part and part[0] == "by"
    )


def _sides(requirement: Expression) -> list[str]:
    """The compared column on each side, without its dataset."""
    named = [part[0] if isinstance(part, list) else part for part in requirement[1:3]]
    return [str(name).split(".")[1] for name in named]


def _grouped(side: Dataset, keys: list[str], where: str, values: str) -> str:
    filled = " and ".join(f"{quote_name(key)} is not null" for key in keys)
    named = ", ".join(f"{_key(side.scope, key)} as {quote_name(key)}" for key in keys)
    return f"select {named}, {values} from {side.relation} where {where} and {filled} group by all"


def _key(scope: Scope, name: str) -> str:
    """A file may hold a time as text, the other as a timestamp."""
    return _moment(scope, name) if name.startswith("BillingPeriod") else scope.text(name)


def _moment(scope: Scope, name: str) -> str:
    return f"try_cast({scope.text(name)} as timestamptz)"


def _cost(side: Dataset) -> str:
    return side.scope.number("BilledCost") if side.scope.has("BilledCost") else "0"


def _sums(rule: Rule, mine: Dataset, other: Dataset, keys: list[str]) -> str:
    """By key and currency: sums that differ by more than rounding explains."""
    # A condition on a column the other dataset has as well holds there too (no taxes on either).
    shared = _about(rule.condition, set(other.scope.types))
    keys = [*keys, "BillingCurrency"]
    first = _grouped(
        mine, keys, holds(rule.condition, mine.scope), f"sum({_cost(mine)}) as a, count(*) as n"
    )
    second = _grouped(
        other, keys, holds(shared, other.scope), f"sum({_cost(other)}) as b, count(*) as n"
    )
    allowed = f"greatest(100, 0.5 * sqrt(charges.n)) * {_subunit('BillingCurrency')}"
    named = ", ".join(quote_name(key) for key in keys)
    return (
        f"select {named}, lines.a as lines_cost, charges.b as charges_cost, lines.n as rows,"
        f" lines.a as cost from ({first}) as lines join ({second}) as charges using ({named})"
        f" where abs(lines.a - charges.b) > {allowed}"
    )


def _about(condition: Expression | None, names: set[str]) -> Expression | None:
    """The parts of an `and` that speak of these columns."""
    if condition is None:
        return None
    parts = condition[1:] if condition[0] == "and" else [condition]
    kept = [part for part in parts if part[1] in names]
    return ["and", *kept] if kept else None


def _subunit(currency: str) -> str:
    branches = " ".join(
        f"when {quote_name(currency)} in ({', '.join(map(quote_text, codes.split()))})"
        f" then 1e-{places}"
        for places, codes in _MINOR_UNITS.items()
    )
    return f"case {branches} else 0.01 end"


def _same(rule: Rule, mine: Dataset, other: Dataset, keys: list[str]) -> str:
    """By key: a moment of the one that is not the only one of the other."""
    name, theirs = _sides(rule.requirement)
    values = f"{_moment(mine.scope, name)} as moment, count(*) as rows, sum({_cost(mine)}) as cost"
    moment = _moment(other.scope, theirs)
    return _compared(
        _grouped(mine, keys, holds(rule.condition, mine.scope), values),
        _grouped(other, keys, "true", f"min({moment}) as least, max({moment}) as most"),
        keys,
        "ours.moment <> theirs.least or ours.moment <> theirs.most",
    )


def _not_later(rule: Rule, mine: Dataset, other: Dataset, keys: list[str]) -> str:
    """By key: a moment of the one that is after the other's. The condition is the other's."""
    name, theirs = _sides(rule.requirement)
    values = f"{_moment(mine.scope, name)} as moment, count(*) as rows, sum({_cost(mine)}) as cost"
    moment = _moment(other.scope, theirs)
    condition = _without_dataset(rule.condition)
    return _compared(
        _grouped(mine, keys, "true", values),
        _grouped(
            other,
            keys,
            holds(condition, other.scope),
            f"min({moment}) as least, max({moment}) as most",
        ),
        keys,
        "ours.moment > theirs.most",
    )


def _without_dataset(condition: Expression | None) -> Expression | None:
    """["eq", "BillingPeriod.BillingPeriodStatus", "Closed"] as that dataset's own condition."""
    if condition is None:
        return None
    return [condition[0], str(condition[1]).split(".")[-1], *condition[2:]]


def _compared(ours: str, theirs: str, keys: list[str], broken: str) -> str:
    named = ", ".join(quote_name(key) for key in keys)
    return (
        f"select {named}, ours.moment, theirs.least, theirs.most, ours.rows, ours.cost"
        f" from ({ours}) as ours join ({theirs}) as theirs using ({named}) where {broken}"
    )


_JUDGES: dict[str, Callable[[Rule, Dataset, Dataset, list[str]], str]] = {
    "sum_within_tolerance": _sums,
    "same_across_datasets": _same,
    "le_across_datasets": _not_later,
}
