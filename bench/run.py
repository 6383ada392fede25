"""Measures what the project promises about speed, memory and bytes: python bench/run.py.

Every figure is the least of --repeat processes; L is DuckDB reading and hashing every column of
the same Parquet file in the same run. What each line means: bench/README.md.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from lab import PARQUET, TEXT, Lab, deliver
from lines import LINES, Line
from measure import StepError
from profiling import profile_run

OUT = Path(__file__).parent / "out"


def main() -> None:
    """The command line. Exits 1 when a promise does not hold."""
    options = _options()
    lab = _lab(options)
    if options.profile:
        form = TEXT if options.profile == "csv" else PARQUET
        config = lab.install("profile", form)
        deliver(lab.bill(lab.unit_rows, form), config)
        profile_run(config)
        return
    console = Console(width=150)
    found: list[Line] = []
    failed = False
    for name in options.only or LINES:
        try:
            for line in LINES[name](lab):
                found.append(line)
                _say(console, line)
        except StepError as error:
            failed = True
            console.print(f"[red]{name}: could not be measured[/]")
            console.print(str(error), markup=False, highlight=False)
    console.print(_table(found))
    _write(options.out / "results.json", found)
    sys.exit(1 if failed or any(line.passes is False for line in found) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=_sizes, help="1000000,10000000 (the default)")
    parser.add_argument("--quick", action="store_true", help="200,000 rows and few months")
    parser.add_argument(
        "--only", action="append", choices=LINES, metavar="NAME", help=str([*LINES])
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--profile",
        nargs="?",
        const="parquet",
        choices=["parquet", "csv"],
        help="where the seconds of one finops run go",
    )
    return parser.parse_args()


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _lab(options: argparse.Namespace) -> Lab:
    out = options.out.resolve()
    if options.quick:
        rows = options.rows or (200_000,)
        return Lab(out, rows, options.repeat, month_rows=20_000, kept_months=(3, 12))
    return Lab(out, options.rows or (1_000_000, 10_000_000), options.repeat)


_VERDICTS = {True: "[green]pass[/]", False: "[red]FAIL[/]", None: "-"}


def _say(console: Console, line: Line) -> None:
    console.print(f"{_VERDICTS[line.passes]} {line.what}: {_figure(line.value)} {line.unit}")


def _table(lines: list[Line]) -> Table:
    table = Table(title=f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in ("what", "measured", "target", "limit", "x L", "CPU s", "", "note"):
        figure = name in ("measured", "limit", "x L", "CPU s")
        table.add_column(name, justify="right" if figure else "left")
    for line in lines:
        table.add_row(
            line.what,
            f"{_figure(line.value)} {line.unit}",
            line.target,
            _figure(line.limit),
            _figure(line.times_scan),
            _figure(line.cpu_s),
            _VERDICTS[line.passes],
            line.note,
        )
    return table


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def _write(path: Path, lines: list[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "machine": {
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "duckdb": duckdb.__version__,
        },
        "lines": [asdict(line) | {"passes": line.passes} for line in lines],
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
