"""JSON → Parquet of texts: one column for each key of a row, nested values as JSON text.

DuckDB reads a JSON number as a double. A number that a double cannot hold to its last digit is put
into quotes before, so that it reaches the Parquet file as it was written.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.text import file_names, ordered, require_names
from finops_stack.vendors.layouts import LayoutRead
from finops_stack.warehouse.engine import EngineError, first_line, limit_reached
from finops_stack.warehouse.sql import quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# DuckDB's own limit for a row is 16 MB; its buffers are twice as large, one for each thread.
_MAX_ROW_BYTES = 16 * 1024 * 1024
_ROW_GROUP = 20_480
_AGAIN = "have the file delivered again"
_RECORD = re.compile(r"in record/value (\d+)")
# 16 digits and more: a double holds 15 of any number.
_LONG = r"(?:[0-9][.]?){16,}(?:[eE][+-]?[0-9]+)?"
# A string, or a number of 16 characters and more: strings are consumed whole, so that no digit in
# one is taken for a number. The marks are no character JSON text may hold.
_STRING_OR_LONG = r'("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]{15,})'
_MARK = "\x01"


@dataclass(frozen=True)
class _Rows:
    """A relation with the JSON text of each row in `row`, and values of enclosing objects."""

    relation: str
    parents: tuple[str, ...] = ()


def json_to_parquet(
    connection: "DuckDBPyConnection",
    path: Path,
    target: Path,
    *,
    name: str,
    read: LayoutRead,
    lines: bool,
) -> tuple[RawColumn, ...]:
    """Write the rows as all-text Parquet, in order. lines: one row a line, else a document.

    Raises: InputError with the line or record that is no JSON, or no object.
    """
    work = target.with_suffix(".rows")
    try:
        with _whole_rows(connection, path, lines=lines):
            if path.stat().st_size == 0:
                return _write_nothing(connection, target)
            rows = _rows(connection, path, work, name, read, lines=lines)
            return _write(connection, rows, target, name)
    except EngineError as error:
        raise limit_reached(error, name) or _explain(error, path, name, lines=lines) from error
    finally:
        work.unlink(missing_ok=True)


@contextmanager
def _whole_rows(connection: "DuckDBPyConnection", path: Path, *, lines: bool) -> Iterator[None]:
    """Rows in order; one thread for a document, whose buffer is as large as itself."""
    big = not lines and path.stat().st_size > _MAX_ROW_BYTES
    with ordered(connection, columns=0):
        if big:
            connection.execute("set threads = 1")
        yield


def _rows(
    connection: "DuckDBPyConnection",
    path: Path,
    work: Path,
    name: str,
    read: LayoutRead,
    *,
    lines: bool,
) -> _Rows:
    size = path.stat().st_size
    limit = _MAX_ROW_BYTES if lines else max(_MAX_ROW_BYTES, size + 1)
    kind = "newline_delimited" if lines else _document_kind(path)
    source = (
        f"read_json_objects({quote_text(str(path))}, format = '{kind}',"
        f" maximum_object_size = {limit})"
    )
    whole = f"(select cast(json as varchar) as row from {source})"
    if not read.rows:
        return _Rows(whole)
    _require_lists(connection, whole, read.rows, name)
    # The document is read twice more, and each time whole: its rows go to a file of their own.
    parents = tuple(path.replace("[*]", "") for path in read.parent)
    connection.execute(
        f"copy ({_unnested(f'(select {_exact()} as row from {whole})', read)})"
        f" to {quote_text(str(work))} (format parquet, row_group_size {_ROW_GROUP})"
    )
    return _Rows(f"read_parquet({quote_text(str(work))})", parents)


def _document_kind(path: Path) -> str:
    """A list of objects, or objects one after the other."""
    with path.open("rb") as file:
        start = file.read(4096).lstrip()
    return "array" if start[:1] == b"[" else "unstructured"


def _require_lists(connection: "DuckDBPyConnection", whole: str, rows: str, name: str) -> None:
    """The first list of the path is there: a document without it is another one than expected."""
    first = _json_path(rows.split("[*]")[0])
    found = connection.execute(
        f"select count(*) from {whole}"
        f" where json_type(row, {quote_text(first)}) is distinct from 'ARRAY'"
    ).fetchone()
    if found and found[0]:
        raise InputError(
            f"{name}: it has no list {rows.split('[*]')[0]}", hint=f"expected rows at {rows}"
        )


def _unnested(source: str, read: LayoutRead) -> str:
    """One row for each element of the innermost list, with the values of objects around it."""
    lists = [step.strip(".") for step in read.rows.split("[*]")[:-1]]
    by_level = _parents_by_level(read)
    names: list[str] = []
    for level, path in enumerate(lists):
        taken = [
            f"json_extract_string(row, {quote_text(_json_path(field))}) as {quote_name(name)}"
            for name, field in by_level.get(level, {}).items()
        ]
        kept = [quote_name(name) for name in names]
        element = f"unnest(json_extract(row, {quote_text(_json_path(path) + '[*]')})) as row"
        source = f"(select {', '.join([*kept, *taken, element])} from {source})"
        names += by_level.get(level, {})
    columns = ", ".join(["cast(row as varchar) as row", *map(quote_name, names)])
    return f"select {columns} from {source}"


def _parents_by_level(read: LayoutRead) -> dict[int, dict[str, str]]:
    """How deep → column name → path of the value inside the object of that depth."""
    levels: dict[int, dict[str, str]] = {}
    for path in read.parent:
        place, _, field = path.rpartition("[*].")
        level = place.count("[*]") + 1 if place else 0
        levels.setdefault(level, {})[path.replace("[*]", "")] = field or path
    return levels


def _json_path(dotted: str) -> str:
    return "$." + ".".join(f'"{step}"' for step in dotted.split("."))


def _write(
    connection: "DuckDBPyConnection", rows: _Rows, target: Path, name: str
) -> tuple[RawColumn, ...]:
    keys, inexact = _keys(connection, rows, name)
    delivered = [key for key in keys if key not in rows.parents] + list(rows.parents)
    if not delivered:
        return _write_nothing(connection, target)
    require_names(delivered, name)
    if any(not key.strip() for key in delivered):
        raise InputError(f"{name}: a row has a key without a name", hint="check the export")
    names = file_names(delivered)
    text = _exact() if inexact else "row"
    # A list of JSON pointers: each row is parsed once, whatever its keys are called.
    pointers = ", ".join(quote_text(_pointer(key)) for key in delivered)
    values = [
        quote_name(key) if key in rows.parents else f"found[{number}]"
        for number, key in enumerate(delivered, 1)
    ]
    columns = ", ".join(
        f"{value} as {quote_name(column)}" for value, column in zip(values, names, strict=True)
    )
    kept = "".join(f", {quote_name(parent)}" for parent in rows.parents)
    connection.execute(
        f"copy (select {columns} from (select json_extract_string({text}, [{pointers}]) as found"
        f"{kept} from {rows.relation})) to {quote_text(str(target))}"
        f" (format parquet, compression snappy, row_group_size {_ROW_GROUP})"
    )
    return tuple(RawColumn(n, d, "VARCHAR") for n, d in zip(names, delivered, strict=True))


def _keys(connection: "DuckDBPyConnection", rows: _Rows, name: str) -> tuple[list[str], bool]:
    """Every key of every row, and whether a row has a number that a double cannot hold."""
    found = connection.execute(
        f"select json_type(row), json_keys(row), bool_or({_is_inexact()}), count(*)"
        f" from {rows.relation} group by all order by count(*) desc, json_keys(row)"
    ).fetchall()
    if any(kind != "OBJECT" for kind, _, _, _ in found):
        _refuse_rows(connection, rows, name)
    keys = dict.fromkeys(key for _, each, _, _ in found for key in each or ())
    return list(keys), any(inexact for _, _, inexact, _ in found)


def _refuse_rows(connection: "DuckDBPyConnection", rows: _Rows, name: str) -> None:
    row = connection.execute(
        "select number, kind from (select row_number() over () as number, json_type(row) as kind"
        f" from {rows.relation}) where kind <> 'OBJECT' order by number limit 1"
    ).fetchone()
    number, kind = row or (0, "")
    what = "null" if kind == "NULL" else f"a JSON {str(kind).lower()}"
    raise InputError(f"{name}, row {number - 1}: it is {what}, expected an object", hint=_AGAIN)


def _write_nothing(connection: "DuckDBPyConnection", target: Path) -> tuple[RawColumn, ...]:
    """No row, so no column is known; Parquet wants one all the same."""
    connection.execute(
        f"copy (select null::varchar as nothing where false) to {quote_text(str(target))}"
        " (format parquet)"
    )
    return ()


def _is_inexact() -> str:
    """Whether a number in the row's text (or digits in a string of it) outgrows a double."""
    tokens = f"regexp_extract_all(row, {quote_text(_LONG)})"
    differs = "lambda t: cast(try_cast(t as double) as varchar) is distinct from t"
    return f"len(list_filter({tokens}, {differs})) > 0"


