"""finops conformance: any FOCUS file, a folder, a source; text, JSON, HTML, JUnit."""

import csv
import gzip
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from workspaces import Workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
from mutations import CLEAN, CLEAN_OF

from finops_stack.focus.spec import columns


def write_csv(
    path: Path,
    rows: list[dict[str, str | None]],
    version: str = "1.2",
    dataset: str = "CostAndUsage",
) -> Path:
    names = [column.name for column in columns(version, dataset)]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Workspace:
    """No settings and no lake: a file is all it needs."""
    workspace = Workspace(tmp_path / "bare")
    (workspace.folder / "finops.toml").unlink()
    return workspace


@pytest.mark.parametrize("name", ["clean.csv", "clean.csv.gz"])
def test_a_file_that_keeps_all_rules_ends_with_0(bare, name):
    write_csv(bare.folder / name, list(CLEAN))
    ended = bare.finops("conformance", name)
    assert ended.exit_code == 0, ended.output
    assert "CostAndUsage of FOCUS 1.2, 5 rows" in ended.stdout
    assert " 0 errors" in ended.stdout


def test_a_violation_is_named_with_rows_cost_and_place_and_ends_with_3(bare):
    rows = [*CLEAN, CLEAN[0] | {"ChargeCategory": "Fee", "BilledCost": "90"}]
    write_csv(bare.folder / "bad.csv", rows)
    ended = bare.finops("conformance", "bad.csv")
    assert ended.exit_code == 3
    assert "ChargeCategory is one of Usage, Purchase, Tax, Credit, Adjustment" in ended.stdout
    assert "1 of 6 rows, cost touched 90.00 (90.0% of all)" in ended.stdout
    assert "filename=bad.csv, ChargeCategory=Fee" in ended.stdout


def test_parquet_samples_carry_their_row_number(bare):
    write_csv(bare.folder / "bad.csv", [*CLEAN, CLEAN[0] | {"BillingCurrency": "EURO"}])
    duckdb.sql(
        f"copy (from read_csv('{bare.folder}/bad.csv', all_varchar = true))"
        f" to '{bare.folder}/bad.parquet'"
    )
    (bare.folder / "bad.csv").unlink()
    found = json.loads(bare.finops("conformance", ".", "--format", "json").stdout)
    broken = [rule for rule in found["rules"] if rule["column"] == "BillingCurrency"]
    assert broken and broken[0]["samples"][0]["file_row_number"] == "5"
    assert found["conforms"] is False


def test_json_counts_add_up(bare):
    write_csv(bare.folder / "clean.csv", list(CLEAN))
    ended = bare.finops("conformance", "clean.csv", "--format", "json", "--all")
    counts = json.loads(ended.stdout)["counts"]
    assert counts["rules"] == sum(counts[name] for name in counts if name != "rules")
    assert len(json.loads(ended.stdout)["rules"]) == counts["rules"]


def test_junit_has_a_case_for_each_rule_and_a_failure_for_each_error(bare):
    write_csv(bare.folder / "bad.csv", [CLEAN[0] | {"ChargeFrequency": "Sometimes"}])
    suite = ElementTree.fromstring(
        bare.finops("conformance", "bad.csv", "--format", "junit").stdout
    )
    assert len(suite.findall("testcase")) == int(suite.get("tests"))
    failed = [
        case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None
    ]
    assert failed == ["ChargeFrequency-C-003-M"]


def test_html_escapes_what_the_bill_says(bare):
    write_csv(bare.folder / "bad.csv", [CLEAN[0] | {"ChargeCategory": "<script>alert(1)</script>"}])
    page = bare.finops("conformance", "bad.csv", "--format", "html").stdout
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_known_deviation_of_the_emitter_is_waived_and_only_for_it(bare):
    emitter = {"ProviderName": "Alibaba Cloud", "ContractedCost": None}
    write_csv(bare.folder / "one.csv", [CLEAN[0] | emitter], "1.0")
    write_csv(bare.folder / "two.csv", [CLEAN[0] | emitter, CLEAN[0]], "1.0")
    one = bare.finops("conformance", "one.csv", "--focus-version", "1.0")
    assert (one.exit_code, "waive" in one.stdout) == (0, True)
    assert bare.finops("conformance", "two.csv", "--focus-version", "1.0").exit_code == 3


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4"])
def test_the_version_is_told_by_the_columns(bare, version):
    write_csv(bare.folder / "clean.csv", list(CLEAN), version)
    assert f"FOCUS {version}, 5 rows" in bare.finops("conformance", "clean.csv").stdout


