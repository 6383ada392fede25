"""A vendor's fixtures through every step, in a lake of their own that is thrown away."""

import csv
import shutil
import tempfile
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_stack.cli.context import Context
from finops_stack.cli.flow import run as run_flow
from finops_stack.cli.format import money_text, plain_text
from finops_stack.cli.output import show_table
from finops_stack.cli.session import Session
from finops_stack.cli.summary import RunSummary
from finops_stack.config import Config, LakeSettings, Source
from finops_stack.errors import EXIT_HELD, InputError
from finops_stack.findings import CheckResult, text_of
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.manifest import Vendor

LINEAGE = ("x_SourceFile", "x_SourceRow", "x_SourcePart")
_SHOWN = (
    "ChargePeriodStart",
    "ChargeCategory",
    "ServiceName",
    "ServiceCategory",
    "BilledCost",
    "BillingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "BillingAccountId",
)


@dataclass
class Case:
    """One fixture: its FOCUS rows, what they add up to, and where they differ from golden.csv."""

    name: str
    rows: int = 0
    raw_rows: int = 0
    totals: list[tuple[str, Decimal]] = field(default_factory=list)
    shown: list[tuple[Any, ...]] = field(default_factory=list)
    has_golden: bool = False
    differences: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """All cases of a vendor after one run."""

    vendor: Vendor
    summary: RunSummary
    cases: list[Case]

    @property
    def exit_code(self) -> int:
        """As of a run; 3 as well where a golden.csv is not met."""
        differs = any(case.differences for case in self.cases)
        return self.summary.exit_code or (EXIT_HELD if differs else 0)


def try_vendor(state: Context, name: str) -> Trial:
    """Run every fixture of the vendor. Raises InputError when there is none."""
    vendor = load_vendor(name, state.session.config.vendor_folders)
    cases = sorted(p.parent for p in (vendor.folder / "fixtures").glob("*/delivery"))
    if not cases:
        raise InputError(
            f"{vendor.folder} has no fixture",
            hint="put a bill, as delivered, into fixtures/<case>/delivery/",
        )
    with tempfile.TemporaryDirectory(prefix="finops-vendor-") as folder:
        session = _session(state, vendor, cases, Path(folder))
        summary = run_flow(session, state.reporter, now=state.now())
        return Trial(vendor, summary, _judge(session, cases))


def _session(state: Context, vendor: Vendor, cases: list[Path], folder: Path) -> Session:
    """Each case a source; the real lake is not touched."""
    sources = []
    for case in cases:
        place = folder / "bills" / case.name
        shutil.copytree(case / "delivery", place)
        sources.append(
            Source(
                name=_source_name(case), vendor=vendor.name, location=str(place), **_settings(case)
            )
        )
    config = state.session.config
    return Session(
        Config(
            lake=LakeSettings(path=folder / "lake"),
            engine=config.engine,
            sources=tuple(sources),
            vendor_folders=config.vendor_folders,
        )
    )


def _source_name(case: Path) -> str:
    return case.name.replace("_", "-").lower()[:48]


def _settings(case: Path) -> dict[str, Any]:
    """source.toml: what a user would write into finops.toml for this bill."""
    path = case / "source.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="mend that line") from error


def _judge(session: Session, cases: list[Path]) -> list[Case]:
    """What became of each case; those that were not published have no rows."""
    judged = []
    with session.lake.open(read_only=True) as connection:
        for case in cases:
            source = [_source_name(case)]
            found = Case(case.name)
            found.totals = connection.execute(
                "select BillingCurrency, sum(BilledCost) from focus where x_SourceName = ?"
                " group by BillingCurrency order by BillingCurrency",
                source,
            ).fetchall()
            counted = connection.execute(
                "select count(*) from focus where x_SourceName = ?", source
            ).fetchone()
            found.rows = int(counted[0]) if counted else 0
            found.shown = connection.execute(
                f"select {', '.join(_SHOWN)} from focus where x_SourceName = ?"
                " order by x_SourceFile, x_SourceRow, x_SourcePart limit 100",
                source,
            ).fetchall()
            _compare(connection, case, found)
            judged.append(found)
    return judged


def _compare(connection: Any, case: Path, found: Case) -> None:
    path = case / "golden.csv"
    if not path.is_file():
        return
    found.has_golden = True
    with path.open(encoding="utf-8", newline="") as lines:
        expected = list(csv.DictReader(lines))
    names = list(expected[0]) if expected else list(LINEAGE)
    select = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    rows = connection.execute(
        f"select {select} from focus where x_SourceName = ?", [_source_name(case)]
    ).fetchall()
    actual = [dict(zip(names, map(text_of, row), strict=True)) for row in rows]
    found.differences = differences(expected, actual)


def differences(expected: list[dict[str, str]], actual: list[dict[str, str]]) -> list[str]:
    """Row by row and column by column, in words."""

    def by_address(rows: list[dict[str, str]]) -> dict[tuple[str, ...], dict[str, str]]:
        return {tuple(row[name] for name in LINEAGE): row for row in rows}

    want, have = by_address(expected), by_address(actual)
    said = [f"row {_place(key)} is missing" for key in want if key not in have]
    said += [f"row {_place(key)} is not expected" for key in have if key not in want]
    for key in want:
        for name, value in want[key].items():
            if key in have and have[key][name] != value:
                said.append(f"row {_place(key)}: {name} is {have[key][name]!r}, expected {value!r}")
    return said


def _place(key: tuple[str, ...]) -> str:
    return ", ".join(part for part in key)


def show_trial(state: Context, trial: Trial, *, rows: int) -> None:
    """Tables on stdout, what is wrong on stderr."""
    from finops_stack.cli.run_command import show_summary

    for case in trial.cases:
        if case.shown:
            shown = [[plain_text(value) for value in row] for row in case.shown[:rows]]
            show_table(_SHOWN, shown, title=f"{case.name}: {case.rows} FOCUS rows")
        totals = ", ".join(f"{money_text(total)} {currency}" for currency, total in case.totals)
        golden = "no golden.csv" if not case.has_golden else _golden_text(case)
        state.out.print(f"{case.name}: {case.rows} rows, BilledCost {totals or 'none'}; {golden}")
        for difference in case.differences:
            state.reporter.warn(f"{case.name}: {difference}")
    show_summary(state, trial.summary)
    for result in (r for r in trial.summary.results if not r.passed):
        _show_finding(state, result)


def _golden_text(case: Case) -> str:
    count = len(case.differences)
    return "equals golden.csv" if not count else f"{count} differences from golden.csv"


def _show_finding(state: Context, result: CheckResult) -> None:
    sample = (
        "; ".join(f"{k}={v}" for k, v in list(result.samples[0].items())[:6] if v)
        if (result.samples)
        else ""
    )
    state.reporter.warn(
        f"{result.severity} {result.check_id}: {result.what} ({result.failed_rows} {result.unit}s)",
        sample,
    )
