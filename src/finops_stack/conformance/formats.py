"""Types and formats of FOCUS values as SQL predicates; a missing value passes."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from finops_stack.conformance.scope import Scope, one_of
from finops_stack.warehouse.sql import quote_name, quote_text

Judge = Callable[[Scope, str], str]

# FOCUS, attributes "Date/Time Format" and "Numeric Format": 2026-09-01T00:00:00Z; 1, -1.5, 1.2E-3.
# Seconds are part of the former; neither number nor exponent takes a plus sign.
_MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$"
_NUMBER = r"^-?(\d+(\.\d+)?|\.\d+)([eE]-?\d+)?$"
# FOCUS, attribute "Unit Format": GB, 1000 Requests, GB-Hours, GB/Hour, Units/3 Months. A word that
# is not listed is a capitalised noun, so only its first letter can be judged ...
_NOUN = r"(b|[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)*)"
_UNIT = rf"^(\d+ )?{_NOUN}(-{_NOUN})*(/(\d+ )?{_NOUN})?$"
_USUAL_UNITS = ("Hours", "GB", "GB-Hours", "GB-Months", "Requests", "Units", "Seconds")
# ... and other spellings of the listed ones.
_MISSPELT = (
    r"(^|[ /-])(H|Hrs?|Mins?|Secs?|Mos?|Yrs?|(HOUR|MINUTE|SECOND|MONTH|DAY|YEAR)S?"
    r"|[kmgtpe]i?b|[KMGTPE]I?[bB]s|[KMGTPE]IB|[A-Za-z]+([Bb]ytes?|[Bb]its?))($|[ /-])"
    r"|(^|-|\d )(Year|Month|Day|Hour|Minute|Second)($|/)"
)


@cache
def iso_currencies() -> tuple[str, ...]:
    """Codes of ISO 4217 in use, funds and metals left out."""
    text = files("finops_stack.conformance").joinpath("iso4217.txt").read_text(encoding="utf-8")
    return tuple(word for line in text.splitlines() if line[:1] != "#" for word in line.split())


def _matches(scope: Scope, name: str, pattern: str) -> str:
    """Texts of a csv; what the file holds as another type has its format by its type."""
    if not scope.has(name):
        return "true"
    if not scope.is_text(name):
        return "true"
    return f"coalesce(regexp_matches({quote_name(name)}, {quote_text(pattern)}), true)"


def _number(scope: Scope, name: str) -> str:
    if not scope.has(name) or scope.is_exact(name):
        return "true"
    if scope.is_text(name):
        return scope.part(_matches(scope, name, _NUMBER))
    return f"({quote_name(name)} is null or {scope.number(name)} is not null)"


def _moment(scope: Scope, name: str) -> str:
    if scope.has(name) and scope.is_text(name):
        readable = f"{quote_name(name)} is null or try_cast({quote_name(name)} as timestamptz)"
        return f"({readable} is not null)"
    return _static(scope, name, ("TIMESTAMP", "DATE"))


def _text(scope: Scope, name: str) -> str:
    """Not blank, and no blank around it."""
    if not scope.has(name) or not scope.is_text(name):
        return "true"
    column = quote_name(name)
    # '!' comes next after the blank and what is before it: tabs, line ends, nothing at all.
    # Looking at both ends takes a third of the time of comparing with the trimmed text.
    return f"not coalesce({column} < '!' or ends_with({column}, ' '), false)"


def _object(scope: Scope, name: str) -> str:
    if not scope.has(name):
        return "true"
    if scope.is_text(name):
        column = quote_name(name)
        begins = f"left(ltrim({column}), 1) = '{{'"
        return f"coalesce(json_valid({column}) and {begins}, true)"
    return _static(scope, name, ("MAP", "STRUCT"))


def _flat_object(scope: Scope, name: str) -> str:
    """Keys with plain values: no object or list inside."""
    if not scope.has(name) or not scope.is_text(name):
        return _object(scope, name)
    column = quote_name(name)
    types = f"json_extract(case when json_valid({column}) then {column} end, '$.*')"
    nested = f"len(list_filter({types}, lambda v: json_type(v) in ('OBJECT', 'ARRAY'))) = 0"
    return f"{_object(scope, name)} and coalesce({nested}, true)"


def _currency_code(scope: Scope, name: str) -> str:
    return f"coalesce({one_of(scope.text(name), iso_currencies())}, true)"


def _unit(scope: Scope, name: str) -> str:
    """Listed units in their spelling; any other as a capitalised noun."""
    if not scope.has(name):
        return "true"
    text = scope.text(name)
    usual = ", ".join(quote_text(unit) for unit in _USUAL_UNITS)
    shaped = f"regexp_matches({text}, {quote_text(_UNIT)})"
    misspelt = f"regexp_matches({text}, {quote_text(_MISSPELT)})"
    good = f"coalesce({shaped} and not {misspelt}, true)"
    return f"case when {text} in ({usual}) then true else {good} end"


def _any(scope: Scope, name: str) -> str:
    return "true"


def _static(scope: Scope, name: str, types: tuple[str, ...]) -> str:
    """A type holds for the whole column: true or false."""
    if not scope.has(name):
        return "true"
    return str(scope.types[name].startswith(types)).lower()


def _decimal_type(scope: Scope, name: str) -> str:
    if scope.has(name) and scope.is_text(name):
        return number_text(scope, name)
    numbers = (
        "DECIMAL",
        "DOUBLE",
        "FLOAT",
        "BIGINT",
        "INTEGER",
        "HUGEINT",
        "SMALLINT",
        "TINYINT",
        "U",
    )
    return _static(scope, name, numbers)


def number_text(scope: Scope, name: str) -> str:
    """Whether a text is a number. What looks like one is: the cast takes three times as long."""
    cast = f"try_cast({quote_name(name)} as decimal(38, 15)) is not null"
    return f"case when {_number(scope, name)} then true else {cast} end"


def _string_type(scope: Scope, name: str) -> str:
    return _static(scope, name, ("VARCHAR", "ENUM", "UUID", "JSON"))


TYPES: dict[str, Judge] = {
    "String": _string_type,
    "Decimal": _decimal_type,
    "Date/Time": _moment,
    "JSON Object": _object,
    "JSON": _object,
}
FORMATS: dict[str, Judge] = {
    "String": _text,
    "StringHandling": _text,
    "Allowed Values": _any,
    "Numeric": _number,
    "Numeric Format": _number,
    "NumericFormat": _number,
    "Decimal": _number,
    "DateTime": lambda scope, name: _matches(scope, name, _MOMENT),
    "DateTimeFormat": lambda scope, name: _matches(scope, name, _MOMENT),
    "Date/Time Format": lambda scope, name: _matches(scope, name, _MOMENT),
    "Date/Time": lambda scope, name: _matches(scope, name, _MOMENT),
    "KeyValue": _flat_object,
    "KeyValueFormat": _flat_object,
    "Key-Value Format": _flat_object,
    "JSONObject": _object,
    "JsonObjectFormat": _object,
    "JSON": _object,
    "Unit": _unit,
    "UnitFormat": _unit,
    "Unit Format": _unit,
    "Unit Format (recommended)": _unit,
    "Currency": _currency_code,
    "CurrencyFormat": _currency_code,
    "Currency Code Format": _currency_code,
}
