"""FOCUS rules as SQL: an expression tree becomes a predicate that is never NULL.

A missing value neither holds nor fails a comparison: as a condition it is out of scope, as a
requirement it passes (whether it may be missing is another rule's question).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from finops_stack.conformance.formats import FORMATS, TYPES, iso_currencies
from finops_stack.focus.rules import Expression
from finops_stack.warehouse.sql import quote_name, quote_text


class NotJudgedError(Exception):
    """The expression asks for a fact that is not in the row: about the provider, an invoice."""


_DOUBLE = " as double"


@dataclass(frozen=True)
class Scope:
    """What a predicate may read: columns of the file with their DuckDB types, allowed values."""

    types: Mapping[str, str]
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.types

    def text(self, name: str) -> str:
        """The column as text; a column that is not there is NULL."""
        if not self.has(name):
            return "cast(null as varchar)"
        return quote_name(name) if self.is_text(name) else f"cast({quote_name(name)} as varchar)"

    def number(self, name: str) -> str:
        """The column as an exact number; NULL where it is none."""
        if not self.has(name):
            return "cast(null as decimal(38, 15))"
        if self.types[name].startswith("DECIMAL") or "INT" in self.types[name]:
            return quote_name(name)
        return f"try_cast({quote_name(name)} as decimal(38, 15))"

    def double(self, name: str) -> str:
        """The column as a double: for products, which carry rounding anyway.

        A column of `with_doubles`: the cast of a 38-digit decimal takes 0.2 s a million rows, and
        several rules multiply the same columns.
        """
        if not self.has(name):
            return "cast(null as double)"
        self.doubles.add(name)
        return quote_name(name + _DOUBLE)

    def with_doubles(self, relation: str) -> str:
        """The relation, with the doubles that predicates made so far ask for."""
        if not self.doubles:
            return relation
        casts = ", ".join(
            f"cast({self.number(name)} as double) as {quote_name(name + _DOUBLE)}"
            for name in sorted(self.doubles)
        )
        return f"(select *, {casts} from {relation}) as with_doubles"

    def is_text(self, name: str) -> bool:
        """Whether the file holds it as text (a csv holds all as text)."""
        return self.types.get(name, "VARCHAR") in ("VARCHAR", "JSON")

    def json(self, name: str) -> str:
        """The column as JSON; NULL where it is none."""
        if self.is_text(name):
            text = quote_name(name) if self.has(name) else "null"
            return f"case when json_valid({text}) then cast({text} as json) end"
        return f"to_json({quote_name(name)})"


def holds(expression: Expression | None, scope: Scope) -> str:
    """A condition: true where the row is in scope."""
    return "true" if expression is None else _compile(expression, scope, missing="false")


def violated(condition: Expression | None, requirement: Expression, scope: Scope) -> str:
    """True for a row that is in scope and does not do what the rule asks.

    Raises: NotJudgedError where condition or requirement need facts from outside the row.
    """
    if _is_elementwise(requirement) or (condition and _is_elementwise(condition)):
        return _element_violated(condition, requirement, scope)
    wrong = f"not ({_compile(requirement, scope, missing='true')})"
    return wrong if condition is None else f"({holds(condition, scope)}) and {wrong}"


def _compile(expression: Expression, scope: Scope, *, missing: str) -> str:
    operator, arguments = expression[0], expression[1:]
    if operator == "or" and (listed := _in_list(arguments, scope)):
        return listed
    if operator in ("and", "or"):
        parts = (f"({_compile(part, scope, missing=missing)})" for part in arguments)
        return f" {operator} ".join(parts)
    if operator == "not":
        other = "true" if missing == "false" else "false"
        return f"not ({_compile(arguments[0], scope, missing=other)})"
    leaf = _LEAVES.get(operator)
    if any(str(name).startswith("*") for name in arguments):
        raise NotJudgedError("a rule for each column, which other rules are")
    if leaf is None:
        raise NotJudgedError(operator)
    return leaf(scope, missing, *arguments)


def _in_list(arguments: Expression, scope: Scope) -> str:
    """`or` over values of one column, or of a pair of columns, as one `in`: a look-up in place of
    82 comparisons; '' when the expression is another."""
    pairs = [_equalities(part) for part in arguments]
    names = [name for name, _ in pairs[0]]
    if not names or any([name for name, _ in pair] != names for pair in pairs):
        return ""
    separator = quote_text("\x1f")
    value = f" || {separator} || ".join(scope.text(name) for name in names)
    words = (quote_text("\x1f".join(str(word) for _, word in pair)) for pair in pairs)
    return f"coalesce({value} in ({', '.join(words)}), false)"


def _equalities(part: Expression) -> list[tuple[str, str]]:
    """(column, text) of an `eq`, or of an `and` of them; empty for anything else."""
    parts = part[1:] if part[0] == "and" else [part]
    if any(each[0] != "eq" or not isinstance(each[2], str) for each in parts):
        return []
    return [(each[1], each[2]) for each in parts]


def _null_test(scope: Scope, missing: str, name: str) -> str:
    return f"{quote_name(name)} is null" if scope.has(name) else "true"


def _filled(scope: Scope, missing: str, name: str) -> str:
    return f"{quote_name(name)} is not null" if scope.has(name) else "false"


def _equal(scope: Scope, missing: str, name: str, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{scope.number(name)} is not distinct from {value}"
    return f"{scope.text(name)} is not distinct from {quote_text(str(value))}"


def _unequal(scope: Scope, missing: str, name: str, value: Any) -> str:
    return f"not ({_equal(scope, missing, name, value)})"


def _at_least(scope: Scope, missing: str, name: str, bound: float) -> str:
    return f"coalesce({scope.number(name)} >= {bound}, {missing})"


def _between(scope: Scope, missing: str, name: str, low: float, high: float) -> str:
    return f"coalesce({scope.number(name)} between {low} and {high}, {missing})"


def _between_exclusive(scope: Scope, missing: str, name: str, low: float, high: float) -> str:
    number = scope.number(name)
    return f"coalesce({number} > {low} and {number} < {high}, {missing})"


def _not_before(scope: Scope, missing: str, later: str, earlier: str) -> str:
    first, second = (f"try_cast({scope.text(n)} as timestamptz)" for n in (later, earlier))
    return f"coalesce({first} >= {second}, {missing})"


def _same(scope: Scope, missing: str, left: str, right: str) -> str:
    return f"coalesce({scope.text(left)} = {scope.text(right)}, {missing})"


def _not_same(scope: Scope, missing: str, left: str, right: str) -> str:
    return f"coalesce({scope.text(left)} <> {scope.text(right)}, {missing})"


def _product(scope: Scope, missing: str, left: str, right: str, result: str) -> str:
    """Within 1e-9 of the result: many bills carry floating-point products."""
    total = scope.double(result)
    product = f"{scope.double(left)} * {scope.double(right)}"
    # A price has 15 places, so a derived one may be off by 5e-16 for each unit of the quantity.
    slack = f"1e-9 + 1e-9 * abs({total}) + 5e-16 * abs({scope.double(right)})"
    return f"coalesce(abs({product} - {total}) <= {slack}, {missing})"


def _allowed(scope: Scope, missing: str, name: str, values: list[str] | None = None) -> str:
    words = values or scope.allowed.get(name)
    if not words:
        raise NotJudgedError(f"no list of values for {name}")
    known = ", ".join(quote_text(word) for word in words)
    return f"coalesce({scope.text(name)} in ({known}), {missing})"


def _decimal(scope: Scope, missing: str, name: str) -> str:
    if not scope.has(name):
        return missing
    return f"({quote_name(name)} is null or {scope.number(name)} is not null)"


def _currency(scope: Scope, missing: str, name: str) -> str:
    known = ", ".join(quote_text(code) for code in iso_currencies())
    return f"coalesce({scope.text(name)} in ({known}), {missing})"


def _format(scope: Scope, missing: str, name: str, wanted: str) -> str:
    if wanted not in FORMATS:
        raise NotJudgedError(f"format {wanted}")
    return FORMATS[wanted](scope, name)


def _type(scope: Scope, missing: str, name: str, wanted: str) -> str:
    if wanted not in TYPES:
        raise NotJudgedError(f"type {wanted}")
    return TYPES[wanted](scope, name)


_LEAVES: dict[str, Callable[..., str]] = {
    "is_null": _null_test,
    "not_null": _filled,
    "eq": _equal,
    "ne": _unequal,
    "ge": _at_least,
    "between": _between,
    "between_exclusive": _between_exclusive,
    "ge_col": _not_before,
    "same": _same,
    "not_same": _not_same,
    "product_eq": _product,
    "in_allowed_values": _allowed,
    "decimal": _decimal,
    "iso4217": _currency,
    "format": _format,
    "type": _type,
}


# ---- JSON: a rule about "$.Elements[*].Key" is judged for each element by itself


def _is_elementwise(expression: Expression) -> bool:
    return any(
        str(part).startswith("json_") if not isinstance(part, list) else _is_elementwise(part)
        for part in expression
    )


def _element_violated(condition: Expression | None, requirement: Expression, scope: Scope) -> str:
    column = json_column([condition or [], requirement])
    if requirement[0] == "json_type" and requirement[2] == "$.Elements":
        kind = f"json_type(json_extract({scope.json(column)}, '$.Elements'))"
        return f"{scope.text(column)} is not null and {kind} is distinct from 'ARRAY'"
    wrong = f"not ({_element(requirement, scope)})"
    inside = wrong if condition is None else f"({_element(condition, scope)}) and {wrong}"
    elements = f"json_extract({scope.json(column)}, '$.Elements[*]')"
    return f"coalesce(len(list_filter({elements}, lambda e: {inside})) > 0, false)"


def json_column(expression: Any) -> str:
    """The JSON column an expression reads; '' when it reads none."""
    if isinstance(expression, list):
        for part in expression:
            if isinstance(part, list):
                found = json_column(part)
                if found:
                    return found
        if expression and str(expression[0]).startswith("json_") and expression[1]:
            return str(expression[1])
    return ""


def _element(expression: Expression, scope: Scope) -> str:
    operator, arguments = expression[0], expression[1:]
    if operator in ("and", "or"):
        return f" {operator} ".join(f"({_element(part, scope)})" for part in arguments)
    if not operator.startswith("json_"):
        return _compile(expression, scope, missing="true")
    path = arguments[1].removeprefix("$.Elements[*]").removeprefix("$.Elements")
    # 1.3's rule file writes …ID where its erratum settles on …Id: both are read.
    twin = _settled(path)
    value = f"json_extract(e, '${path}')"
    if twin != path:
        value = f"coalesce({value}, json_extract(e, '${twin}'))"
    there = f"{value} is not null"
    filled = f"coalesce(json_type({value}), 'NULL') <> 'NULL'"
    if operator == "json_has":
        return there
    if operator == "json_not_null":
        return filled
    if operator == "json_is_null":
        return f"not ({filled})"
    if operator in ("json_type", "json_format"):
        return _element_type(value, arguments[2])
    if operator == "json_same":
        return f"{value} ->> '$' is not distinct from {scope.text(arguments[2])}"
    if operator == "json_extra_key_prefix":
        # The contract an element belongs to is asked for by another rule, so it may be there.
        keys = {*arguments[3], *map(_settled, arguments[3]), "ContractId"}
        known = ", ".join(quote_text(key) for key in sorted(keys))
        prefixed = f"starts_with(k, {quote_text(arguments[2])})"
        extra = f"lambda k: k not in ({known}) and not {prefixed}"
        return f"len(list_filter(json_keys(e), {extra})) = 0"
    raise NotJudgedError(operator)


def _settled(key: str) -> str:
    return key.replace("ID", "Id")


_ELEMENT_TYPES = {
    "Decimal": "('UBIGINT', 'BIGINT', 'DOUBLE', 'NULL')",
    "Numeric": "('UBIGINT', 'BIGINT', 'DOUBLE', 'NULL')",
    "String": "('VARCHAR', 'NULL')",
    "Unit": "('VARCHAR', 'NULL')",
    "Object": "('OBJECT')",
    "KeyValue": "('OBJECT')",
}


def _element_type(value: str, wanted: str) -> str:
    return f"coalesce(json_type({value}) in {_ELEMENT_TYPES[wanted]}, true)"
