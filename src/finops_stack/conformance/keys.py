"""Rules about the keys of a JSON column, as SQL predicates; a missing value passes."""

from collections.abc import Callable

from finops_stack.conformance.scope import Scope
from finops_stack.warehouse.sql import quote_text

# FOCUS 1.2 to 1.4, SkuPriceDetails, "FOCUS-Defined Properties": key, and whether it is a number.
_STANDARD = {
    "SkuPriceDetails": {
        "CoreCount": True,
        "DiskMaxIops": True,
        "DiskSpace": True,
        "DiskType": False,
        "GpuCount": True,
        "InstanceSeries": False,
        "InstanceType": False,
        "MemorySize": True,
        "NetworkMaxIops": True,
        "NetworkMaxThroughput": True,
        "OperatingSystem": False,
        "Redundancy": False,
        "StorageClass": False,
    }
}
# FOCUS 1.2 to 1.4, the same: "Property key MUST begin with the string x_".
CUSTOM_PREFIX = "x_"
_NUMBERS = "('UBIGINT', 'BIGINT', 'DOUBLE', 'NULL')"


def _no_key(scope: Scope, name: str, bad: str) -> str:
    """No key k for which `bad` holds."""
    if not scope.has(name):
        return "true"
    keys = _unusual(scope, name)
    found = f"len(list_filter({keys}, lambda k: {bad}))"
    # The function takes its time over an empty list, too.
    return f"case when coalesce(len({keys}), 0) = 0 then true else {found} = 0 end"


def _unusual(scope: Scope, name: str) -> str:
    """Keys that any rule may object to; usually there are none, and each rule asks them."""
    if name not in _STANDARD:
        return scope.keys(name)
    usual = f"k in ({_known(name)}) or regexp_matches(k, '^{CUSTOM_PREFIX}[A-Z][A-Za-z0-9]*$')"
    return scope.part(f"list_filter({scope.keys(name)}, lambda k: not ({usual}))")


def _pascal_case(scope: Scope, name: str) -> str:
    """A prefix of a scheme or of custom keys does not count."""
    return _no_key(scope, name, "not regexp_matches(k, '(^|_|:|/)[A-Z][A-Za-z0-9]*$')")


def _known(name: str) -> str:
    return ", ".join(quote_text(key) for key in _STANDARD[name])


def _prefixed(scope: Scope, name: str) -> str:
    prefixed = f"starts_with(k, {quote_text(CUSTOM_PREFIX)})"
    return _no_key(scope, name, f"k not in ({_known(name)}) and not {prefixed}")


def _exact_case(scope: Scope, name: str) -> str:
    lower = _known(name).lower()
    return _no_key(scope, name, f"lower(k) in ({lower}) and k not in ({_known(name)})")


def _typed(scope: Scope, name: str) -> str:
    """A map holds one type for all its values, so only JSON can tell a number from a text."""
    if not scope.has(name) or not scope.is_text(name):
        return "true"
    numbers = ", ".join(quote_text(k) for k, is_number in _STANDARD[name].items() if is_number)
    kind = f"json_type({scope.json(name)}, '$.' || k)"
    wrong_number = f"k in ({numbers}) and {kind} not in {_NUMBERS}"
    is_text = f"k in ({_known(name)}) and k not in ({numbers})"
    wrong_text = f"{is_text} and {kind} not in ('VARCHAR', 'NULL')"
    wrong = f"({wrong_number}) or ({wrong_text})"
    return f"coalesce(len(list_filter({scope.keys(name)}, lambda k: {wrong})) = 0, true)"


def _disjoint(scope: Scope, name: str, other: str) -> str:
    if not scope.has(name) or not scope.has(other):
        return "true"
    return f"coalesce(len(list_intersect({scope.keys(name)}, {scope.keys(other)})) = 0, true)"


def has_standard_keys(name: str) -> bool:
    """Whether FOCUS itself names keys of this column."""
    return name in _STANDARD


# Operator → predicate of (scope, the rule's column, further columns).
KEY_LEAVES: dict[str, Callable[..., str]] = {
    "keys_pascal_case": _pascal_case,
    "custom_keys_prefixed": _prefixed,
    "standard_keys_exact_case": _exact_case,
    "standard_values_typed": _typed,
    "disjoint_keys": _disjoint,
}
