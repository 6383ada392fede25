"""Every vendor folder, found by itself, through every step. A new vendor writes no test here."""

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packing import pack

from finops_stack.cli.flow import run
from finops_stack.cli.reporter import JsonReporter
from finops_stack.cli.session import Session
from finops_stack.cli.summary import RunSummary
from finops_stack.config import Config, EngineSettings, LakeSettings, Source
from finops_stack.explain.explained import NO_RAW_ROW, Explained, Explainer
from finops_stack.explain.formula import COSTS
from finops_stack.explain.formulas import Formulas, is_configured
from finops_stack.explain.number import FocusRow
from finops_stack.findings import text_of
from finops_stack.vendors.catalog import vendor_folders
from finops_stack.vendors.checks import read_checks
from finops_stack.vendors.manifest import Vendor, read_vendor

OWN = Path(__file__).parent.parent / "own_vendors"
FOLDERS = vendor_folders([OWN])
CASES = [
    (name, case.name)
    for name, folder in FOLDERS.items()
    for case in sorted((folder / "fixtures").glob("*"))
    if (case / "delivery").is_dir()
]
LINEAGE = ["x_SourceFile", "x_SourceRow", "x_SourcePart"]


@dataclass
class Built:
    """All cases of all vendors in one lake, after one run."""

    session: Session
    summary: RunSummary


def source_name(vendor: str, case: str) -> str:
    return f"{vendor}-{case}".replace("_", "-").lower()


def source_settings(case: Path) -> dict[str, dict[str, str]]:
    """What a user would have written into finops.toml for this case, beside name and place."""
    path = case / "source.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    root = tmp_path_factory.mktemp("vendors")
    sources = []
    for vendor, case in CASES:
        delivery = FOLDERS[vendor] / "fixtures" / case / "delivery"
        place = pack(delivery, root / vendor / case, read_vendor(FOLDERS[vendor]))
        sources.append(
            Source(
                name=source_name(vendor, case),
                vendor=vendor,
                location=str(place),
                **source_settings(delivery.parent),
            )
        )
    session = Session(
        Config(
            lake=LakeSettings(path=root / "lake"),
            engine=EngineSettings(memory_limit="1GB"),
            sources=tuple(sources),
            vendor_folders=(OWN,),
        )
    )
    summary = run(session, JsonReporter(), now=datetime.now(UTC).replace(tzinfo=None))
    yield Built(session, summary)


@pytest.mark.parametrize("vendor", sorted(FOLDERS))
def test_folder_is_whole(vendor: str) -> None:
    folder = FOLDERS[vendor]
    forms = read_vendor(folder).forms
    assert forms
    yours = {f"{lookup.file}.csv" for form in forms for lookup in form.lookups if lookup.needed}
    assert (folder / "README.md").is_file()
    assert any(name == vendor for name, _ in CASES), "a vendor without a fixture is untested"
    for path in (folder / "vocabulary").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert rows or path.name in yours, f"{path} is empty, and no look-up says it is the user's"
        assert all(row.get("source") for row in rows), f"{path}: each row names its source"
    python = [p.name for p in folder.rglob("*.py") if p.name != "fetch.py"]
    assert not python, "a vendor is a folder of data"


