"""A rule in words, made from its expression: the file has no sentences."""

from finops_stack.conformance.keys import CUSTOM_PREFIX
from finops_stack.focus.rules import Expression, Rule


def sentence(rule: Rule) -> str:
    """'InvoiceIssuerName MUST NOT be null where ChargeCategory is Tax'."""
    said = _say(rule.requirement)
    modal = rule.keyword.replace("MUST NOT", "MUST").replace("SHOULD NOT", "SHOULD")
    where = f" where {_say(rule.condition)}" if rule.condition else ""
    return f"{modal}: {said}{where}"


def _say(expression: Expression) -> str:
    operator, arguments = expression[0], expression[1:]
    if operator in ("and", "or"):
        words = _one_of(operator, arguments)
        return words or f" {operator} ".join(_say(part) for part in arguments)
    if operator == "not":
        return f"not ({_say(arguments[0])})"
    if operator == "sum_within_tolerance":
        (ours, _), (theirs, _), (_, *keys), *_ = arguments
        return f"the sum of {ours} by {', '.join(keys)} is that of {theirs}, but for rounding"
    if operator in _COLUMN_WORDS:
        return _COLUMN_WORDS[operator].get(str(arguments[0]), f"{operator} {arguments[0]}")
    if operator in _WORDS:
        return _WORDS[operator].format(*(_value(each) for each in arguments), *[""] * 3).strip()
    return " ".join([str(operator).replace("_", " "), *(_value(each) for each in arguments)])


def _one_of(operator: str, arguments: Expression) -> str:
    """`or` over values of one column is a list."""
    same = {part[1] for part in arguments if part[0] == "eq"}
    if operator != "or" or len(same) != 1 or any(part[0] != "eq" for part in arguments):
        return ""
    values = [str(part[2]) for part in arguments]
    shown = ", ".join(values[:6]) + (f" … ({len(values)} values)" if len(values) > 6 else "")
    return f"{same.pop()} is one of {shown}"


def _value(argument: object) -> str:
    if isinstance(argument, list):
        return _say(argument) if argument and isinstance(argument[0], str) else str(argument)
    if argument is None:
        return "null"
    text = str(argument)
    return text if text.startswith(CUSTOM_PREFIX) else text.replace("_", " ")


_CUSTOM = "custom columns begin with x_"
_SPELLED = "FOCUS columns are spelled as FOCUS spells them"
_COLUMN_WORDS = {
    "naming": {
        "pascal_case": _SPELLED,
        "alphanumeric": "names of FOCUS columns are letters and digits",
        "max_50_chars": "names of columns have no more than 50 characters",
        "custom_prefix": _CUSTOM,
    },
    "order": dict.fromkeys(
        ("focus_columns_first", "custom_columns_last"), "FOCUS columns stand before custom ones"
    ),
    "conforms_to_attribute": {"FocusColumnHandling": _SPELLED, "CustomColumnHandling": _CUSTOM},
}
_WORDS = {
    "present": "the column {0} is there",
    "type": "{0} has type {1}",
    "format": "{0} has the format {1}",
    "is_null": "{0} is null",
    "not_null": "{0} is not null",
    "eq": "{0} is {1}",
    "ne": "{0} is not {1}",
    "ge": "{0} is at least {1}",
    "ge_col": "{0} is not before {1}",
    "between": "{0} lies between {1} and {2}",
    "between_exclusive": "{0} lies between {1} and {2}, both excluded",
    "decimal": "{0} is a decimal number",
    "iso4217": "{0} is a currency code of ISO 4217",
    "in_allowed_values": "{0} is one of its allowed values",
    "unique": "{0} is unique",
    "same": "{0} equals {1}",
    "not_same": "{0} differs from {1}",
    "product_eq": "{0} × {1} = {2}",
    "distinct_count_per": "each {0} has {2} {1}",
    "stable_over_time_per": "each {1} has one {0}",
    "keys_pascal_case": "the keys of {0} are in Pascal case",
    "custom_keys_prefixed": "the keys of {0} that FOCUS does not know begin with {1}",
    "standard_keys_exact_case": "the keys of {0} that FOCUS knows are spelled as FOCUS spells them",
    "standard_values_typed": "the values of {0} under FOCUS's own keys have FOCUS's types",
    "disjoint_keys": "{0} and {1} share no key",
    "fraction_0_1": "{0} lies between 0 and 1",
    "wildcard_stands_alone": "{0} is either * alone or without it",
    "is_cost_and_usage_column": "{0} is a column of CostAndUsage",
    "pattern": "{0} is a number and a unit of time",
    "listed_time_unit": "{0} has a listed unit of time",
    "same_across_datasets": "{0} equals {1} of the same invoice",
    "le_across_datasets": "{0} is not after {1} of the same period",
    "json_has": "{0} has {1}",
    "json_not_null": "{1} in {0} is not null",
    "json_is_null": "{1} in {0} is null",
    "json_type": "{1} in {0} has type {2}",
    "json_format": "{1} in {0} has the format {2}",
}
