"""FOCUS files anyone has, as one relation: a Parquet or csv file, or a folder of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.warehouse.engine import EngineError, first_line
from finops_stack.warehouse.sql import NO_HIVE, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PARQUET = (".parquet",)
_CSV = (".csv", ".csv.gz", ".csv.zst")
# Columns by which a version shows itself, newest first (FOCUS, "Introduced (version)").
_MARKS = (
    ("1.4", ("InvoiceDetailId", "CommitmentProgramEligibilityDetails")),
    ("1.3", ("ServiceProviderName", "HostProviderName", "AllocatedMethodId", "ContractApplied")),
    ("1.2", ("InvoiceId", "BillingAccountType", "SubAccountType", "PricingCurrency")),
    ("1.1", ("CapacityReservationId", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails")),
)
# Columns of the other datasets that no CostAndUsage file has.
_DATASETS = (
    ("ContractCommitment", "ContractCommitmentId"),
    ("InvoiceDetail", "InvoiceDetailCharge"),
    ("BillingPeriod", "BillingPeriodStatus"),
)


@dataclass(frozen=True)
class FocusInput:
    """A relation to judge, and what it seems to be."""

    relation: str
    columns: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def version(self) -> str:
        """The newest version of which it has a column that came with it."""
        names = set(self.columns)
        return next((version for version, marks in _MARKS if names & set(marks)), "1.0")

    @property
    def dataset(self) -> str:
        """CostAndUsage, unless it has the key of another dataset and no cost of a charge."""
        names = set(self.columns)
        if "ChargeCategory" in names:
            return "CostAndUsage"
        return next((name for name, key in _DATASETS if key in names), "CostAndUsage")


def open_input(connection: "DuckDBPyConnection", path: Path) -> FocusInput:
    """Raises InputError when there is nothing to read, or it cannot be read."""
    files = _files(path)
    kinds = {_PARQUET if f.name.lower().endswith(_PARQUET) else _CSV for f in files}
    if len(kinds) > 1:
        raise InputError(f"{path} holds Parquet and csv files", hint="judge them one by one")
    names = ", ".join(quote_text(str(file)) for file in files)
    if kinds == {_PARQUET}:
        relation = (
            f"read_parquet([{names}], union_by_name = true, filename = true,"
            f" file_row_number = true, {NO_HIVE})"
        )
    else:
        # Every value as text: whether it is a number or a time is for the rules to say.
        relation = (
            f"read_csv([{names}], all_varchar = true, header = true, union_by_name = true,"
            f" filename = true, {NO_HIVE})"
        )
    try:
        described = connection.execute(f"describe select * from {relation}").fetchall()
    except EngineError as error:
        raise InputError(
            f"{path} cannot be read: {first_line(error)}", hint="check that the file is whole"
        ) from error
    return FocusInput(relation, tuple(row[0] for row in described), tuple(files))


def _files(path: Path) -> list[Path]:
    known = (*_PARQUET, *_CSV)
    if path.is_file():
        if not path.name.lower().endswith(known):
            raise InputError(
                f"{path} is neither Parquet nor csv", hint=f"known: {', '.join(known)}"
            )
        return [path]
    if not path.is_dir():
        raise InputError(f"{path} is not there", hint="give a FOCUS file, a folder, or a source")
    found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(known))
    if not found:
        raise InputError(f"{path} holds no Parquet or csv file", hint=f"known: {', '.join(known)}")
    return found
