"""Whole chains of models on the real ClickHouse engine, over fixtures, against golden.csv."""

import csv
import json
import re
import tomllib
from contextlib import chdir
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb
import pytest
from all_models import MODELS, OWN
from clickhouse_engine import ClickHouse, read_by
from packing import pack

from finops_stack.cli.flow import run
from finops_stack.cli.reporter import JsonReporter
from finops_stack.cli.session import Session
from finops_stack.config import Config, EngineSettings, LakeSettings, Source
from finops_stack.vendors.catalog import vendor_folders
from finops_stack.vendors.manifest import read_vendor

FOLDERS = vendor_folders([OWN])
LINEAGE = ["x_SourceFile", "x_SourceRow", "x_SourcePart"]
CASES = [
    (vendor, case.name)
    for vendor, folder in FOLDERS.items()
    for case in sorted((folder / "fixtures").glob("*"))
    if (case / "delivery").is_dir()
]


def source_name(vendor: str, case: str) -> str:
    return f"{vendor}-{case}".replace("_", "-").lower()


@pytest.fixture(scope="module")
def built(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> ClickHouse:
    """Landed and typed by a run on DuckDB; converted by ClickHouse."""
    root = tmp_path_factory.mktemp("bills")
    work = land(root)
    words = {
        p.relative_to(work).as_posix(): p.read_text(encoding="utf-8")
        for p in (work / "vocabulary").rglob("*.csv")
    }
    clickhouse.load_words(words, tmp_path_factory.mktemp("words"))
    for bill in json.loads((work / "bills.json").read_text(encoding="utf-8")):
        name = f"{bill['source']}_{bill['billing_period_start'][:7]}".replace("-", "_")
        place = root / f"{name}.parquet"
        with chdir(work), duckdb.connect() as connection:
            connection.execute(f"copy ({bill['relation']}) to '{place}' (format parquet)")
        clickhouse.pick_bill(bill["source"], bill["billing_period_start"])
        clickhouse.load_bill(name, place, read_by(MODELS, bill["models"]))
    return clickhouse


def land(root: Path) -> Path:
    sources = []
    for vendor, case in CASES:
        folder = FOLDERS[vendor] / "fixtures" / case
        place = pack(folder / "delivery", root / vendor / case, read_vendor(FOLDERS[vendor]))
        told = folder / "source.toml"
        settings = tomllib.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
        name = source_name(vendor, case)
        sources.append(Source(name=name, vendor=vendor, location=str(place), **settings))
    config = Config(
        lake=LakeSettings(path=root / "lake"),
        engine=EngineSettings(memory_limit="1GB"),
        sources=tuple(sources),
        vendor_folders=(OWN,),
    )
    summary = run(Session(config), JsonReporter(), now=datetime.now(UTC).replace(tzinfo=None))
    assert (summary.failed, summary.refused) == ([], [])
    return root / "lake" / "work" / "dbt"


def built_models(engine: ClickHouse, vendor: str, case: str, kind: str) -> list[str]:
    """The models of that role, one for each month of the case."""
    bill = source_name(vendor, case).replace("-", "_") + "_20"
    names = engine.rows("select database, name from system.tables")
    found = [f'{d}."{n}"' for d, n in names if d.startswith(bill) and n.endswith(f"_{kind}")]
    assert found
    return found


def text_of(value: object) -> str:
    """As golden files write values; an empty map is null in ClickHouse."""
    if value is None or value == {}:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", value):
        return value[:19].replace(" ", "T") + "Z"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def rounded(name: str, text: str) -> str:
    """Prices to fourteen digits: DuckDB divides doubles, ClickHouse decimals. Costs as they are."""
    if "Price" not in name or name == "SkuPriceId":
        return text
    try:
        return f"{Decimal(f'{Decimal(text):.13e}').normalize():f}"
    except InvalidOperation:
        return text


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_golden(built: ClickHouse, vendor: str, case: str) -> None:
    golden = FOLDERS[vendor] / "fixtures" / case / "golden.csv"
    with golden.open(encoding="utf-8", newline="") as lines:
        expected = list(csv.DictReader(lines))
    names = list(expected[0])
    columns = ", ".join(f'"{name}"' for name in names)
    models = built_models(built, vendor, case, "focus")
    actual = [row for model in models for row in built.rows(f"select {columns} from {model}")]

    def told(values: list[str]) -> dict[str, str]:
        return {n: rounded(n, v) for n, v in zip(names, values, strict=True)}

    found = [told([text_of(value) for value in row]) for row in actual]
    wanted = [told(list(row.values())) for row in expected]

    def address(row: dict[str, str]) -> list[str]:
        return [row[name].rjust(20) for name in LINEAGE]

    found, wanted = sorted(found, key=address), sorted(wanted, key=address)
    assert [address(row) for row in found] == [address(row) for row in wanted]
    differ = [
        (address(row), name, value, other[name])
        for row, other in zip(found, wanted, strict=True)
        for name, value in row.items()
        if value != other[name]
    ]
    assert differ == []


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_costs_tie_out(built: ClickHouse, vendor: str, case: str) -> None:
    """The control model's total is the sum of BilledCost there too, exactly."""
    totals = {}
    for kind, cost in (("control", "billed_total"), ("focus", "BilledCost")):
        models = built_models(built, vendor, case, kind)
        rows = " union all ".join(
            f'select "BillingCurrency" as currency, "{cost}" as cost from {model}'
            for model in models
        )
        totals[kind] = built.rows(
            f"select currency, sum(cost) from ({rows}) group by currency order by currency"
        )
    assert totals["control"] and totals["control"] == totals["focus"]
