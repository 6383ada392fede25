"""The FOCUS specification as data: columns of each version, allowed values, canonical shape."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from finops_stack.errors import FinopsError

# focus.finops.org, CostAndUsage dataset; one folder of this package for each.
VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
LATEST = VERSIONS[-1]
# The dataset of charges, then those that came later, each with the version it came with.
CHARGES = "CostAndUsage"
DATASETS = {
    CHARGES: VERSIONS[0],
    "ContractCommitment": "1.3",
    "InvoiceDetail": "1.4",
    "BillingPeriod": "1.4",
}

# docs/vendor-folders.md, "What a model reads and gives".
_SQL_TYPES = {
    "String": "varchar",
    "Decimal": "decimal(38,15)",
    "Date/Time": "timestamp",
    "JSON": "varchar",
    "BigInt": "bigint",
    "Integer": "integer",
}
_MAP_TYPE = "map(varchar, varchar)"

# FOCUS 1.3 replaced both and 1.4 removed them (column pages of 1.3, "Deprecated"). The canonical
# table has them, but a bill that is natively 1.4 leaves them empty: then the successor speaks.
# HostProviderName may be null (a charge deployed on nothing), so it has a successor as well.
_SUCCESSORS = {
    "ProviderName": ("ServiceProviderName",),
    "PublisherName": ("HostProviderName", "ServiceProviderName"),
}


@dataclass(frozen=True)
class Column:
    """One column as its version describes it; empty text means the page says nothing.

    feature_level is Mandatory, Conditional, Recommended, or Custom (an x_ column of ours);
    numeric_range is 'any', '>=0', '0..1' or empty.
    """

    name: str
    data_type: str
    feature_level: str
    allows_nulls: bool
    value_format: str = ""
    allowed_values: tuple[str, ...] = ()
    category: str = ""
    introduced_version: str = ""
    deprecated_version: str = ""
    removed_version: str = ""
    numeric_range: str = ""
    applies_when: str = ""

    @property
    def required(self) -> bool:
        """Whether every row has to carry a value."""
        return self.feature_level == "Mandatory" and not self.allows_nulls


# docs/vendor-folders.md: the address of the raw row behind a FOCUS row. A row that no raw row
# stands behind has neither file nor row; x_SourcePart counts the parts of a raw row from 0.
LINEAGE = (
    Column("x_SourceName", "String", "Custom", False),
    Column("x_DeliveryId", "String", "Custom", False),
    Column("x_SourceFile", "String", "Custom", True),
    Column("x_SourceRow", "BigInt", "Custom", True),
    Column("x_SourcePart", "Integer", "Custom", False),
)


@cache
def columns(version: str, dataset: str = CHARGES) -> tuple[Column, ...]:
    """The columns of one version's dataset, in the specification's order (alphabetical).

    Raises FinopsError on a version there is no list for, or that does not have the dataset.
    """
    if version not in VERSIONS:
        raise FinopsError(
            f'there is no FOCUS version "{version}" here',
            hint=f"known versions: {', '.join(VERSIONS)}",
            exit_code=2,
        )
    if dataset == CHARGES:
        return tuple(_column(row) for row in _read_rows(f"{version}/columns.csv"))
    if version not in versions_of(dataset):
        raise FinopsError(
            f"FOCUS {version} has no dataset {dataset}",
            hint=f"it came with FOCUS {DATASETS[dataset]}",
            exit_code=2,
        )
    rows = _read_rows("datasets.csv")
    wanted = (version, dataset)
    return tuple(_column(row) for row in rows if (row["focus_version"], row["dataset"]) == wanted)


def versions_of(dataset: str) -> tuple[str, ...]:
    """The versions that have a dataset, oldest first; raises FinopsError for an unknown one."""
    if dataset not in DATASETS:
        raise FinopsError(
            f'FOCUS has no dataset "{dataset}"',
            hint=f"datasets: {', '.join(DATASETS)}",
            exit_code=2,
        )
    return VERSIONS[VERSIONS.index(DATASETS[dataset]) :]


@cache
def canonical_columns() -> tuple[Column, ...]:
    """Columns of the one FOCUS table: all of 1.4, what 1.4 removed, then lineage."""
    latest = columns(LATEST)
    names = {column.name for column in latest}
    removed = tuple(column for column in columns("1.3") if column.name not in names)
    return latest + removed + LINEAGE


@cache
def service_categories() -> tuple[tuple[str, str], ...]:
    """Allowed (ServiceCategory, ServiceSubcategory) pairs; the same from 1.1 to 1.4."""
    rows = _read_rows("service_categories.csv")
    return tuple((row["service_category"], row["service_subcategory"]) for row in rows)


def sql_type(column: Column) -> str:
    """DuckDB's type for a column; key-value JSON (Tags) is a map, other JSON stays text."""
    if column.data_type == "JSON" and column.value_format == "Key-Value Format":
        return _MAP_TYPE
    return _SQL_TYPES[column.data_type]


def version_select(version: str) -> list[tuple[str, str]]:
    """(column, SQL expression over the canonical table) for one version, in its order."""
    return [(column.name, canonical_expression(column.name)) for column in columns(version)]


def canonical_expression(name: str) -> str:
    """A FOCUS column out of the canonical table: itself, or its successor where it is empty."""
    successors = _SUCCESSORS.get(name)
    return f"coalesce({', '.join((name, *successors))})" if successors else name


def _read_rows(path: str) -> list[dict[str, str]]:
    resource = files("finops_stack.focus").joinpath(*path.split("/"))
    return list(csv.DictReader(resource.read_text(encoding="utf-8").splitlines()))


def _column(row: dict[str, str]) -> Column:
    values = row["allowed_values"]
    return Column(
        name=row["column"],
        data_type=row["data_type"],
        feature_level=row["feature_level"],
        allows_nulls=row["allows_nulls"] == "True",
        value_format=row["value_format"],
        allowed_values=tuple(values.split("|")) if values else (),
        category=row["category"],
        introduced_version=row["introduced_version"],
        deprecated_version=row["deprecated_version"],
        removed_version=row["removed_version"],
        numeric_range=row["numeric_range"],
        applies_when=row["applies_when"],
    )
