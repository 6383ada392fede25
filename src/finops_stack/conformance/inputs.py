"""FOCUS files anyone has: a Parquet or csv file, or a folder of them, one relation a dataset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.focus.spec import CHARGES, DATASETS, columns, versions_of
from finops_stack.warehouse.engine import EngineError, first_line
from finops_stack.warehouse.sql import NO_HIVE, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PARQUET = (".parquet",)
_CSV = (".csv", ".csv.gz", ".csv.zst")
# Came with 1.2, but Microsoft's exports of 1.0 have both.
_EARLY = frozenset({"BillingAccountType", "SubAccountType"})


@dataclass(frozen=True)
class FocusInput:
    """A relation to judge, and what it seems to be."""

    relation: str
    columns: tuple[str, ...]
    files: tuple[Path, ...]
    dataset: str

    @property
    def version(self) -> str:
        """What its columns tell."""
        return version_of(self.columns, self.dataset)


def version_of(delivered: Iterable[str], dataset: str = CHARGES) -> str:
    """The newest version of a dataset of which a column is there that came with it."""
    names = set(delivered) - _EARLY
    oldest, *later = versions_of(dataset)
    newest_first = zip(reversed(later), reversed([oldest, *later][:-1]), strict=True)
    for version, before in newest_first:
        if names & (_names(version, dataset) - _names(before, dataset)):
            return version
    return oldest


def open_inputs(
    connection: "DuckDBPyConnection",
    path: Path,
    *,
    dataset: str | None = None,
    staging: Path | None = None,
) -> list[FocusInput]:
    """The datasets in a file or folder, charges first.

    dataset: what all files hold; default: what the columns of each tell. staging: a folder for the
    rows of csv files, which are read many times over; without one they are parsed each time.
    Raises: InputError when there is nothing to read, or it cannot be read.
    """
    if dataset is not None:
        versions_of(dataset)
    sorted_files: dict[str, list[Path]] = {}
    for file in _files(path):
        found = dataset or dataset_of(_described(connection, _relation([file], path), file))
        sorted_files.setdefault(found, []).append(file)
    found_inputs = [
        _open(connection, sorted_files[name], name, path)
        for name in DATASETS
        if name in sorted_files
    ]
    if staging is None:
        return found_inputs
    return [_staged(connection, each, staging, path) for each in found_inputs]


def dataset_of(delivered: Iterable[str]) -> str:
    """The dataset of which most columns are there that no other dataset has; else the charges'."""
    names = set(delivered)
    marks = {name: len(names & _own(name)) for name in DATASETS}
    most = max(marks.values())
    return next(name for name in DATASETS if marks[name] == most) if most else CHARGES


def _names(version: str, dataset: str) -> set[str]:
    return {column.name for column in columns(version, dataset)}


@cache
def _own(dataset: str) -> frozenset[str]:
    """Columns of this dataset alone, over all versions."""
    named = {
        name: {each for version in versions_of(name) for each in _names(version, name)}
        for name in DATASETS
    }
    others = {each for name, found in named.items() if name != dataset for each in found}
    return frozenset(named[dataset] - others)


def _open(
    connection: "DuckDBPyConnection", files: Sequence[Path], dataset: str, path: Path
) -> FocusInput:
    relation = _relation(files, path)
    return FocusInput(relation, _described(connection, relation, path), tuple(files), dataset)


def _staged(
    connection: "DuckDBPyConnection", found: FocusInput, staging: Path, path: Path
) -> FocusInput:
    """A csv's rows, all text as they were, as Parquet: parsed once, judged in several scans."""
    if found.relation.startswith("read_parquet"):
        return found
    target = quote_text(str(staging / f"{found.dataset}.parquet"))
    try:
        connection.execute(f"copy (select * from {found.relation}) to {target} (format parquet)")
    except EngineError as error:
        raise _unreadable(path, error) from error
    return replace(found, relation=f"read_parquet({target}, {NO_HIVE})")


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read: {first_line(error)}", hint="check that the file is whole"
    )


def _relation(files: Sequence[Path], path: Path) -> str:
    kinds = {_PARQUET if f.name.lower().endswith(_PARQUET) else _CSV for f in files}
    if len(kinds) > 1:
        raise InputError(
            f"{path} holds one dataset as Parquet and as csv", hint="judge them one by one"
        )
    names = ", ".join(quote_text(str(file)) for file in files)
    if kinds == {_PARQUET}:
        return (
            f"read_parquet([{names}], union_by_name = true, filename = true,"
            f" file_row_number = true, {NO_HIVE})"
        )
    # Every value as text: whether it is a number or a time is for the rules to say.
    return (
        f"read_csv([{names}], all_varchar = true, header = true, union_by_name = true,"
        f" filename = true, {NO_HIVE})"
    )


def _described(connection: "DuckDBPyConnection", relation: str, path: Path) -> tuple[str, ...]:
    try:
        described = connection.execute(f"describe select * from {relation}").fetchall()
    except EngineError as error:
        raise _unreadable(path, error) from error
    return tuple(row[0] for row in described)


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
