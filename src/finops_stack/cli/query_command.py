"""finops query."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from finops_stack.cli.bill_notes import bill_notes, say_notes
from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, json_text
from finops_stack.cli.output import show_table, write_csv
from finops_stack.errors import InputError

if TYPE_CHECKING:
    from finops_stack.warehouse.lake import Lake
    from finops_stack.warehouse.safe_query import Query

QueryFormat = Literal["table", "csv", "json", "parquet"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        epilog="Example: finops query 'select ServiceName, sum(billed_cost) from cost_by_month"
        " group by all' --format csv"
    )(query)


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SELECT; - reads it from stdin.")],
    output: Annotated[
        QueryFormat,
        typer.Option(
            "--format",
            help="csv: texts a spreadsheet would run as a formula get a leading '."
            " json: an array, decimals exact.",
        ),
    ] = "table",
    as_of: Annotated[
        str | None,
        typer.Option(help="As published then: 2026-11-01 (end of that day, UTC) or a full time."),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows of a table; other formats: all.")] = 1000,
) -> None:
    """Run a read-only SQL query on the published data."""
    from finops_stack.warehouse.safe_query import Query, locked

    state: Context = context.obj
    text = sys.stdin.read() if sql == "-" else sql
    if output == "parquet" and to is None and sys.stdout.isatty():
        raise InputError("Parquet is no text for a terminal", hint="give --to FILE, or pipe it")
    snapshot, notes = snapshot_at(state.session.lake, as_of)
    with locked(state.session.lake, snapshot=snapshot) as connection:
        found = Query(connection, text)
        with _target(to, binary=output == "parquet") as file:
            shown = _write(found, output, file, limit)
    if output == "table" and shown > limit:
        state.reporter.say(
            f"only the first {count_text(limit)} rows are shown; --limit N or --format csv for more"
        )
    if to is not None:
        state.reporter.say(f"wrote {to}")
    say_notes(state.reporter, notes)


def snapshot_at(lake: "Lake", as_of: str | None) -> tuple[int, list[str]]:
    """Which snapshot is read, and what to know of its bills (of an older one: table `bills`)."""
    from finops_stack.warehouse.bill_states import bill_states
    from finops_stack.warehouse.snapshots import newest_publication, publication_at

    moment = parse_moment(as_of) if as_of else None
    with lake.open(read_only=True) as connection:
        if moment is None:
            snapshot = newest_publication(connection).snapshot_id
            return snapshot, bill_notes(bill_states(connection))
        return publication_at(connection, moment).snapshot_id, []


def parse_moment(text: str) -> datetime:
    """'2026-11-01' → the end of that day; '2026-11-01T08:00:00+02:00' → that moment; in UTC,
    without a zone. Raises InputError on anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(
            f'"{text}" is no time', hint="write 2026-11-01 or 2026-11-01T08:00:00Z"
        ) from error
    if len(text.strip()) <= len("2026-11-01"):
        return datetime.combine(moment.date(), time.max)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


@contextmanager
def _target(to: Path | None, *, binary: bool) -> Iterator[IO[str] | IO[bytes]]:
    """stdout, or a file that gets its name only when it is whole."""
    if to is None:
        yield sys.stdout.buffer if binary else sys.stdout
        return
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with part.open("wb") if binary else part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(to)
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _write(found: "Query", output: QueryFormat, file: IO[str] | IO[bytes], limit: int) -> int:
    """The result in its format; gives the number of rows seen, one past the limit at most."""
    if output == "parquet":
        _require_distinct(found.columns)
        found.write_parquet(file)  # type: ignore[arg-type]
        return 0
    text: IO[str] = file  # type: ignore[assignment]
    if output == "csv":
        write_csv(text, found.columns, found.rows())
        return 0
    if output == "json":
        _require_distinct(found.columns)
        _write_json(text, found)
        return 0
    rows = list(islice(found.rows(), limit + 1))
    show_table(found.columns, rows[:limit], right=_numbers(found.columns, rows), file=text)
    return len(rows)


def _numbers(columns: list[str], rows: list[tuple[object, ...]]) -> list[str]:
    return [
        name
        for place, name in enumerate(columns)
        if all(isinstance(row[place], Decimal | int | float | None) for row in rows)
    ]


def _write_json(file: IO[str], found: "Query") -> None:
    """An array of objects, a row a line, written as the rows come."""
    separator = "["
    for row in found.rows():
        file.write(f"{separator}\n{json_text(dict(zip(found.columns, row, strict=True)))}")
        separator = ","
    file.write("[]\n" if separator == "[" else "\n]\n")


def _require_distinct(columns: list[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(
            f'two columns are called "{twice[0]}"', hint='name one of them: select a as "a2", …'
        )
