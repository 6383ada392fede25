"""finops explain: from a number to charges, raw rows and formulas; restated, held, exported."""

import json
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet

from acme_bills import acme_row
from finops_stack.warehouse.register import publications
from workspaces import Workspace

# Of 2026-09 the second delivery is published: VM small is 1.50 and twice 2 EUR (surface_lake.py).
FILE = "2026-09-second-1.csv"
VM_SMALL = ("--month", "2026-09", "--service", "VM small", "--column", "BilledCost")


def explained(finops, *arguments: str, code: int = 0):
    text = finops("explain", *arguments, "--format", "json", code=code)
    return json.loads(text, parse_float=Decimal)


def addresses(found) -> list[str]:
    return [row["address"] for row in found["rows"]]


def test_a_number_goes_back_to_raw_rows_with_the_formula(finops):
    found = explained(finops, *VM_SMALL)
    assert found["totals"] == [{"currency": "EUR", "rows": 3, "cost": Decimal("5.5")}]
    assert addresses(found) == [f"acme/2026-09-second/{FILE}:{row}:0" for row in (6, 7, 0)]
    first = found["rows"][0]
    assert (first["focus"]["BilledCost"], first["focus"]["ServiceName"]) == (2, "VM small")
    assert first["inputs"] == {"amount": "2"}
    assert first["raw"]["key"] == f"2026-09/{FILE}"
    assert re.fullmatch("[0-9a-f]{64}", first["raw"]["sha256"])
    formula = found["formulas"][first["formula"]]["columns"]["BilledCost"]
    assert formula["raw_columns"] == ["amount"]
    assert [step["expression"] for step in formula["steps"]] == ["amount"]
    # models that are SQL are not run again
    assert first["formula_gives_the_costs"] is None


def test_its_parts_add_up_to_it(finops):
    found = explained(finops, "--month", "2026-09", "--column", "BilledCost")
    totals = {each["currency"]: each["cost"] for each in found["totals"]}
    # 1.50 and twice 2; 40.12 and -1.50 and 10 and 0.25; 700
    assert totals == {
        "EUR": Decimal("5.5") + Decimal("40.123456789012345") - Decimal("1.5"),
        "JPY": 700,
        "USD": Decimal("10.25"),
    }
    assert [split["by"] for split in found["splits"]][1:] == [
        ["service"],
        ["account"],
        ["source", "billing period", "delivery"],
    ]
    for split in found["splits"]:
        sums: dict[str, Decimal] = {}
        for part in split["parts"]:
            sums[part["currency"]] = sums.get(part["currency"], Decimal(0)) + part["cost"]
        assert sums == totals


def test_text_is_for_people(finops):
    shown = finops("explain", *VM_SMALL, "--limit", "1")
    assert "BilledCost of 2026-09, service VM small" in shown
    assert "5.50 EUR in 3 charges (exactly 5.5)" in shown
    assert "the charges that weigh most: 1 of 3" in shown
    assert "BilledCost = amount" in shown
    assert "#1: amount 2 (this amount)" in shown


def test_options_choose_what_a_report_shows(finops):
    assert explained(finops, "--account", "@home")["totals"][0]["cost"] == Decimal("-1.5")
    tagged = explained(finops, "--month", "2026-09", "--tag", "team=blue")
    assert [row["inputs"]["amount"] for row in tagged["rows"]] == ["40.123456789012345"]
    none = explained(finops, "--month", "2026-09", "--region", "(none)", "--tag", "team=(none)")
    assert none["totals"] == [{"currency": "USD", "rows": 1, "cost": 10}]
    other = explained(
        finops, "--source", "acme", "--charge-category", "Usage", "--month", "2026-07"
    )
    assert sum(each["rows"] for each in other["totals"]) == 6


WHERE = "BillingPeriodStart = '2026-09-01' and ServiceName = 'VM small'"


