"""Bills that are FOCUS already, of any version: their columns, and what older ones are called."""

from collections.abc import Iterable
from typing import Any

from finops_stack.focus.spec import LINEAGE, Column, canonical_columns, sql_type

_KINDS = {"decimal(38,15)": "money", "timestamp": "time", "map(varchar, varchar)": "map"}
# FOCUS 1.0-preview, column pages; still delivered by emitters that say 1.0.
_PREVIEW = {
    "Provider": "ProviderName",
    "Publisher": "PublisherName",
    "InvoiceIssuer": "InvoiceIssuerName",
    "Region": "RegionId",
    "UsageQuantity": "ConsumedQuantity",
    "UsageUnit": "ConsumedUnit",
}
# FOCUS 1.0, change log: the words of 1.0-preview that were renamed.
OLDER_WORDS = {"PricingCategory": {"On-Demand": "Standard", "Commitment-Based": "Committed"}}
# 1.0 dropped the first and renamed the second; no later version has either.
_PREVIEW_MARKS = frozenset({"chargesubcategory", "region"})
# 1.4 removed the first two and kept the others mandatory (column pages of 1.3 and 1.4).
_REMOVED = frozenset({"providername", "publishername"})
_REPLACED_BY = frozenset({"serviceprovidername", "hostprovidername", "invoiceissuername"})
# What came before 1.0 tells nothing: every version has it.
_FIRST = "1.0"


def focus_columns() -> tuple[Column, ...]:
    """The canonical table's columns without the lineage, which is ours."""
    ours = {column.name for column in LINEAGE}
    return tuple(column for column in canonical_columns() if column.name not in ours)


def focus_version(delivered: Iterable[str]) -> str:
    """The version whose columns these are: that of the newest column among them."""
    names = {name.lower() for name in delivered}
    if names & _PREVIEW_MARKS:
        return "1.0-preview"
    if names >= _REPLACED_BY and not names & _REMOVED:
        return "1.4"
    introduced = (c.introduced_version for c in focus_columns() if c.name.lower() in names)
    return max((v for v in introduced if v > _FIRST and "-" not in v), default=_FIRST)


def with_focus_columns(values: dict[str, Any]) -> dict[str, Any]:
    """A form's values, with every FOCUS column among its raw columns and the old names lifted."""
    columns = {kind: list(names) for kind, names in values.get("columns", {}).items()}
    declared = {name for names in columns.values() for name in names}
    for column in focus_columns():
        if column.name not in declared:
            kind = _KINDS.get(sql_type(column), "text")
            columns.setdefault(kind, []).append(column.name)
    return values | {"columns": columns, "aliases": _PREVIEW | values.get("aliases", {})}
