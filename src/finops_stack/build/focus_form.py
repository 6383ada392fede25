"""What is particular to a form that is FOCUS already: defaults, older words, what was filled."""

from collections.abc import Iterable, Mapping

from finops_stack.focus.spec import Column, canonical_columns
from finops_stack.vendors.focus_base import OLDER_WORDS, focus_columns
from finops_stack.vendors.manifest import Form
from finops_stack.warehouse.sql import quote_name, quote_text

# Only what no version may leave empty. ContractedCost of a covered purchase is what was billed,
# of usage what it cost (docs/decisions: FOCUS exports).
FOCUS_DEFAULTS: tuple[dict[str, str], ...] = (
    {
        "EffectiveCost": "BilledCost",
        "PricingCurrency": "BillingCurrency",
        "RegionName": "RegionId",
        "ServiceProviderName": "ProviderName",
        "ServiceCategory": "'Other'",
        "SubAccountName": "SubAccountId",
    },
    {
        "ContractedCost": "case ChargeCategory when 'Usage' then EffectiveCost else BilledCost end",
        "HostProviderName": "ServiceProviderName",
        "InvoiceIssuerName": "ServiceProviderName",
        "PricingCurrencyEffectiveCost": (
            "case when PricingCurrency = BillingCurrency then EffectiveCost end"
        ),
    },
    {
        "ListCost": "ContractedCost",
        "PricingCurrencyContractedUnitPrice": (
            "case when PricingCurrency = BillingCurrency then ContractedUnitPrice end"
        ),
        "PricingCurrencyListUnitPrice": (
            "case when PricingCurrency = BillingCurrency then ListUnitPrice end"
        ),
    },
)
# Where an x_ column of these names is declared, it says what was filled or changed, row by row.
FILLED = "x_FilledColumns"
# Names come from the user's own list as well: that is no repair.
_NOT_TOLD = frozenset({"BillingAccountName", "SubAccountName", FILLED})
_FIRST_VERSIONS = ("0.5", "1.0-preview", "1.0")
_BEFORE = "delivered_"
_BY_NAME: dict[str, Column] = {column.name: column for column in canonical_columns()}


def spelled(value: str, name: str) -> str:
    """A word of a closed list in the list's own spelling, whatever its case or age."""
    column = _BY_NAME.get(name)
    if column is None or not column.allowed_values:
        return value
    words = {word.lower(): word for word in column.allowed_values}
    words |= {old.lower(): new for old, new in OLDER_WORDS.get(name, {}).items()}
    arms = [f"when {quote_text(old)} then {quote_text(new)}" for old, new in words.items()]
    return f"case lower({value}) {' '.join(arms)} else {value} end"


def delivered_columns(form: Form, types: Mapping[str, str], *, is_spread: bool) -> dict[str, str]:
    """Column carried through the model → the delivered value it holds, where FILLED is asked."""
    if FILLED not in types or form.base != "focus":
        return {}
    kinds = form.columns.kinds()
    return {_BEFORE + "version": "source.focus_version"} | {
        _BEFORE + name: f"cast(null as {types[name]})"
        if is_spread or name not in kinds
        else f"source.{quote_name(name)}"
        for name in _told(form, types)
    }


def filled_sql(form: Form, types: Mapping[str, str]) -> str:
    """Names of the columns whose delivered value was empty or another, separated by blanks.

    A column the bill's version does not know yet was not left out by anyone. A row that was
    spread from another is not told about.
    """
    parts = [
        f"case when {_differs(name)}{_is_known(name)} then ' {name}' else '' end"
        for name in _told(form, types)
    ]
    joined = "\n        || ".join(parts) or "''"
    return f"case when x_SourcePart = 0 then nullif(trim(\n        {joined}\n    ), '') end"


def _told(form: Form, types: Mapping[str, str]) -> list[str]:
    """Columns that something may fill: defaults, mapping, look-ups, rules."""
    filled: set[str] = {name for step in FOCUS_DEFAULTS for name in step}
    filled |= {*form.mapping, *_targets(form)} - _NOT_TOLD
    ours = {column.name for column in focus_columns()}
    return [
        name
        for name in types
        if name in filled & ours and name not in _NOT_TOLD and not types[name].startswith("map(")
    ]


def _targets(form: Form) -> Iterable[str]:
    for lookup in form.lookups:
        yield from lookup.give
    for rule in form.rules:
        yield from rule.set


def _differs(name: str) -> str:
    now, before = quote_name(name), quote_name(_BEFORE + name)
    if _BY_NAME[name].allowed_values:
        now, before = f"lower({now})", f"lower({before})"
    return f"{now} is distinct from {before}"


def _is_known(name: str) -> str:
    since = _BY_NAME[name].introduced_version
    if since in _FIRST_VERSIONS:
        return ""
    return f" and delivered_version >= {quote_text(since)}"