@pytest.mark.parametrize(
    "sql",
    [
        f"select sum(BilledCost) from focus where {WHERE}",
        f"select BillingCurrency, sum(BilledCost) as c from focus where {WHERE} group by all",
        f"select sum(BilledCost) filter (where ServiceName = 'VM small') from focus where {WHERE}",
        f"with a as (from focus select * where {WHERE}) select sum(BilledCost) from a",
        f"select sum(BilledCost) from focus_1_0 where {WHERE} and ProviderName = 'Acme'",
        f"select sum(billed_cost) from cost_by_month where {WHERE}",
        f"select sum(billed_cost) from cost_by_day where {WHERE} and charge_date = '2026-09-01'",
    ],
)
def test_a_statement_is_explained_like_options(finops, sql):
    found = explained(finops, sql)
    assert found["column"] == "BilledCost"
    assert found["totals"] == [{"currency": "EUR", "rows": 3, "cost": Decimal("5.5")}]
    assert addresses(found) == addresses(explained(finops, *VM_SMALL))


def test_a_statement_reads_the_lake_and_nothing_else(lake):
    for inside in ("select content from read_text('finops.toml')", "select 1 from nothing"):
        sql = f"select sum(BilledCost) from focus where ServiceName in ({inside})"
        ended = lake.workspace.finops("explain", sql)
        assert ended.exit_code == 2, ended.output
        assert "Traceback" not in ended.output
    ended = lake.workspace.finops("explain", "select sum(BilledCost) from focus where Regoin = 'x'")
    assert (ended.exit_code, "Regoin" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("select count(*) from focus",), "sum(COST) FROM focus"),
        (("--month", "2026-01"), "published months: 2026-07, 2026-08, 2026-09"),
        (("--service", "VM smal"), "no charge fits"),
        (("--tag", "team"), "KEY=VALUE"),
        (("select 1", "--month", "2026-09"), "exclude one another"),
        (("--row", "acme"), "no address"),
        (("--row", "other/d/f.csv:0"), 'no delivery of a source "other"'),
        (("--row", "acme/d/f.csv:0"), "no such delivery"),
        (("--row", "acme/2026-09-second/f.csv:0"), FILE),
        (("--row", f"acme/2026-09-second/{FILE}:99"), "has no row 99"),
        (("--row", f"acme/2026-09-second/{FILE}:0:3"), "parts: 0"),
    ],
)
def test_what_is_wrong_is_said_with_a_way_out(lake, arguments, said):
    ended = lake.workspace.finops("explain", *arguments)
    assert ended.exit_code == 2, ended.output
    assert said in ended.stderr


def test_one_row_is_shown_whole(finops):
    address = f"acme/2026-09-second/{FILE}:1"
    found = explained(finops, "--row", address)
    (row,) = found["rows"]
    assert (found["is_published"], row["address"]) == (True, f"{address}:0")
    assert row["raw"]["values"]["amount"] == "40.123456789012345"
    assert row["raw"]["values"]["tag:team"] == "blue"
    assert set(found["formulas"][row["formula"]]["columns"]) == {
        "BilledCost",
        "EffectiveCost",
        "ContractedCost",
        "ListCost",
    }
    shown = finops("explain", "--row", address)
    assert "BilledCost 40.123456789012345 EUR" in shown
    assert "in this row: amount 40.123456789012345 (this amount)" in shown
    assert re.search(r"tag:team +│ blue", shown)


def test_a_superseded_delivery_is_explained_while_it_is_kept(finops):
    found = explained(finops, "--row", "acme/2026-09-first/2026-09-first-1.csv:3")
    assert not found["is_published"]
    assert found["delivery_state"].startswith("superseded by 2026-09-second; read as published")
    (row,) = found["rows"]
    assert (row["focus"]["BilledCost"], row["raw"]["values"]["amount"]) == (10, "10")


def test_a_delivery_that_was_held_back_has_raw_rows_only(finops):
    address = "acme/2026-08-second/2026-08-second-1.csv:3"
    found = explained(finops, "--row", address)
    assert found["delivery_state"] == "held back, never published"
    (row,) = found["rows"]
    assert (row["focus"], row["raw"]["values"]["currency"]) == (None, "usd")
    assert "none is published of this raw row" in finops("explain", "--row", address)


