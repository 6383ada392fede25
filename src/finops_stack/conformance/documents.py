"""Rules about the shape of a JSON document as SQL predicates; a missing document passes.

FOCUS 1.4 (working draft), "Object Schema Structure" of ContractApplied,
CommitmentProgramEligibilityDetails and ContractCommitmentApplicability.
"""

from collections.abc import Callable

from finops_stack.conformance.scope import Scope
from finops_stack.focus.spec import LATEST, columns
from finops_stack.warehouse.sql import quote_text

_NUMBERS = "('UBIGINT', 'BIGINT', 'DOUBLE')"
_OPERATORS = (
    "('In', 'NotIn', 'StartsWith', 'NotStartsWith', 'Contains', 'NotContains', 'EndsWith',"
    " 'Exists', 'DoesNotExist')"
)
_JOINED = "in ('And', 'Or')"


def _kind(value: str, key: str) -> str:
    """JSON type of a property; of one that is not there, that of null."""
    return f"coalesce(json_type({value}, '$.{key}'), 'NULL')"


def _elements(document: str, path: str) -> str:
    return f"coalesce(json_extract({document}, {quote_text(f'$.{path}[*]')}), [])"


def _filled_list(scope: Scope, name: str, path: str, good: str) -> str:
    """A list of at least one object e for which `good` holds."""
    document = scope.json(name)
    elements = _elements(document, path)
    bad = f"len(list_filter({elements}, lambda e: not ({good}))) = 0"
    kind = f"{_kind(document, path)} = 'ARRAY' and len({elements}) > 0"
    return f"({scope.text(name)} is null or ({kind} and {bad}))"


def _applied(scope: Scope, name: str) -> str:
    """Either a cost, or a quantity and its unit, for each commitment of a contract."""
    cost, quantity, unit = (
        _kind("e", f"ContractCommitmentApplied{each}") for each in ("Cost", "Quantity", "Unit")
    )
    by_cost = f"{cost} in {_NUMBERS} and {quantity} = 'NULL' and {unit} = 'NULL'"
    by_quantity = f"{cost} = 'NULL' and {quantity} in {_NUMBERS} and {unit} = 'VARCHAR'"
    named = " and ".join(
        f"{_kind('e', key)} = 'VARCHAR'" for key in ("ContractId", "ContractCommitmentId")
    )
    return _filled_list(scope, name, "Elements", f"{named} and (({by_cost}) or ({by_quantity}))")


def _programs(scope: Scope, name: str) -> str:
    return _filled_list(
        scope, name, "CommitmentPrograms", f"{_kind('e', 'ProgramType')} = 'VARCHAR'"
    )


def _applicability(scope: Scope, name: str) -> str:
    """Everything, something that has no form, or rules of what is in; less what is out."""
    document = f"({scope.json(name)})"
    everything = " or ".join(
        f"({document} ->> '{flag}') = 'true'" for flag in ("IsGlobalScope", "IsComplexScope")
    )
    inside, outside = (_elements(document, path) for path in ("Inclusions", "Exclusions"))
    included = (
        f"case when {everything} then len({inside}) = 0"
        f" else len({inside}) > 0 and ({document} ->> 'InclusionOperator') {_JOINED} end"
    )
    excluded = f"(len({outside}) = 0 or ({document} ->> 'ExclusionOperator') {_JOINED})"
    good = (
        f"{_kind('e', 'Dimension')} = 'VARCHAR' and {_kind('e', 'Values')} = 'ARRAY'"
        f" and (e ->> 'Operator') in {_OPERATORS}"
    )
    rules = f"list_concat({inside}, {outside})"
    no_bad = f"len(list_filter({rules}, lambda e: not coalesce({good}, false))) = 0"
    whole = f"coalesce(({included}) and {excluded} and {no_bad}, false)"
    return f"({scope.text(name)} is null or {whole})"


DOCUMENTS: dict[str, Callable[[Scope, str], str]] = {
    "ContractAppliedObject": _applied,
    "CommitmentProgramEligibilityDetailsObject": _programs,
    "ContractCommitmentApplicabilityObject": _applicability,
}


# ---- values inside, by path: "ContractCommitmentApplicability.Inclusions[].Values"


def _no_value(scope: Scope, path: str, bad: str) -> str:
    """No value v at the path for which `bad` holds."""
    name, rest = path.split(".", 1)
    found = f"json_extract({scope.json(name)}, {quote_text('$.' + rest.replace('[]', '[*]'))})"
    values = found if "[]" in rest else f"[{found}]"
    return f"coalesce(len(list_filter({values}, lambda v: {bad})) = 0, true)"


def _fraction(scope: Scope, path: str) -> str:
    number = "try_cast(v as double)"
    return _no_value(
        scope, path, f"v is not null and not coalesce({number} between 0 and 1, false)"
    )


def _wildcard(scope: Scope, path: str) -> str:
    return _no_value(scope, path, "json_contains(v, '\"*\"') and json_array_length(v) > 1")


def _column_name(scope: Scope, path: str) -> str:
    known = ", ".join(quote_text(column.name) for column in columns(LATEST))
    return _no_value(scope, path, f"(v ->> '$') not in ({known})")


VALUES: dict[str, Callable[[Scope, str], str]] = {
    "fraction_0_1": _fraction,
    "wildcard_stands_alone": _wildcard,
    "is_cost_and_usage_column": _column_name,
}