def test_a_folder_of_several_datasets_is_judged_with_what_they_say_of_each_other(bare):
    (line, *_), (period,) = CLEAN_OF["InvoiceDetail"], CLEAN_OF["BillingPeriod"]
    write_csv(bare.folder / "charges.csv", [CLEAN[0]], "1.4")
    write_csv(bare.folder / "lines.csv", [line | {"BilledCost": "500"}], "1.4", "InvoiceDetail")
    write_csv(bare.folder / "periods.csv", [period], "1.4", "BillingPeriod")
    ended = bare.finops("conformance", ".")
    assert ended.exit_code == 3
    assert [
        line.split(": ")[1] for line in ended.stdout.splitlines() if line.startswith(".: ")
    ] == [
        "CostAndUsage of FOCUS 1.4, 1 rows",
        "InvoiceDetail of FOCUS 1.4, 1 rows",
        "BillingPeriod of FOCUS 1.4, 1 rows",
    ]
    found = json.loads(bare.finops("conformance", ".", "--format", "json").stdout)
    assert [each["conforms"] for each in found["datasets"]] == [True, False, True]
    assert found["conforms"] is False
    (by_line, by_invoice) = found["datasets"][1]["rules"]
    assert {by_line["column"], by_invoice["column"]} == {"BilledCost"}
    junit = bare.finops("conformance", ".", "--format", "junit").stdout
    suites = ElementTree.fromstring(junit).findall("testsuite")
    assert [int(suite.get("failures")) for suite in suites] == [0, 2, 0]
    page = bare.finops("conformance", ".", "--format", "html").stdout
    assert page.count("<h1>") == 3


@pytest.mark.parametrize("dataset", ["ContractCommitment", "InvoiceDetail", "BillingPeriod"])
def test_a_file_of_a_later_dataset_is_told_by_its_columns(bare, dataset):
    write_csv(bare.folder / "file.csv", list(CLEAN_OF[dataset]), "1.4", dataset)
    ended = bare.finops("conformance", "file.csv")
    assert ended.exit_code == 0, ended.output
    assert f"{dataset} of FOCUS 1.4" in ended.stdout


def test_a_dataset_that_the_version_does_not_have_is_refused(bare):
    write_csv(bare.folder / "file.csv", list(CLEAN))
    ended = bare.finops(
        "conformance", "file.csv", "--dataset", "InvoiceDetail", "--focus-version", "1.2"
    )
    assert (ended.exit_code, "it came with FOCUS 1.4" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("gone.csv", "gone.csv is not there"),
        ("notes.txt", "neither Parquet nor csv"),
        ("broken.parquet", "cannot be read"),
        ("empty/", "holds no Parquet or csv file"),
    ],
)
def test_what_cannot_be_judged_says_why(bare, what, says):
    (bare.folder / "notes.txt").write_text("x", encoding="utf-8")
    (bare.folder / "broken.parquet").write_bytes(b"PAR1nothingPAR1")
    (bare.folder / "empty").mkdir()
    ended = bare.finops("conformance", what)
    assert ended.exit_code == 2 and says in ended.stderr


def test_what_is_published_can_be_judged_by_source(workspace):
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    ended = workspace.finops("conformance", "acme", "--focus-version", "1.2", "--format", "json")
    found = json.loads(ended.stdout)
    assert (found["what"], found["rows"]) == ("source acme", 2)
    unknown = workspace.finops("conformance", "nobody")
    assert unknown.exit_code == 2 and "known sources: acme" in unknown.stderr


def test_a_source_that_is_focus_already_says_what_reading_it_repairs(tmp_path):
    """Usage-based and an empty account name come in; both are mended on the way."""
    workspace = Workspace(tmp_path / "oracle")
    (workspace.folder / "finops.toml").write_text(
        '[[sources]]\nname = "oracle"\nvendor = "focus"\nlocation = "in"\n', encoding="utf-8"
    )
    bill = {name: CLEAN[0].get(name) for name in (column.name for column in columns("1.0"))}
    bill |= {"ChargeFrequency": "Usage-based", "ProviderName": "Oracle", "SkuPriceId": None}
    (workspace.folder / "in" / "2026-09").mkdir(parents=True)
    write_csv(workspace.folder / "in" / "2026-09" / "focus.csv", [bill], "1.0")
    assert workspace.finops("run").exit_code == 0
    ended = workspace.finops("conformance", "oracle", "--format", "json")
    lift = json.loads(ended.stdout)["as_delivered"]
    assert (lift["focus_version"], lift["rows"]) == ("1.0", 1)
    assert "1.0-ChargeFrequency-004" in {rule["rule"] for rule in lift["repaired"]}
    assert lift["errors"] == len(lift["repaired"]) + len(lift["kept"])
    text = workspace.finops("conformance", "oracle").stdout
    assert "as delivered (FOCUS 1.0, 1 rows)" in text
    assert "repaired 1.0-ChargeFrequency-004" in text
