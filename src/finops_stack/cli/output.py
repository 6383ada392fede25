"""Results on stdout: tables, JSON and csv, whole values, never cut to a width when piped."""

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from finops_stack.cli.format import csv_text, json_text, screen_text

Format = Literal["text", "json"]
FormatOption = Annotated[Format, typer.Option("--format", help="text for people, or json.")]

# No table is wider than this; a pipe has no width of its own.
_PIPE_WIDTH = 100_000


def show_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    title: str = "",
    file: IO[str] | None = None,
) -> None:
    """A table; columns named in `right` are numbers. Cells fold at the terminal's edge."""
    if title:
        show_line(title)
    table = Table()
    for header in headers:
        table.add_column(
            Text(screen_text(header)),
            justify="right" if header in right else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(screen_text(value)) for value in row))
    stdout_console(file).print(table)


def show_line(text: str = "") -> None:
    """One line, as it is."""
    stdout_console().print(Text(screen_text(text)), soft_wrap=True)


def show_json(value: object) -> None:
    """One JSON document; decimals exact."""
    sys.stdout.write(json_text(value) + "\n")


def show_csv(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as csv, safe to open in a spreadsheet."""
    write_csv(sys.stdout, headers, rows)


def write_csv(file: IO[str], headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as csv: NULL empty, formulas disarmed (see csv_text)."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([csv_text(header) for header in headers])
    writer.writerows([csv_text(value) for value in row] for row in rows)


def stdout_console(file: IO[str] | None = None) -> Console:
    """Colours on a terminal only; a pipe is as wide as its lines."""
    target = file or sys.stdout
    width = None if target.isatty() else _PIPE_WIDTH
    return Console(file=target, width=width, highlight=False)
