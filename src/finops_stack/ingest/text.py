"""csv → Parquet of texts, so that a value that does not parse is a finding with its address."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.ingest.landed import RawColumn
from finops_stack.vendors.layouts import LayoutRead
from finops_stack.warehouse.engine import EngineError, first_line, limit_reached
from finops_stack.warehouse.sql import NO_HIVE, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A tag value of 3 MB is legal; DuckDB's own limit is 2,000,000 bytes a line. The buffers stay four
# times as large: with small ones it takes a line past the limit without an error.
MAX_LINE_BYTES = 16 * 1024 * 1024
_HEADER_BYTES = 4 * 1024 * 1024
_WIDE = 1000
# Rows wait in memory until their group is written: 6 % more bytes than the usual 122,880 rows, and
# two threads hold 1.00 GB where one held 1.06 (121 columns, 0.9 GB of csv).
_ROW_GROUP = 20_480
# The default of [engine] memory_limit, 800MB, which DuckDB tells as 762.9 MiB.
_USUAL_LIMIT_MB = 799
_MB = {"MiB": 1.048576, "GiB": 1073.741824}
_TWO_THREADS_COLUMNS = 250
_PLAIN = LayoutRead()
_LINE = re.compile(r"Line: (\d+)")


def read_header(path: Path, name: str, read: LayoutRead = _PLAIN) -> list[str]:
    """The delivered column names, in order, BOM stripped. Raises InputError when there are none."""
    if read.header:
        return list(read.header)
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if not start.strip():
        raise InputError(f"{name} is empty: it has no header line", hint="have it delivered again")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{name} is UTF-16, expected UTF-8", hint="deliver it as UTF-8")
    lines = start.split(b"\n", read.skip_lines + 1)
    if len(lines) <= read.skip_lines:
        raise InputError(f"{name} has {len(lines)} lines, no header", hint="check skip_lines")
    try:
        text = lines[read.skip_lines].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8: byte {error.start} of its header", hint="deliver it as UTF-8"
        ) from error
    names = _split_header(text.rstrip("\r"), name, read)
    require_names(names, name)
    if not names or any(not column.strip() for column in names):
        raise InputError(f"{name}: its header line has an empty column name", hint="check the file")
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise InputError(f"{name}: column {twice[0]} is there twice", hint="check the export")
    return names


def _split_header(text: str, name: str, read: LayoutRead) -> list[str]:
    if not read.quoted:
        return text.split(read.delimiter)
    lines = csv.reader(io.StringIO(text), strict=True, delimiter=read.delimiter)
    try:
        return next(lines, [])
    except csv.Error as error:
        raise InputError(f"{name}: its header line: {error}", hint="check the file") from error


def require_names(names: list[str], file: str) -> None:
    """A column name goes into SQL, which no NUL can be part of."""
    for column in names:
        if "\0" in column:
            raise InputError(
                f"{file}: column {column!a} has a NUL byte in its name",
                hint="check the export",
            )


def file_names(delivered: list[str]) -> list[str]:
    """Names for the Parquet file: as delivered, but unique without regard to case."""
    taken = {column.lower() for column in delivered}
    seen: set[str] = set()
    names = []
    for column in delivered:
        name, number = column, 1
        while name.lower() in seen or (number > 1 and name.lower() in taken):
            number += 1
            name = f"{column}#{number}"
        seen.add(name.lower())
        names.append(name)
    return names


def text_to_parquet(
    connection: "DuckDBPyConnection",
    path: Path,
    target: Path,
    name: str,
    read: LayoutRead = _PLAIN,
) -> tuple[RawColumn, ...]:
    """Write one csv as all-text Parquet, rows in order.

    Raises: InputError with the line, for too few or many columns, stray quotes, wrong encoding.
    """
    delivered = read_header(path, name, read)
    names = file_names(delivered)
    skipped = read.skip_lines + (0 if read.header else 1)
    quote = '"' if read.quoted else ""
    columns = ", ".join(f"{quote_text(column)}: 'varchar'" for column in names)
    sql = f"""copy (
      from read_csv({quote_text(str(path))}, auto_detect = false, header = false, skip = {skipped},
        columns = {{{columns}}}, delim = {quote_text(read.delimiter)},
        quote = '{quote}', escape = '{quote}', nullstr = '',
        allow_quoted_nulls = true, strict_mode = true, null_padding = false,
        max_line_size = {MAX_LINE_BYTES}, buffer_size = {MAX_LINE_BYTES * 4}, {NO_HIVE})
    ) to {quote_text(str(target))}
    (format parquet, compression snappy, row_group_size {_ROW_GROUP})"""
    try:
        with ordered(connection, columns=len(names)):
            connection.execute(sql)
    except EngineError as error:
        raise limit_reached(error, name) or _explain(error, name) from error
    return tuple(RawColumn(n, d, "VARCHAR") for n, d in zip(names, delivered, strict=True))


@contextmanager
def ordered(connection: "DuckDBPyConnection", *, columns: int) -> Iterator[None]:
    """Rows keep their order, because the row number is the row's address.

    A file of very many columns on one thread: two that write 5,000 take 1.5 GB, one takes 0.7.
    """
    before = {name: _setting(connection, name) for name in ("threads", "memory_limit")}
    connection.execute("set preserve_insertion_order = true")
    if columns > _WIDE:
        connection.execute("set threads = 1")
    elif limit := _limit_for_two_threads(before["memory_limit"], columns):
        connection.execute(f"set memory_limit = '{limit}MB'")
    try:
        yield
    finally:
        connection.execute("set preserve_insertion_order = false")
        for name, value in before.items():
            connection.execute(f"set {name} = {quote_text(value)}")


def _limit_for_two_threads(limit: str, columns: int) -> int | None:
    """Megabytes at which DuckDB writes ordered rows on two threads, where that is safe.

    It asks for 4 MB a column and thread, is granted a fifth of the limit, and else goes on with
    one: 121 columns, 0.9 GB of csv: 7.1 s with 800 MB, 2.9 s with 2.4 GB, of which it fills 0.9.
    A limit below the usual one is left as it is: somebody meant it.
    """
    number, unit = limit.split()
    megabytes = float(number) * _MB.get(unit, 0)
    wanted = 5 * 4 * columns
    safe = columns <= _TWO_THREADS_COLUMNS and megabytes >= _USUAL_LIMIT_MB
    return wanted if safe and megabytes < wanted else None


def _setting(connection: "DuckDBPyConnection", name: str) -> str:
    row = connection.execute(f"select current_setting('{name}')::varchar").fetchone()
    return str(row[0]) if row else ""


# How DuckDB begins the line of its message that tells what is wrong.
_FAULTS = (
    ("Expected Number of Columns", "it has another number of columns than the header"),
    ("Value with unterminated quote", "a quote is not closed, or stands in the middle of a value"),
    ("Invalid unicode", "it is not UTF-8"),
    ("Maximum line size", f"it is longer than {MAX_LINE_BYTES} bytes"),
    ("Invalid Input Error: The CSV Parser state", "it mixes line ends (CR LF and LF) or quotes"),
)


def _explain(error: BaseException, name: str) -> InputError:
    lines = str(error).splitlines()
    found = _LINE.search(lines[0]) if lines else None
    place = f"{name}, line {found[1]}" if found else name
    for start, what in _FAULTS:
        if any(line.startswith(start) for line in lines):
            return InputError(f"{place}: {what}", hint="have the file delivered again")
    return InputError(f"{place}: {first_line(error)}", hint="have the file delivered again")


def describe_parquet(
    connection: "DuckDBPyConnection", path: Path, name: str
) -> tuple[tuple[RawColumn, ...], int]:
    """Columns and row count from the footer. Raises InputError when it cannot be read."""
    place = quote_text(str(path))
    try:
        columns = connection.execute(f"describe from read_parquet({place}, {NO_HIVE})").fetchall()
        schema = connection.execute(
            f"select name, coalesce(num_children, 0) from parquet_schema({place})"
        ).fetchall()
        row = connection.execute(f"select num_rows from parquet_file_metadata({place})").fetchone()
    except EngineError as error:
        raise limit_reached(error, name) or InputError(
            f"{name} is no readable Parquet file: {first_line(error)}",
            hint="have it delivered again, then run again",
        ) from error
    delivered = _top_names(schema)
    require_names(delivered, name)
    found = (RawColumn(c[0], d, c[1]) for c, d in zip(columns, delivered, strict=True))
    return tuple(found), int(row[0]) if row else 0


def _top_names(schema: list[tuple[str, int]]) -> list[str]:
    """The columns' own names; DuckDB gives two that differ only in case a number (team_1).

    schema: name and number of children of each element, depth first, the root before all.
    """
    names, inside = [], 0
    for name, children in schema[1:]:
        if inside == 0:
            names.append(name)
            inside = 1
        inside += children - 1
    return names
