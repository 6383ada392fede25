"""The FOCUS Foundation's sample data, where the user has it: judged, and through the pipeline.

github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS-Sample-Data, CC BY 4.0; not part of this project.
"""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
from installation import Installation
from venvs import UnavailableError

from finops_stack.conformance.inputs import open_inputs
from finops_stack.conformance.rulebook import judge_relation
from finops_stack.conformance.waivers import emitters, waived

_FILE = Path("FOCUS-1.0") / "focus_sample.csv"
# The files write NULL where FOCUS has nothing.
_NOTHING = "NULL"


@dataclass(frozen=True)
class Sample:
    """One provider's rows: what is judged of them, and the sums on both sides."""

    provider: str
    rows: int
    errors: list[str]
    known: list[str]
    raw: dict[str, Decimal]
    focus: dict[str, Decimal]


def judge(folder: Path | None, work: Path) -> Iterator[Sample]:
    """Raises: UnavailableError where no folder is given, or the sample is not in it."""
    if folder is None or not (folder / _FILE).is_file():
        raise UnavailableError(
            f"no sample data: clone FOCUS-Sample-Data and give its folder (it has {_FILE})"
        )
    for provider, rows in _by_provider(folder / _FILE).items():
        yield _judge(provider, rows, work / f"sample-{provider.split()[0].lower()}")


def _by_provider(file: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            filled = {k: "" if v == _NOTHING else v for k, v in row.items()}
            found.setdefault(filled["ProviderName"], []).append(filled)
    return found


def _judge(provider: str, rows: list[dict[str, str]], folder: Path) -> Sample:
    shutil.rmtree(folder, ignore_errors=True)
    months = sorted({row["BillingPeriodStart"][:7] for row in rows})
    for month in months:
        _write(
            folder / "bills" / month / "focus.csv",
            [row for row in rows if row["BillingPeriodStart"][:7] == month],
        )
    raw: dict[str, Decimal] = {}
    for row in rows:
        currency = row["BillingCurrency"]
        raw[currency] = raw.get(currency, Decimal(0)) + Decimal(row["BilledCost"] or 0)
    errors, known = _errors(folder / "bills")
    installation = Installation(folder, "focus")
    installation.run()
    focus = {currency: cost for currency, (_, cost) in installation.totals().items()}
    return Sample(provider, len(rows), errors, known, raw, focus)


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    file.parent.mkdir(parents=True)
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def _errors(folder: Path) -> tuple[list[str], list[str]]:
    """Rules that fail: those nobody knew of, and those known of the emitter."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        (found,) = open_inputs(connection, folder)
        judged = judge_relation(connection, found.relation, version="1.0")
        known = waived(judged, emitters(connection, found.relation, found.columns))
    failed = [verdict.rule.id for verdict in judged.errors]
    return [each for each in failed if each not in known], [e for e in failed if e in known]
