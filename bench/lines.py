"""The lines of the table: what is promised, what was measured, whether it holds."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab import DICT_ROWS, OTHER_FORMS, TINY_ROWS, Lab

_MILLION = 1_000_000


@dataclass(frozen=True)
class Line:
    """One line. `value` and `limit` are in `unit`; limit None: for comparison only."""

    what: str
    value: float
    unit: str
    limit: float | None
    target: str
    times_scan: float | None = None
    at_least: bool = False
    cpu_s: float | None = None
    note: str = ""

    @property
    def passes(self) -> bool | None:
        """Whether the promise holds; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def run_lines(lab: Lab) -> Iterator[Line]:
    """A new month, whole, by size."""
    rows = lab.unit_rows
    scan, run = lab.scan(rows).wall_s, lab.run(rows).wall_s
    yield Line(
        f"finops run, a new month of {rows:,} rows",
        run,
        "s",
        5 * scan + 6,
        "5 L + 6 s",
        run / scan,
        cpu_s=lab.run(rows).cpu_s,
        note=f"L {scan:.2f} s; fixed part {lab.fixed.wall_s:.2f} s ({TINY_ROWS:,} rows)",
    )
    for more in lab.sizes[1:]:
        further = (lab.run(more).wall_s - run) / (more - rows) * _MILLION
        unit = scan / rows * _MILLION
        what = f"each further million rows, up to {more:,}"
        yield Line(what, further, "s", 4 * unit, "4 L", further / unit)


def convert_lines(lab: Lab) -> Iterator[Line]:
    """The model's SQL into the lake, without dbt's start-up."""
    scan, took = lab.scan(lab.unit_rows).wall_s, lab.conversion.wall_s
    writing = lab.rewriting.wall_s
    yield Line(
        "conversion alone",
        took,
        "s",
        2 * writing,
        "2 x writing the same rows",
        took / scan,
        cpu_s=lab.conversion.cpu_s,
        note=f"writing {writing:.2f} s; the first target, 2.5 L, is given up (decision 0014)",
    )


def csv_lines(lab: Lab) -> Iterator[Line]:
    """csv.gz."""
    alone, took = lab.gunzip.wall_s, lab.text_run.wall_s
    yield Line(
        "csv.gz delivery, verified and converted",
        took,
        "s",
        4 * alone + lab.fixed.wall_s,
        "4 x gunzip + fixed part",
        took / lab.scan(lab.unit_rows).wall_s,
        cpu_s=lab.text_run.cpu_s,
        note=f"gunzip alone {alone:.2f} s",
    )


def replace_lines(lab: Lab) -> Iterator[Line]:
    """A restated month among many."""
    took = lab.replacements
    alone, few, *more = (took[kept] for kept in (1, *lab.kept_months))
    yield Line(
        f"replacing one month of {lab.kept_months[1]} ({lab.month_rows:,} rows each)",
        more[0].wall_s,
        "s",
        1.5 * alone.wall_s,
        "1.5 x that month alone",
        cpu_s=more[0].cpu_s,
        note=f"alone {alone.wall_s:.2f} s",
    )
    for kept, measured in zip(lab.kept_months[1:], more, strict=True):
        growth = measured.wall_s / few.wall_s
        what = f"the same with {kept} months kept, against {lab.kept_months[0]}"
        yield Line(what, growth, "x", 1.1, "1.1 x")


def nothing_lines(lab: Lab) -> Iterator[Line]:
    """No new delivery."""
    measured, changed = lab.nothing_new
    yield Line("nothing new", measured.wall_s, "s", 2.5, "2.5 s", cpu_s=measured.cpu_s)
    note = ", ".join(changed[:3])
    yield Line("nothing new: files written", len(changed), "files", 0, "none", note=note)


def memory_lines(lab: Lab) -> Iterator[Line]:
    """The whole process tree's highest resident memory."""
    for rows in dict.fromkeys((lab.sizes[0], lab.sizes[-1])):
        peak = lab.run(rows).peak_bytes / 1e9
        yield Line(f"peak memory, {rows:,} rows", peak, "GB", 1.2, "1.2 GB")


