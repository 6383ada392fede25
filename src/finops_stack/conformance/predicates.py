"""FOCUS rules as SQL: an expression tree becomes a predicate that is never NULL.

A missing value neither holds nor fails a comparison: as a condition it is out of scope, as a
requirement it passes (whether it may be missing is another rule's question).
"""

from collections.abc import Callable
from typing import Any

from finops_stack.conformance.documents import DOCUMENTS, VALUES
from finops_stack.conformance.formats import FORMATS, TYPES, iso_currencies, number_text
from finops_stack.conformance.keys import CUSTOM_PREFIX, KEY_LEAVES, has_standard_keys
from finops_stack.conformance.scope import Scope, one_of
from finops_stack.focus.rules import Expression
from finops_stack.warehouse.sql import quote_name, quote_text


class NotJudgedError(Exception):
    """The expression asks for a fact that is not in the row: about the provider, an invoice."""


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
        return scope.leaf(listed)
    if operator in ("and", "or"):
        parts = (f"({_compile(part, scope, missing=missing)})" for part in arguments)
        return f" {operator} ".join(parts)
    if operator == "not":
        other = "true" if missing == "false" else "false"
        return f"not ({_compile(arguments[0], scope, missing=other)})"
    if operator == "ne":
        # NULL is not equal to any value, so this holds where there is none.
        return f"not ({_compile(['eq', *arguments], scope, missing=missing)})"
    if any(str(name).startswith("*") for name in arguments):
        raise NotJudgedError("nothing more: a rule for each column, which other rules are")
    if operator in KEY_LEAVES:
        return scope.leaf(_of_keys(scope, operator, *arguments))
    if operator in VALUES:
        return scope.leaf(VALUES[operator](scope, arguments[0]))
    leaf = _LEAVES.get(operator)
    if leaf is None:
        raise NotJudgedError(" ".join(map(_word, expression)))
    return scope.leaf(leaf(scope, missing, *arguments))


def _word(part: Any) -> str:
    """What a rule asks for, as far as a name says it."""
    return str(part).replace("_", " ") if isinstance(part, str) else "…"


def _of_keys(scope: Scope, operator: str, *arguments: Any) -> str:
    """A prefix is one the rule's operator knows itself."""
    names = [name for name in arguments if name != CUSTOM_PREFIX]
    named = operator.startswith(("standard_", "custom_"))
    if not names or (named and not has_standard_keys(names[0])):
        raise NotJudgedError(f"{_word(operator)} of this column")
    return KEY_LEAVES[operator](scope, *names)


def _in_list(arguments: Expression, scope: Scope) -> str:
    """`or` over values of one column, or of a pair of columns, as one `in`: a look-up in place of
    82 comparisons; '' when the expression is another."""
    pairs = [_equalities(part) for part in arguments]
    names = [name for name, _ in pairs[0]]
    if not names or any([name for name, _ in pair] != names for pair in pairs):
        return ""
    separator = quote_text("\x1f")
    value = f" || {separator} || ".join(scope.text(name) for name in names)
    words = ("\x1f".join(str(word) for _, word in pair) for pair in pairs)
    return f"coalesce({one_of(value, words)}, false)"


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
    return f"coalesce({_compared(scope, left, '=', right)}, {missing})"


def _not_same(scope: Scope, missing: str, left: str, right: str) -> str:
    return f"coalesce({_compared(scope, left, '<>', right)}, {missing})"


def _compared(scope: Scope, left: str, sign: str, right: str) -> str:
    """As numbers where both are; 1.0 and 1 are the same amount."""
    value = scope.number if scope.is_exact(left) and scope.is_exact(right) else scope.text
    return f"{value(left)} {sign} {value(right)}"


def _product(scope: Scope, missing: str, left: str, right: str, result: str) -> str:
    """Within 1e-9 of the result: many bills carry floating-point products."""
    total, product = _double(scope, result), f"{_double(scope, left)} * {_double(scope, right)}"
    # A price has 15 places, so a derived one may be off by 5e-16 for each unit of the quantity.
    slack = f"1e-9 + 1e-9 * abs({total}) + 5e-16 * abs({_double(scope, right)})"
    near = f"coalesce(abs({product} - {total}) <= {slack}, {missing})"
    if not all(scope.types.get(name, "").startswith("DECIMAL") for name in (left, right, result)):
        return near
    # Most products are nearer than that, and decimals say so in a twentieth of the time: the cast
    # of a 38-digit decimal to a double takes 0.2 s a million rows.
    exact = f"{quote_name(left)} * {quote_name(right)} - {quote_name(result)}"
    return f"case when try(abs({exact}) <= 0.000000001) then true else {near} end"


def _double(scope: Scope, name: str) -> str:
    """For products, which carry rounding anyway."""
    if not scope.has(name):
        return "cast(null as double)"
    return f"try_cast({quote_name(name)} as double)"


def _allowed(scope: Scope, missing: str, name: str, values: list[str] | None = None) -> str:
    words = values or scope.allowed.get(name)
    if not words:
        raise NotJudgedError(f"a list of values for {name}")
    return f"coalesce({one_of(scope.text(name), words)}, {missing})"


def _decimal(scope: Scope, missing: str, name: str) -> str:
    if not scope.has(name):
        return missing
    if scope.is_exact(name):
        return "true"
    if scope.is_text(name):
        return number_text(scope, name)
    return f"({quote_name(name)} is null or {scope.number(name)} is not null)"


def _currency(scope: Scope, missing: str, name: str) -> str:
    return f"coalesce({one_of(scope.text(name), iso_currencies())}, {missing})"


def _format(scope: Scope, missing: str, name: str, wanted: str) -> str:
    if "." in name:
        raise NotJudgedError("the elements of a JSON column")
    judge = FORMATS.get(wanted) or DOCUMENTS.get(wanted)
    if judge is None:
        raise NotJudgedError(f"the format {wanted}")
    return judge(scope, name)


def _duration(scope: Scope, missing: str, name: str, pattern: str = "") -> str:
    """12 Months: a number and a listed unit of time."""
    shaped = r"^[1-9]\d* (Year|Month|Day|Hour|Minute|Second)s?$"
    return f"coalesce(regexp_matches({scope.text(name)}, {quote_text(shaped)}), {missing})"


def _type(scope: Scope, missing: str, name: str, wanted: str) -> str:
    if wanted not in TYPES:
        raise NotJudgedError(f"the type {wanted}")
    return TYPES[wanted](scope, name)


_LEAVES: dict[str, Callable[..., str]] = {
    "is_null": _null_test,
    "not_null": _filled,
    "eq": _equal,
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
    "pattern": _duration,
    "listed_time_unit": _duration,
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
    elements = scope.part(f"json_extract({scope.json(column)}, '$.Elements[*]')")
    found = f"len(list_filter({elements}, lambda e: {inside}))"
    # Most rows have no document, and the function takes its time over nothing, too.
    return f"case when {elements} is null then false else {found} > 0 end"


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
