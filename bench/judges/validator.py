"""The FOCUS Foundation's validator beside ours, on the same files."""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import duckdb
from venvs import HERE, tool

sys.path += [str(HERE.parents[1] / "tests" / "conformance"), str(HERE.parent)]
from mutations import CLEAN, Row, bent

from finops_stack.conformance.inputs import open_inputs
from finops_stack.conformance.rulebook import judge_relation, prepare
from finops_stack.conformance.scope import Scope
from finops_stack.focus.rules import Rule, rules
from finops_stack.focus.spec import columns
from measure import Measured, measure

VERSION = "1.2"
# Its numpy is there for this one.
_PYTHON = (3, 12)
# So many rows of each clean kind, so that no rule fails for want of a row.
_COPIES = 10


@dataclass
class Compared:
    """What each finds: in clean data, and of the seeded mutations, by kind of rule."""

    ours_clean: set[str] = field(default_factory=set)
    theirs_clean: set[str] = field(default_factory=set)
    seeded: Counter[str] = field(default_factory=Counter)
    ours: Counter[str] = field(default_factory=Counter)
    theirs_rule: Counter[str] = field(default_factory=Counter)
    theirs_any: Counter[str] = field(default_factory=Counter)
    missed_by_ours: list[str] = field(default_factory=list)
    missed_by_theirs: list[str] = field(default_factory=list)


class Validator:
    """Their command, in an environment of its own."""

    def __init__(self, environments: Path, work: Path) -> None:
        self.command = tool("validator", "focus-validator", environments, python=_PYTHON)
        self.work = work / "validator"
        self.work.mkdir(parents=True, exist_ok=True)
        # It looks for its list of currencies below the folder it runs in.
        package = next(self.command.parents[1].glob("lib/python*/site-packages/focus_validator"))
        link = self.work / package.name
        if not link.exists():
            link.symlink_to(package)

    def arguments(self, file: Path) -> list[str]:
        """All rules that hang on what a provider supports are asked for, and none is fetched."""
        return [
            str(self.command),
            *("--data-file", str(file.resolve()), "--validate-version", VERSION),
            *("--block-download", "--applicability-criteria", "ALL"),
            *("--output-type", "unittest", "--output-destination", str(self.report)),
        ]

    @property
    def report(self) -> Path:
        """Where it writes what it found."""
        return (self.work / "report.xml").resolve()

    def failed(self, file: Path) -> set[str]:
        """Ids of the rules it says fail. It logs to the folder it runs in."""
        self.report.unlink(missing_ok=True)
        arguments = self.arguments(file)
        ended = subprocess.run(
            arguments, cwd=self.work, capture_output=True, text=True, check=False
        )
        if not self.report.is_file():
            raise RuntimeError(f"{' '.join(arguments)} wrote no report:\n{ended.stderr[-2000:]}")
        cases = ElementTree.parse(self.report).iter("testcase")
        broken = [case for case in cases if case.find("failure") is not None]
        return {str(case.get("name")).split(" :: ")[0] for case in broken}

    def measure(self, file: Path) -> Measured:
        """Seconds and highest memory on a file."""
        return measure(self.arguments(file), folder=self.work)


def ours_failed(file: Path) -> set[str]:
    """Ids of the rules we say fail, advice included."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        (found,) = open_inputs(connection, file)
        judged = judge_relation(connection, found.relation, version=VERSION)
    return {verdict.rule.id for verdict in judged.errors + judged.advice}


def measure_ours(file: Path) -> Measured:
    """Seconds and highest memory of the command on a file; 3 says that there are errors."""
    command = [sys.executable, "-m", "finops_stack.cli.main", "conformance", str(file)]
    return measure([*command, "--focus-version", VERSION], accepted=(0, 3))


def compare(validator: Validator, every: int) -> Compared:
    """Clean rows, then one broken row at a time: for each `every`th rule that looks at rows."""
    found = Compared()
    clean = list(CLEAN) * _COPIES
    file = _write(validator.work / "clean.csv", clean)
    found.ours_clean, found.theirs_clean = ours_failed(file), validator.failed(file)
    for rule, row in _seeded(every):
        file = _write(validator.work / "mutated.csv", [*clean, row])
        ours = ours_failed(file) - found.ours_clean
        theirs = validator.failed(file) - found.theirs_clean
        found.seeded[rule.kind] += 1
        found.ours[rule.kind] += rule.id in ours
        found.theirs_rule[rule.kind] += rule.id in theirs
        found.theirs_any[rule.kind] += bool(theirs)
        if rule.id not in ours:
            found.missed_by_ours.append(rule.id)
        if not theirs:
            found.missed_by_theirs.append(rule.id)
    return found


def _seeded(every: int) -> Iterator[tuple[Rule, Row]]:
    # A csv cannot break "is text".
    judged = [rule for rule in _row_rules() if rule.requirement[::2] != ["type", "String"]]
    for rule in sorted(judged, key=lambda rule: (rule.kind, rule.id))[::every]:
        yield rule, bent(rule)[0]


def _row_rules() -> Iterable[Rule]:
    found = columns(VERSION)
    scope = Scope({c.name: "VARCHAR" for c in found}, {c.name: c.allowed_values for c in found})
    return [verdict.rule for verdict, _ in prepare(rules(VERSION), scope)[1]]


def _write(file: Path, rows: list[Row]) -> Path:
    """A csv. Amounts have a point: theirs takes a column of 2 and 3 for integers, which fails."""
    amounts = {column.name for column in columns(VERSION) if column.data_type == "Decimal"}
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(column.name for column in columns(VERSION))
        for row in rows:
            values = ((column.name, row.get(column.name)) for column in columns(VERSION))
            writer.writerow(_pointed(v) if name in amounts else v for name, v in values)
    return file


def _pointed(amount: str | None) -> str | None:
    return f"{amount}.0" if amount and amount.lstrip("-").isdigit() else amount
