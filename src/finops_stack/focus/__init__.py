"""The FOCUS specification, per version, as CSV and one loader; knows no vendor."""

from finops_stack.focus.spec import (
    CHARGES,
    DATASETS,
    LATEST,
    LINEAGE,
    VERSIONS,
    Column,
    canonical_columns,
    canonical_expression,
    columns,
    service_categories,
    sql_type,
    version_select,
    versions_of,
)

__all__ = [
    "CHARGES",
    "DATASETS",
    "LATEST",
    "LINEAGE",
    "VERSIONS",
    "Column",
    "canonical_columns",
    "canonical_expression",
    "columns",
    "service_categories",
    "sql_type",
    "version_select",
    "versions_of",
]