def test_every_case_was_published(built: Built) -> None:
    assert [str(plan.error) for plan in built.summary.plans if plan.error] == []
    assert [error.message for _, error in built.summary.refused] == []
    assert [message for _, message in built.summary.failed] == []
    held = [(r.source, r.check_id, r.samples) for _, rs in built.summary.held for r in rs]
    assert held == []


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_golden(built: Built, vendor: str, case: str) -> None:
    """FOCUS rows equal the values worked out by hand, for every column the golden file names."""
    golden = FOLDERS[vendor] / "fixtures" / case / "golden.csv"
    with golden.open(encoding="utf-8", newline="") as lines:
        expected = list(csv.DictReader(lines))
    names = list(expected[0])
    assert names[:3] == LINEAGE
    select = ", ".join(f'"{name}"' for name in names)
    with built.session.lake.published() as connection:
        rows = connection.execute(
            f"select {select} from focus where x_SourceName = ?"
            " order by x_SourceFile nulls last, x_SourceRow nulls last, x_SourcePart",
            [source_name(vendor, case)],
        ).fetchall()
    actual = [dict(zip(names, map(text_of, row), strict=True)) for row in rows]

    def address(row: dict[str, str]) -> list[str]:
        return [row[name].rjust(20) for name in LINEAGE]

    assert sorted(actual, key=address) == sorted(expected, key=address)


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_costs_tie_out(built: Built, vendor: str, case: str) -> None:
    """Control total = FOCUS total = mart total, exactly, per currency."""
    totals = []
    with built.session.lake.published() as connection:
        for relation, cost, currency in (
            ("bill_controls", "billed_total", "BillingCurrency"),
            ("focus", "BilledCost", "BillingCurrency"),
            ("cost_by_month", "billed_cost", "BillingCurrency"),
            ("cost_by_day", "billed_cost", "BillingCurrency"),
            ("reconciliation", "billed_cost", "BillingCurrency"),
        ):
            totals.append(
                connection.execute(
                    f"select {currency}, sum({cost}) from {relation} where x_SourceName = ?"
                    f" group by {currency} order by {currency}",
                    [source_name(vendor, case)],
                ).fetchall()
            )
    assert totals[0]
    assert all(total == totals[0] for total in totals)


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_findings(built: Built, vendor: str, case: str) -> None:
    """What the vendor's own checks find: findings.csv of the case, or nothing where it has none."""
    own = {check.id for check in read_checks(FOLDERS[vendor])}
    found = [
        {
            "check": result.check_id,
            "rows": str(result.failed_rows),
            "cost": text_of(result.billed_cost),
            "samples": " ".join(f"{s.get('file', '')}:{s.get('row', '')}" for s in result.samples),
        }
        for result in built.summary.results
        if result.source == source_name(vendor, case)
        and result.check_id in own
        and not result.passed
    ]
    golden = FOLDERS[vendor] / "fixtures" / case / "findings.csv"
    expected = []
    if golden.is_file():
        with golden.open(encoding="utf-8", newline="") as lines:
            expected = list(csv.DictReader(lines))
    assert found == expected


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_every_charge_is_explained(built: Built, vendor: str, case: str) -> None:
    """Each charge goes back to one raw row, or says why there is none; each cost has a formula that
    names a raw column or a constant; a mapping, run again on that row alone, gives its costs."""
    rows = focus_rows(built, source_name(vendor, case))
    given = {source.name: source.given for source in built.session.config.sources}
    with built.session.lake.open(read_only=True) as connection:
        explainer = Explainer(
            connection,
            Formulas(built.session.vendor),
            built.session.lake.raw_path,
            given.__getitem__,
            built.session.rules,
        )
        explained = explainer.explain(rows)
    assert explained
    for each in explained:
        address = each.row.address
        assert each.delivery
        if address.file is None:
            assert (each.raw, each.missing) == (None, NO_RAW_ROW)
        else:
            files = [f for f in each.delivery.parsed_files() if f["name"] == address.file]
            assert len(files) == 1
            assert each.raw, each.missing
            assert (each.raw.row, each.raw.file.sha256) == (address.row, files[0]["sha256"])
        assert not each.changed
        assert_has_formulas(each, read_vendor(FOLDERS[vendor]))


def focus_rows(built: Built, source: str) -> list[FocusRow]:
    with built.session.lake.published() as connection:
        found = connection.execute("select * from focus where x_SourceName = ?", [source])
        names = [column[0] for column in found.description or ()]
        return [FocusRow(dict(zip(names, row, strict=True))) for row in found.fetchall()]


def assert_has_formulas(each: Explained, vendor: Vendor) -> None:
    assert not each.formulas.problem
    for column in COSTS:
        formula = each.formulas.of(column)
        assert formula
        assert formula.steps
        constants = re.compile(r"(?<![\w.])\d+(?:\.\d+)?|'[^']*'")
        told = " ".join(step.expression for step in formula.steps)
        assert formula.raw or constants.search(told), f"{column} = {told}"
    configured = is_configured(vendor, vendor.form(each.formulas.form))
    assert each.holds is (True if configured else None)


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_second_run_loads_nothing(built: Built, vendor: str, case: str) -> None:
    from finops_stack.cli.planning import plan_sources

    (plan,) = plan_sources(built.session, name=source_name(vendor, case))
    assert not any(bill.loads for bill in plan.bills)
