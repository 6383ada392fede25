"""Makes bills and lakes once, measures what is asked for once, and remembers it."""

import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from generate import Bill, make_bill, months_from
from measure import Measured, least_of, measure, measure_step
from other_bills import BILLS

TINY_ROWS = 2_000
DICT_ROWS = 20_000
# A form of bill is its vendor and, where there are several, its file format.
PARQUET, TEXT = "aws-parquet", "aws-csv"
OTHER_FORMS = ("azure", "gcp", "focus-parquet", "focus-csv")
_YEAR, _FIRST_YEAR = 2025, 2021
_START = (2022, 1)
_CONFIG = """[lake]
path = "lake"

[[sources]]
name = "bench"
vendor = "{vendor}"
location = "source"
"""
_FINOPS = (sys.executable, "-m", "finops_stack.cli.main")


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

    def bill(self, rows: int, form: str = PARQUET, year: int = _YEAR) -> Path:
        """A source folder with one bill of so many rows; made at most once."""
        folder = self.out / "bills" / f"{form}-{year}-{rows}"
        complete = folder.with_suffix(".complete")
        if not complete.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            self._make(folder, rows, form, year)
            complete.touch()
        return folder

    def _make(self, folder: Path, rows: int, form: str, year: int) -> None:
        bill = Bill(folder, rows, year)
        if form == PARQUET:
            make_bill(bill)
        elif form == TEXT:
            make_bill(replace(bill, schema="legacy", format="csv.gz", rows_per_file=rows))
        elif form in BILLS:
            BILLS[form](folder, rows, date(year, 1, 1))
        else:
            self._export(folder, rows, form.removeprefix("focus-"), year)

    def _export(self, folder: Path, rows: int, file_format: str, year: int) -> None:
        """What a lake gives as FOCUS 1.2 is a bill for another."""
        config = self.lake(rows).parent / "finops.toml"
        month = f"{year}-01"
        command = [*_FINOPS, "--config", str(config), "export", "--focus-version", "1.2"]
        measure([*command, "--format", file_format, "--period", month, "--to", str(folder)])

    def data(self, rows: int, form: str = PARQUET) -> list[Path]:
        """The data files of that bill."""
        end = "*.csv.gz" if form == TEXT else "*.parquet"
        return sorted(self.bill(rows, form).rglob(end))

    def scan(self, rows: int) -> Measured:
        """L of that bill."""
        if rows not in self._scans:
            pattern = self.data(rows)[0].parent / "*.parquet"
            self._scans[rows] = least_of(self.repeat, lambda _: measure_step("scan", pattern))
        return self._scans[rows]

    def run(self, rows: int) -> Measured:
        """`finops run` on that bill; its lake is left for others to look at."""
        if rows not in self._runs:
            name = f"run-{rows}"
            self._runs[rows] = least_of(self.repeat, lambda _: self.fresh_run(name, rows))
            # Now, because the lake is used on.
            table = self.out / "lakes" / name / "lake" / "data" / "main" / "aws__cur_focus"
            self._focus_bytes[rows] = sum(p.stat().st_size for p in table.rglob("*.parquet"))
        return self._runs[rows]

    def fresh_run(self, name: str, rows: int, form: str = PARQUET) -> Measured:
        """`finops run` on a new month, in a lake that has one small month of the year before.

        So dbt's first parse is not in it: that is once an installation, not once a bill.
        """
        bill = self.bill(rows, form)
        config = self.install(name, form)
        deliver(bill, config)
        return self.run_again(config)

    def run_again(self, config: Path) -> Measured:
        """`finops run` as things are."""
        return measure([*_FINOPS, "--config", str(config), "run"])

    def install(self, name: str, form: str = PARQUET) -> Path:
        """An installation that has loaded one small month; gives its settings file."""
        small = self.bill(TINY_ROWS, form, _FIRST_YEAR)
        folder = self.out / "lakes" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config = folder / "finops.toml"
        config.write_text(_CONFIG.format(vendor=form.split("-")[0]))
        deliver(small, config)
        self.run_again(config)
        return config

    def lake(self, rows: int) -> Path:
        """The lake of the last run on that bill."""
        self.run(rows)
        return self.out / "lakes" / f"run-{rows}" / "lake"

    def focus_files(self, rows: int) -> list[Path]:
        """That bill as FOCUS 1.2, exported; made at most once."""
        folder = self.out / "bills" / f"focus-{rows}"
        if not folder.is_dir():
            config = self.lake(rows).parent / "finops.toml"
            command = [sys.executable, "-m", "finops_stack.cli.main", "--config", str(config)]
            command += ["export", "--to", str(folder), "--focus-version", "1.2", "--no-lineage"]
            measure([*command, "--period", "2025-01"])
        return sorted(folder.rglob("*.parquet"))

    def scan_focus(self, rows: int) -> Measured:
        """L of the exported FOCUS files."""
        pattern = self.focus_files(rows)[0].parent / "*.parquet"
        return least_of(self.repeat, lambda _: measure_step("scan", pattern))

    def judged(self, rows: int) -> Measured:
        """All rules of FOCUS 1.2 on the exported files."""
        folder = self.focus_files(rows)[0].parent
        return least_of(self.repeat, lambda _: measure_step("judge", folder))

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
    def rewriting(self) -> Measured:
        """The same model's finished rows, written again and nothing else."""
        project = self.lake(self.unit_rows) / "work" / "dbt"
        arguments = (project, "aws__cur_focus", self.out / "rewritten.parquet")
        return least_of(self.repeat, lambda _: measure_step("rewrite", *arguments))

    @cached_property
    def gunzip(self) -> Measured:
        """gzip alone on the csv.gz delivery."""
        data = self.data(self.unit_rows, TEXT)[0]
        return least_of(self.repeat, lambda _: measure_step("gunzip", data))

    @cached_property
    def text_run(self) -> Measured:
        """`finops run` on the csv.gz delivery."""
        return least_of(self.repeat, lambda _: self.fresh_run("csv", self.unit_rows, TEXT))

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

    def other_run(self, form: str) -> tuple[Measured, Measured]:
        """`finops run` on a new month of another vendor: of the unit's rows, of next to none."""
        name = f"run-{form}"
        many, few = (
            least_of(self.repeat, lambda _, rows=rows: self.fresh_run(name, rows, form))
            for rows in (self.unit_rows, TINY_ROWS)
        )
        return many, few

    def statement(self, form: str) -> Measured:
        """DuckDB alone: one statement from that bill's files to a FOCUS file."""
        files, target = self.bill(self.unit_rows, form), self.out / "statement.parquet"
        return least_of(self.repeat, lambda _: measure_step("statement", form, files, target))

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
        found = {1: least_of(lab.repeat, lambda _: lab.fresh_run("month", lab.month_rows))}
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