def test_as_of_explains_the_number_of_then(lake, finops):
    then = f"{lake.between:%Y-%m-%dT%H:%M:%S.%f}Z"
    found = explained(finops, *VM_SMALL, "--as-of", then)
    assert found["totals"] == [{"currency": "EUR", "rows": 1, "cost": Decimal("1.5")}]
    assert addresses(found) == ["acme/2026-09-first/2026-09-first-1.csv:0:0"]
    assert found["rows"][0]["inputs"] == {"amount": "1.50"}


def test_an_exported_row_says_where_it_comes_from(lake, finops, tmp_path):
    lake.workspace.finops("export", "--to", str(tmp_path), "--period", "2026-09")
    (file,) = tmp_path.rglob("*.parquet")
    names = ["x_SourceName", "x_DeliveryId", "x_SourceFile", "x_SourceRow", "x_SourcePart"]
    row = max(parquet.read_table(file).to_pylist(), key=lambda row: row["BilledCost"])
    source, delivery, name, number, part = (row[each] for each in names)
    found = explained(finops, "--row", f"{source}/{delivery}/{name}:{number}:{part}")
    assert found["rows"][0]["focus"]["BilledCost"] == row["BilledCost"] == 700
    assert found["rows"][0]["inputs"]["amount"] == "700"


def test_a_lake_that_has_moved_finds_its_raw_rows(lake, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(lake.workspace.folder, moved)
    found = explained(lambda *a, code: Workspace(moved).finops(*a).stdout, *VM_SMALL)
    assert [row["inputs"] for row in found["rows"]] == [{"amount": a} for a in ("2", "2", "1.50")]
    assert {Path(row["raw"]["path"]).is_relative_to(moved) for row in found["rows"]} == {True}


def test_what_retention_removed_is_said(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    for delivery, amount in (("first", "3"), ("second", "4")):
        workspace.deliver(rows=[acme_row(amount=amount)], delivery_id=delivery)
        assert workspace.finops("run").exit_code == 0
    workspace.configure(more="[retention]\ndays = 0")
    workspace.deliver("2026-10")
    assert workspace.finops("run").exit_code == 0
    ended = workspace.finops("explain", "--row", "acme/first/first-1.csv:0")
    assert ended.exit_code == 2, ended.output
    assert "the raw file of delivery first is no longer kept" in ended.stderr
    assert "superseded by second; its last publication" in ended.stderr
    assert "[retention] days" in ended.stderr
    # what is published is explained as before, even where somebody took its raw file away
    assert workspace.finops("explain", "--row", "acme/second/second-1.csv:0").exit_code == 0
    for file in (workspace.folder / "lake" / "raw" / "acme").glob("2026-09*.parquet"):
        file.unlink()
    ended = workspace.finops("explain", "--row", "acme/second/second-1.csv:0")
    assert ended.exit_code == 0, ended.output
    assert "no longer kept" in ended.stdout
    assert "BilledCost 4 EUR" in ended.stdout


def test_a_bill_that_was_rolled_back_says_so(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    for month in ("2026-09", "2026-10"):
        workspace.deliver(month, delivery_id=month)
        assert workspace.finops("run").exit_code == 0
    with workspace.lake.open(read_only=True) as connection:
        first = publications(connection)[0].snapshot_id
    assert workspace.finops("rollback", "--to", str(first), "--yes").exit_code == 0
    for month, state in (
        ("2026-09", "published"),
        ("2026-10", "withdrawn by a rollback; read as published"),
    ):
        address = f"acme/{month}/{month}-1.csv:0"
        found = json.loads(workspace.finops("explain", "--row", address, "--format", "json").stdout)
        assert found["delivery_state"].startswith(state)
        assert found["rows"][0]["focus"]["BilledCost"] == 1.5
