"""Makes bills and lakes once, measures what is asked for once, and remembers it."""

import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from generate import Bill, make_bill, months_from
from measure import Measured, least_of, measure, measure_step

TINY_ROWS = 2_000
DICT_ROWS = 20_000
_FIRST_YEAR = 2021
_START = (2022, 1)
_CONFIG = """[lake]
path = "lake"

[[sources]]
name = "bench"
vendor = "aws"
location = "source"
"""


@dataclass
class Lab:
    """Everything lies under `out`; bills stay there for the next time, lakes do not."""

    out: Path
    sizes: tuple[int, ...]
    repeat: int = 3
    month_rows: int = 100_000
    kept_months: tuple[int, ...] = (3, 24, 36)
    _scans: dict[int, Measured] = field(default_factory=dict)
    _runs: dict[int, Measured] = field(default_factory=dict)
    _focus_bytes: dict[int, int] = field(default_factory=dict)

    @property
    def unit_rows(self) -> int:
        """The size most lines are about: the smallest asked for."""
        return self.sizes[0]

    def bill(self, rows: int, *, text: bool = False, year: int = 2025) -> Path:
        """A source folder with one bill of so many rows; made at most once."""
        folder = self.out / "bills" / f"{'csv' if text else 'parquet'}-{year}-{rows}"
        complete = folder.with_suffix(".complete")
        if not complete.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            bill = Bill(folder, rows, year)
            if text:
                bill = replace(bill, schema="legacy", format="csv.gz", rows_per_file=rows)
            make_bill(bill)
            complete.touch()
        return folder

    def data(self, rows: int, *, text: bool = False) -> list[Path]:
        """The data files of that bill."""
        end = "*.csv.gz" if text else "*.parquet"
        return sorted(self.bill(rows, text=text).rglob(end))

    def scan(self, rows: int) -> Measured:
        """L of that bill."""
        if rows not in self._scans:
            pattern = self.data(rows)[0].parent / "*.parquet"
            self._scans[rows] = least_of(self.repeat, lambda _: measure_step("scan", pattern))
        return self._scans[rows]

    def run(self, rows: int) -> Measured:
        """`finops run` on that bill; its lake is left for others to look at."""
        if rows not in self._runs:
            source, name = self.bill(rows), f"run-{rows}"
            self._runs[rows] = least_of(self.repeat, lambda _: self.fresh_run(name, source))
            # Now, because the lake is used on.
            table = self.out / "lakes" / name / "lake" / "data" / "main" / "aws__cur_focus"
            self._focus_bytes[rows] = sum(p.stat().st_size for p in table.rglob("*.parquet"))
        return self._runs[rows]

    def fresh_run(self, name: str, source: Path, *, text: bool = False) -> Measured:
        """`finops run` on a new month, in a lake that has one small month of the year before.

        So dbt's first parse is not in it: that is once an installation, not once a bill.
        """
        config = self.install(name, text=text)
        deliver(source, config)
        return self.run_again(config)

    def run_again(self, config: Path) -> Measured:
        """`finops run` as things are."""
        command = [sys.executable, "-m", "finops_stack.cli.main"]
        return measure([*command, "--config", str(config), "run"])

    def install(self, name: str, *, text: bool = False) -> Path:
        """An installation that has loaded one small month; gives its settings file."""
        folder = self.out / "lakes" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config = folder / "finops.toml"
        config.write_text(_CONFIG)
        deliver(self.bill(TINY_ROWS, text=text, year=_FIRST_YEAR), config)
        self.run_again(config)
        return config

    def lake(self, rows: int) -> Path:
        """The lake of the last run on that bill."""
        self.run(rows)
        return self.out / "lakes" / f"run-{rows}" / "lake"

    @cached_property
    def fixed(self) -> Measured:
        """`finops run` on a bill of next to nothing."""
        return self.run(TINY_ROWS)

    @cached_property
    def conversion(self) -> Measured:
        """The model's statement alone, into the lake's table."""
        project = self.lake(self.unit_rows) / "work" / "dbt"
        return least_of(self.repeat, lambda _: measure_step("convert", project, "aws__cur_focus"))

    @cached_property
    def gunzip(self) -> Measured:
        """gzip alone on the csv.gz delivery."""
        data = self.data(self.unit_rows, text=True)[0]
        return least_of(self.repeat, lambda _: measure_step("gunzip", data))

    @cached_property
    def text_run(self) -> Measured:
        """`finops run` on the csv.gz delivery."""
        source = self.bill(self.unit_rows, text=True)
        return least_of(self.repeat, lambda _: self.fresh_run("csv", source, text=True))

    @cached_property
    def nothing_new(self) -> tuple[Measured, list[str]]:
        """`finops run` with nothing to do, and the files of the lake it changed."""
        lake = self.lake(self.unit_rows)
        before = _tree(lake)
        config = lake.parent / "finops.toml"
        measured = least_of(self.repeat, lambda _: self.run_again(config))
        after = _tree(lake)
        changed = {
            path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
        }
        return measured, sorted(changed)

    @cached_property
    def replacements(self) -> "dict[int, Measured]":
        """Months kept → replacing one of them; 1: loading that month into an empty lake."""
        return Months(self).measure()

    @cached_property
    def dict_rows(self) -> Measured:
        """dlt with rows as dicts; DICT_ROWS of them."""
        data = self.data(self.unit_rows)[0]
        return measure_step("dlt-dicts", data, DICT_ROWS)

    @cached_property
    def polars(self) -> Measured:
        """polars from scan to sink."""
        target = self.out / "polars.parquet"
        data = self.data(self.unit_rows)[0]
        return least_of(self.repeat, lambda _: measure_step("polars", data, target))

    def focus_share(self) -> float:
        """Bytes of the FOCUS table's files after one run, as a share of the source's."""
        self.run(self.unit_rows)
        source = sum(path.stat().st_size for path in self.data(self.unit_rows))
        return self._focus_bytes[self.unit_rows] / source


