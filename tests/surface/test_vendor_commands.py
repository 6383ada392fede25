"""finops vendors, finops vendor new, test, schema: a vendor nobody has described, from its bill."""

import json
from pathlib import Path

import pytest

from finops_stack.cli.vendor_trial import differences
from workspaces import Workspace

BILL = """Kundennummer;Produkt;Beschreibung;Menge;Einheit;Betrag;Währung;Von;Bis;Notiz
K1;VM;Server 1;720;h;3,60;EUR;01.09.2026;30.09.2026;x
K1;Storage;Volume;10;GB;1.001,00;EUR;01.09.2026;30.09.2026;y
"""


@pytest.fixture
def proposed(workspace: Workspace) -> Workspace:
    workspace.configure()
    (workspace.folder / "rechnung-2026-09.csv").write_text(BILL, encoding="utf-8")
    ended = workspace.finops(
        "vendor", "new", "rz", "--from", "rechnung-2026-09.csv", "--folder", "own"
    )
    assert ended.exit_code == 0, ended.output
    assert "not mapped: Notiz" in ended.stdout
    assert "Bis: taken as the last day of the period, included" in ended.stderr
    return workspace


def test_a_proposal_runs_through_every_step_as_it_is(proposed):
    ended = proposed.finops("vendor", "test", "rz")
    assert ended.exit_code == 0, ended.output
    assert "sample: 2 rows, BilledCost 1,004.60 EUR; no golden.csv" in ended.stdout


def test_a_proposed_vendor_is_there_for_add_and_run(proposed):
    bills = proposed.folder / "rz-bills"
    bills.mkdir()
    (bills / "rechnung-2026-10.csv").write_text(BILL.replace(".09.", ".10."), encoding="utf-8")
    assert proposed.finops("add", "rz", str(bills)).exit_code == 0
    assert proposed.finops("run", "--source", "rz").exit_code == 0
    assert proposed.rows(
        "select BilledCost::decimal(18, 2)::varchar, ChargePeriodEnd::varchar from focus"
        " where x_SourceName = 'rz' order by BilledCost"
    ) == [("3.60", "2026-10-31 00:00:00"), ("1001.00", "2026-10-31 00:00:00")]


def test_a_golden_file_that_is_not_met_ends_with_3(proposed):
    golden = proposed.folder / "own" / "rz" / "fixtures" / "sample" / "golden.csv"
    golden.write_text(
        "x_SourceFile,x_SourceRow,x_SourcePart,BilledCost\nrechnung-2026-09.csv,0,0,3.61\n",
        encoding="utf-8",
    )
    ended = proposed.finops("vendor", "test", "rz")
    assert ended.exit_code == 3
    assert "BilledCost is '3.6', expected '3.61'" in ended.stderr
    assert "row rechnung-2026-09.csv, 1, 0 is not expected" in ended.stderr


def test_a_mistake_in_vendor_toml_names_the_key_and_what_there_is(proposed):
    path = proposed.folder / "own" / "rz" / "vendor.toml"
    text = path.read_text().replace('BilledCost = "Betrag"', 'BilledCost = "Betragg"')
    path.write_text(text, encoding="utf-8")
    ended = proposed.finops("vendor", "test", "rz")
    assert ended.exit_code == 2
    assert "mapping.BilledCost" in ended.stderr and 'no column "Betragg"' in ended.stderr


def test_new_refuses_a_folder_that_is_there_and_a_file_that_is_not(proposed):
    again = proposed.finops(
        "vendor", "new", "rz", "--from", "rechnung-2026-09.csv", "--folder", "own"
    )
    assert again.exit_code == 2 and "is already there" in again.stderr
    gone = proposed.finops("vendor", "new", "other", "--from", "gone.csv")
    assert gone.exit_code == 2 and "gone.csv is not there" in gone.stderr


def test_vendors_lists_built_in_and_own(workspace):
    found = json.loads(workspace.finops("vendors", "--format", "json").stdout)
    by_name = {each["name"]: each for each in found}
    assert by_name["acme"]["own"] and not by_name["aws"]["own"]
    assert by_name["borealis"]["made_by"] == "configuration"
    assert "Cost and Usage Report" in workspace.finops("vendors").stdout


def test_the_page_of_vendors_is_the_commands(tmp_path):
    workspace = Workspace(tmp_path / "w")
    workspace.configure(vendor_folders=())
    page = Path(__file__).parents[2] / "docs" / "vendors.md"
    made = workspace.finops("vendors", "--format", "markdown").stdout
    assert page.read_text(encoding="utf-8") == made, (
        "finops vendors --format markdown > docs/vendors.md"
    )


def test_the_schema_in_docs_is_the_commands(workspace):
    page = Path(__file__).parents[2] / "docs" / "vendor.schema.json"
    made = workspace.finops("vendor", "schema").stdout
    assert page.read_text(encoding="utf-8") == made, (
        "finops vendor schema > docs/vendor.schema.json"
    )


def test_differences_name_row_and_column():
    row = {"x_SourceFile": "a", "x_SourceRow": "0", "x_SourcePart": "0", "BilledCost": "1"}
    assert differences([row], [row]) == []
    assert differences([row], [row | {"BilledCost": "2"}]) == [
        "row a, 0, 0: BilledCost is '2', expected '1'"
    ]
    assert differences([row], []) == ["row a, 0, 0 is missing"]
