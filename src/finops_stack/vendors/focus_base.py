"""Bills that are FOCUS already, of any version: their columns, and what older ones are called."""

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


def focus_columns() -> tuple[Column, ...]:
    """The canonical table's columns without the lineage, which is ours."""
    ours = {column.name for column in LINEAGE}
    return tuple(column for column in canonical_columns() if column.name not in ours)


def with_focus_columns(values: dict[str, Any]) -> dict[str, Any]:
    """A form's values, with every FOCUS column among its raw columns and the old names lifted."""
    columns = {kind: list(names) for kind, names in values.get("columns", {}).items()}
    declared = {name for names in columns.values() for name in names}
    for column in focus_columns():
        if column.name not in declared:
            kind = _KINDS.get(sql_type(column), "text")
            columns.setdefault(kind, []).append(column.name)
    return values | {"columns": columns, "aliases": _PREVIEW | values.get("aliases", {})}