class Months:
    """A lake that grows month by month; at each size one month is delivered anew."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.executions = 0

    def measure(self) -> dict[int, Measured]:
        """Months kept → replacing one of them; 1: such a month alone, new."""
        lab = self.lab
        alone = lab.bill(lab.month_rows)
        found = {1: least_of(lab.repeat, lambda _: lab.fresh_run("month", alone))}
        config = lab.install("months")
        months = months_from(*_START, max(lab.kept_months))
        loaded = 0
        for kept in lab.kept_months:
            for month in months[loaded:kept]:
                self._deliver(config, month)
            loaded = kept
            lab.run_again(config)
            found[kept] = least_of(lab.repeat, lambda _: self._replace(config, months[0]))
        return found

    def _replace(self, config: Path, month: tuple[int, int]) -> Measured:
        self._deliver(config, month)
        return self.lab.run_again(config)

    def _deliver(self, config: Path, month: tuple[int, int]) -> None:
        """Other amounts each time, under a new execution's name."""
        self.executions += 1
        year, number = month
        seed, run = self.executions, f"run-{self.executions}"
        source = config.parent / "source"
        make_bill(Bill(source, self.lab.month_rows, year, number, seed=seed, run=run))


def deliver(bill: Path, config: Path) -> None:
    """Put a bill into an installation's source folder (as hard links)."""
    source = config.parent / "source"
    shutil.copytree(bill, source, copy_function=os.link, dirs_exist_ok=True)


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Path → time of the last change and size, of every file.

    But not of the memory that readers of a SQLite file share (-shm): it holds locks, no content.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    stats = {path: path.stat() for path in files if not path.name.endswith("-shm")}
    return {
        os.path.relpath(path, folder): (stat.st_mtime_ns, stat.st_size)
        for path, stat in stats.items()
    }
