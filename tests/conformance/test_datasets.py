"""Files of every dataset: told by their columns, and rules that compare two of them."""

import csv
from pathlib import Path

import duckdb
import pytest
from mutations import CLEAN_OF, Row

from finops_stack.conformance.inputs import dataset_of, open_inputs, version_of
from finops_stack.conformance.rulebook import judge_relation
from finops_stack.errors import InputError
from finops_stack.focus.rules import rules
from finops_stack.focus.spec import CHARGES, DATASETS, columns, versions_of

LINES, PERIODS = "InvoiceDetail", "BillingPeriod"
CHARGE, LINE, PERIOD = (CLEAN_OF[name][0] for name in (CHARGES, LINES, PERIODS))
SUM_OF_INVOICE = "1.4draft-IND-BilledCost-010"
SUM_OF_LINE = "1.4draft-IND-BilledCost-013"


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute("set TimeZone = 'UTC'")
        yield made


def write(folder: Path, dataset: str, rows: list[Row], version: str = "1.4") -> None:
    names = [column.name for column in columns(version, dataset)]
    with (folder / f"{dataset}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def judged_lines(connection, folder: Path):
    """Rule id → verdict on the invoice's lines, compared with what else the folder holds."""
    found = open_inputs(connection, folder)
    relations = {each.dataset: each.relation for each in found}
    (lines,) = [each for each in found if each.dataset == LINES]
    judged = judge_relation(
        connection, lines.relation, version="1.4", dataset=LINES, others=relations
    )
    return {verdict.rule.id: verdict for verdict in judged.verdicts}


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_dataset_and_its_version_are_told_by_the_columns(dataset):
    for version in versions_of(dataset):
        names = [column.name for column in columns(version, dataset)]
        assert dataset_of(names) == dataset
        assert version_of(names, dataset) == version


def test_a_file_of_nothing_known_is_taken_for_charges():
    assert dataset_of(["a", "b"]) == CHARGES


def test_account_types_alone_do_not_make_a_file_1_2():
    names = [column.name for column in columns("1.0")]
    assert version_of([*names, "BillingAccountType", "SubAccountType"]) == "1.0"


def test_a_folder_of_several_datasets_is_sorted_charges_first(connection, tmp_path):
    for dataset in reversed(DATASETS):
        write(tmp_path, dataset, list(CLEAN_OF[dataset]))
    found = open_inputs(connection, tmp_path)
    assert [each.dataset for each in found] == list(DATASETS)
    assert [each.version for each in found] == ["1.4"] * 4


def test_a_dataset_that_is_given_is_believed_and_has_to_exist(connection, tmp_path):
    write(tmp_path, PERIODS, [PERIOD])
    (found,) = open_inputs(connection, tmp_path, dataset=LINES)
    assert found.dataset == LINES
    with pytest.raises(Exception, match='no dataset "Prices"'):
        open_inputs(connection, tmp_path, dataset="Prices")


def test_one_dataset_as_parquet_and_as_csv_is_refused(connection, tmp_path):
    write(tmp_path, PERIODS, [PERIOD])
    csv_file = tmp_path / f"{PERIODS}.csv"
    connection.execute(f"copy (from '{csv_file}') to '{tmp_path}/more.parquet'")
    with pytest.raises(InputError, match="as Parquet and as csv"):
        open_inputs(connection, tmp_path)


ACROSS = sorted(
    rule.id
    for rule in rules("1.4", LINES)
    if rule.requirement[0].endswith(("across_datasets", "within_tolerance"))
)


def test_without_the_other_dataset_it_is_said_what_is_needed(connection, tmp_path):
    write(tmp_path, LINES, [LINE])
    found = judged_lines(connection, tmp_path)
    assert len(ACROSS) == 5
    assert {found[rule_id].status for rule_id in ACROSS} == {"not judged"}
    assert found[SUM_OF_INVOICE].why == "needs the dataset CostAndUsage"


def test_an_invoice_that_its_charges_make_up_is_silent(connection, tmp_path):
    # The line says 5; its charges 2 and 4, less than a euro more.
    write(tmp_path, LINES, [LINE])
    write(tmp_path, CHARGES, [CHARGE, CHARGE | {"BilledCost": "4"}])
    write(tmp_path, PERIODS, [PERIOD])
    found = judged_lines(connection, tmp_path)
    assert {found[rule_id].status for rule_id in ACROSS} == {"passed"}


def test_an_invoice_that_differs_from_its_charges_is_found_with_both_sums(connection, tmp_path):
    write(tmp_path, LINES, [LINE, LINE | {"InvoiceDetailId": "line-2", "BilledCost": "20"}])
    write(tmp_path, CHARGES, [CHARGE | {"BilledCost": "5"}])
    found = judged_lines(connection, tmp_path)
    # By line: line-1 agrees, line-2 has no charges to be compared with.
    assert found[SUM_OF_LINE].status == "passed"
    verdict = found[SUM_OF_INVOICE]
    assert (verdict.status, verdict.violations, verdict.cost) == ("failed", 2, 25)
    (sample,) = verdict.samples
    assert (sample["InvoiceId"], float(sample["lines_cost"]), float(sample["charges_cost"])) == (
        "inv-1",
        25,
        5,
    )


@pytest.mark.parametrize(
    ("currency", "charged", "status"),
    [
        # 100 subunits are allowed: one euro, a hundred yen, a tenth of a dinar.
        ("EUR", "6.00", "passed"),
        ("EUR", "6.01", "failed"),
        ("JPY", "105", "passed"),
        ("JPY", "106", "failed"),
        ("KWD", "5.1", "passed"),
        ("KWD", "5.11", "failed"),
    ],
)
def test_rounding_is_allowed_for_in_the_currency_s_own_subunits(
    connection, tmp_path, currency, charged, status
):
    write(tmp_path, LINES, [LINE | {"BillingCurrency": currency}])
    write(tmp_path, CHARGES, [CHARGE | {"BillingCurrency": currency, "BilledCost": charged}])
    found = judged_lines(connection, tmp_path)
    assert found[SUM_OF_INVOICE].status == found[SUM_OF_LINE].status == status


def test_taxes_are_left_out_of_the_sum_of_an_invoice_but_not_of_a_line(connection, tmp_path):
    tax = LINE | {"InvoiceDetailId": "line-2", "ChargeCategory": "Tax", "BilledCost": "19"}
    write(tmp_path, LINES, [LINE, tax])
    charge = CHARGE | {"BilledCost": "5"}
    taxed = charge | {"ChargeCategory": "Tax", "InvoiceDetailId": "line-2", "BilledCost": "1"}
    write(tmp_path, CHARGES, [charge, taxed])
    found = judged_lines(connection, tmp_path)
    assert found[SUM_OF_INVOICE].status == "passed"
    assert (found[SUM_OF_LINE].status, found[SUM_OF_LINE].violations) == ("failed", 1)


def test_an_open_invoice_may_differ(connection, tmp_path):
    write(tmp_path, LINES, [LINE | {"InvoiceIssueStatus": "Open", "BilledCost": "900"}])
    write(tmp_path, CHARGES, [CHARGE])
    found = judged_lines(connection, tmp_path)
    assert found[SUM_OF_INVOICE].status == found[SUM_OF_LINE].status == "passed"


@pytest.mark.parametrize("column", ["BillingPeriodStart", "BillingPeriodEnd"])
def test_an_invoice_of_another_period_than_its_charges_is_found(connection, tmp_path, column):
    write(tmp_path, LINES, [LINE | {column: "2026-08-15T00:00:00Z"}])
    write(tmp_path, CHARGES, [CHARGE])
    found = judged_lines(connection, tmp_path)
    failed = {rule_id for rule_id in ACROSS if found[rule_id].status == "failed"} - {
        SUM_OF_INVOICE,
        SUM_OF_LINE,
    }
    assert failed == {f"1.4draft-IND-{column}-005"}


def test_a_line_made_after_its_period_was_closed_is_found(connection, tmp_path):
    late = LINE | {"InvoiceDetailCreated": "2026-12-24T00:00:00Z"}
    write(tmp_path, LINES, [LINE, late | {"InvoiceDetailId": "line-2"}])
    write(tmp_path, PERIODS, [PERIOD])
    verdict = judged_lines(connection, tmp_path)["1.4draft-IND-InvoiceDetailCreated-005"]
    assert (verdict.status, verdict.violations) == ("failed", 1)
    write(tmp_path, PERIODS, [PERIOD | {"BillingPeriodStatus": "Open"}])
    verdict = judged_lines(connection, tmp_path)["1.4draft-IND-InvoiceDetailCreated-005"]
    assert verdict.status == "passed"