def growth_lines(lab: Lab) -> Iterator[Line]:
    """Exponents: 1 is in proportion to the rows, 0 is not at all."""
    few, many = lab.sizes[0], lab.sizes[-1]
    if few == many:
        return
    first, last = lab.run(few), lab.run(many)
    span = f"{few:,} → {many:,} rows"
    scale = math.log(many / few)
    wall = math.log(last.wall_s / first.wall_s) / scale
    memory = math.log(last.peak_bytes / first.peak_bytes) / scale
    yield Line(f"growth of time, {span}", wall, "exponent", 1.05, "1.05")
    yield Line(f"growth of memory, {span}", memory, "exponent", 0.15, "0.15")


def bytes_lines(lab: Lab) -> Iterator[Line]:
    """What the FOCUS table takes on disk."""
    yield Line("FOCUS bytes per source Parquet byte", lab.focus_share(), "x", 0.6, "0.6 x")


def vendor_lines(lab: Lab) -> Iterator[Line]:
    """Other vendors' bills, against one statement that DuckDB runs by itself."""
    for form in OTHER_FORMS:
        (many, few), alone = lab.other_run(form), lab.statement(form)
        yield Line(
            f"{form}: {lab.unit_rows:,} rows, without the fixed part, against one statement",
            (many.wall_s - few.wall_s) / alone.wall_s,
            "x",
            3.5,
            "3.5 x",
            cpu_s=many.cpu_s,
            note=f"whole {many.wall_s:.1f} s, fixed part {few.wall_s:.1f} s,"
            f" statement {alone.wall_s:.1f} s, {many.peak_bytes / 1e9:.2f} GB",
        )


def conformance_lines(lab: Lab) -> Iterator[Line]:
    """Every rule of FOCUS 1.2 over the bill's FOCUS rows; L here is the FOCUS file's own."""
    sizes = tuple(dict.fromkeys((lab.sizes[0], lab.sizes[-1])))
    judged = {rows: lab.judged(rows) for rows in sizes}
    for rows in sizes:
        scan, took = lab.scan_focus(rows).wall_s, judged[rows]
        what = f"conformance of {rows:,} rows, all rules of 1.2"
        note = f"L of the FOCUS file {scan:.2f} s"
        ratio, cpu_s = took.wall_s / scan, took.cpu_s
        yield Line(what, took.wall_s, "s", 4 * scan, "4 L", ratio, cpu_s=cpu_s, note=note)
        yield Line(f"{what}: peak memory", took.peak_bytes / 1e9, "GB", 2, "2 GB")
    if len(sizes) > 1:
        few, many = sizes
        growth = math.log(judged[many].wall_s / judged[few].wall_s) / math.log(many / few)
        yield Line("conformance: growth of time", growth, "exponent", 1.05, "1.05")


def compared_lines(lab: Lab) -> Iterator[Line]:
    """Others, side by side, on the same bill."""
    rows = lab.sizes[-1]
    ours = lab.run(rows).wall_s / rows
    theirs = lab.dict_rows.wall_s / DICT_ROWS
    scan = lab.scan(lab.unit_rows).wall_s
    yield Line(
        f"dlt with dict rows, per row, against finops run of {rows:,} rows",
        theirs / ours,
        "x",
        # Below a million rows the fixed part is most of ours.
        300 if rows >= _MILLION else None,
        "at least 300 x slower",
        theirs * lab.unit_rows / scan,
        at_least=True,
        note=f"{DICT_ROWS:,} rows, {theirs * _MILLION:,.0f} s a million",
    )
    polars = lab.polars
    yield Line(
        "polars scan → sink, 43 FOCUS columns, doubles",
        polars.wall_s,
        "s",
        None,
        "-",
        polars.wall_s / scan,
        cpu_s=polars.cpu_s,
    )


LINES: dict[str, Callable[[Lab], Iterator[Line]]] = {
    "run": run_lines,
    "convert": convert_lines,
    "csv": csv_lines,
    "nothing": nothing_lines,
    "replace": replace_lines,
    "memory": memory_lines,
    "growth": growth_lines,
    "bytes": bytes_lines,
    "vendors": vendor_lines,
    "conformance": conformance_lines,
    "compared": compared_lines,
}
