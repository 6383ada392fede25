"""The first rows of a bill nobody has described yet, as text: for a proposal, never for a load."""

import gzip
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_stack.errors import InputError
from finops_stack.vendors.guess import SampleColumn
from finops_stack.warehouse.engine import EngineError, first_line
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 200
# Enough for 200 wide lines; a document of JSON has to be read whole.
_BYTES = 50_000_000


@dataclass(frozen=True)
class Sample:
    """Columns with some values, and how the file has to be read ([layouts.read])."""

    columns: tuple[SampleColumn, ...]
    read: dict[str, str] = field(default_factory=dict)


def read_sample(connection: "DuckDBPyConnection", path: Path) -> Sample:
    """Raises InputError when the file is not there or is nothing known."""
    if not path.is_file():
        raise InputError(f"{path} is not there", hint="give the file of one bill")
    name = path.name.lower().removesuffix(".gz").removesuffix(".zip")
    if name.endswith((".json", ".jsonl", ".ndjson")):
        return _json_sample(path, lines=not name.endswith(".json"))
    if name.endswith(".parquet"):
        return _parquet_sample(connection, path)
    return _csv_sample(connection, path)


def _text(path: Path) -> str:
    """The beginning of a text file, unpacked."""
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as file:
            content = file.read(_BYTES)
    elif path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            content = file.read(_BYTES)
    else:
        with path.open("rb") as file:
            content = file.read(_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8", hint='say encoding = "latin-1" under [layouts.read] by hand'
        ) from error


def _csv_sample(connection: "DuckDBPyConnection", path: Path) -> Sample:
    """Delimiter and header as DuckDB's sniffer sees them; every value as text."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "sample.csv"
        plain.write_text("".join(islice(_lines(_text(path)), 2000)), encoding="utf-8")
        place = quote_text(str(plain))
        try:
            sniffed = connection.execute(
                f"select Delimiter, HasHeader from sniff_csv({place})"
            ).fetchone()
            found = connection.execute(
                f"select * from read_csv({place}, all_varchar = true, header = true) limit {_ROWS}"
            )
            names = [column[0] for column in found.description or ()]
            rows = found.fetchall()
        except EngineError as error:
            raise InputError(
                f"{path} is no readable csv: {first_line(error)}", hint="check the file"
            ) from error
    delimiter = str(sniffed[0]) if sniffed else ","
    read = {} if delimiter == "," else {"delimiter": delimiter}
    return Sample(_columns([dict(zip(names, row, strict=True)) for row in rows], names), read)


def _lines(text: str) -> Iterator[str]:
    yield from text.splitlines(keepends=True)


def _parquet_sample(connection: "DuckDBPyConnection", path: Path) -> Sample:
    try:
        source = f"read_parquet({quote_text(str(path))}, {NO_HIVE})"
        names = [row[0] for row in connection.execute(f"describe from {source}").fetchall()]
        texts = ", ".join(f"to_json({quote_name(n)})::varchar as {quote_name(n)}" for n in names)
        found = connection.execute(f"select {texts} from {source} limit {_ROWS}").fetchall()
    except EngineError as error:
        raise InputError(
            f"{path} is no readable Parquet file: {first_line(error)}", hint="check the file"
        ) from error
    rows = [
        {name: json.loads(text) for name, text in zip(names, row, strict=True) if text is not None}
        for row in found
    ]
    return Sample(_columns([_flat(row) for row in rows], names))


def _json_sample(path: Path, *, lines: bool) -> Sample:
    text = _text(path)
    try:
        if lines:
            rows = [json.loads(line, parse_float=str) for line in _lines(text) if line.strip()]
            where = ""
        else:
            where, rows = _find_rows(json.loads(text, parse_float=str))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}", hint="check the file") from error
    flat = [_flat(row) for row in rows[:_ROWS] if isinstance(row, dict)]
    return Sample(_columns(flat, []), {"rows": where} if where else {})


def _find_rows(document: Any, path: str = "") -> tuple[str, list[Any]]:
    """Where the longest list of objects is: ('data[*]', rows)."""
    if isinstance(document, list):
        return (f"{path}[*]" if path else "", document)
    best: tuple[str, list[Any]] = ("", [document] if isinstance(document, dict) else [])
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, dict | list):
                found = _find_rows(value, f"{path}.{key}" if path else key)
                if found[0] and len(found[1]) >= len(best[1]) and isinstance(found[1][0], dict):
                    best = found
    return best


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested objects by dotted names; lists stay JSON."""
    flat: dict[str, str] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value and not prefix and not _is_tags(key):
            flat |= _flat(value, f"{key}.")
        elif isinstance(value, dict | list):
            flat[prefix + key] = json.dumps(value, ensure_ascii=False)
        elif value is not None:
            flat[prefix + key] = str(value)
    return flat


def _is_tags(key: str) -> bool:
    return key.lower().rstrip("s") in ("tag", "label")


def _columns(rows: list[dict[str, Any]], names: list[str]) -> tuple[SampleColumn, ...]:
    order = list(dict.fromkeys(name for row in rows for name in row)) or names
    return tuple(
        SampleColumn(name, tuple(str(row[name]) for row in rows if row.get(name) is not None))
        for name in order
    )