def _exact() -> str:
    """The row's text, with long numbers in quotes."""
    marked = f"regexp_replace(row, {quote_text(_STRING_OR_LONG)}, '\\1{_MARK}\\2{_MARK}', 'g')"
    quoted = f"replace(replace({marked}, '{_MARK}{_MARK}', ''), '{_MARK}', '\"')"
    return f"(case when {_is_inexact()} then {quoted} else row end)"


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _explain(error: BaseException, path: Path, name: str, *, lines: bool) -> InputError:
    text = first_line(error)
    # DuckDB counts no blank line, and begins with the second.
    if lines and (found := _broken_line(path)):
        return InputError(f"{name}, line {found[0]}: it is no JSON: {found[1]}", hint=_AGAIN)
    record = _RECORD.search(text)
    place = f"{name}, record {record[1]}" if record else name
    return InputError(f"{place}: it is no JSON: {_reason(text)}", hint=_AGAIN)


def _broken_line(path: Path) -> tuple[int, str] | None:
    """Number and fault of the first line that is no JSON."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    json.loads(line)
            except ValueError as error:
                return number, str(error)
    return None


def _reason(text: str) -> str:
    """DuckDB's reason, without the name of our own copy of the file."""
    return re.sub(r"^.*?Malformed JSON[^:]*:\s*", "", re.sub(r'"[^"]*/[^"]*"', "it", text))
