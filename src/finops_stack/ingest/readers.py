"""A delivered file of any kind → Parquet: verified whole, text as text, Parquet byte for byte."""

from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.text import describe_parquet, text_to_parquet
from finops_stack.ingest.verify import gunzip, require_parquet_frame, unzip
from finops_stack.vendors.layouts import LayoutRead

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def to_parquet(
    connection: "DuckDBPyConnection",
    original: Path,
    target: Path,
    *,
    name: str,
    read: LayoutRead,
) -> tuple[tuple[RawColumn, ...], int]:
    """Turn the downloaded file `original` into `target`; it is gone afterwards.

    name: its key, for messages; its end tells what it is.
    Gives its columns and number of rows. Raises: InputError when it is not whole or readable.
    """
    key = name.lower()
    if key.endswith(".parquet"):
        original.rename(target)
        require_parquet_frame(target, name)
        return describe_parquet(connection, target, name)
    plain = original.with_suffix(".csv")
    if key.endswith(".gz"):
        gunzip(original, plain, name)
    elif key.endswith(".zip"):
        unzip(original, plain, name)
    elif key.endswith(".csv"):
        original.rename(plain)
    else:
        raise InputError(
            f"{name}: no reader for this kind of file",
            hint="known: .parquet, .csv, .csv.gz, .csv.zip",
        )
    columns = text_to_parquet(connection, plain, target, name)
    plain.unlink()
    _, rows = describe_parquet(connection, target, name)
    return columns, rows
