"""Each total check finds what breaks only it, and says nothing of books that balance."""

from datetime import datetime
from decimal import Decimal

import pytest

from finops_stack.bill import BillKey
from finops_stack.reconcile.check import check_totals
from finops_stack.reconcile.totals import total_checks

IDS = [check.id for check in total_checks()]

# check → (what goes wrong, failed rows, amount in doubt)
BREAKS = {
    "service-category-known": (
        "update focus set ServiceCategory = 'Other', ServiceName = 'Odd' where x_SourceRow = 1",
        1,
        "-0.5",
    ),
    "control-total": (
        "update focus set BilledCost = BilledCost + 0.000000000000001 where x_SourceRow = 1",
        1,
        "0.000000000000001",
    ),
    "raw-rows-delivered": (
        "delete from controls where treatment = 'zero discount lines'",
        1,
        "0",
    ),
    "raw-rows-converted": ("delete from focus where x_SourceRow = 2", 1, "0"),
    "lineage-unique": ("update focus set x_SourceRow = 0 where x_SourceRow = 1", 2, "10"),
    "one-delivery": ("update focus set x_DeliveryId = 'd0' where x_SourceRow = 1", 1, "-0.5"),
    "commitment-cost": (
        "update focus set EffectiveCost = 2.98 where x_SourceRow = 3",
        1,
        "0.02",
    ),
    "commitment-cost-open": (
        "update commitments set is_closed = false, committed_cost = 5",
        1,
        "0.996",
    ),
    "commitment-cost-known": (
        "update commitments set CommitmentDiscountId = 'plan-2', committed_cost = 0.01",
        2,
        "0",
    ),
}


def failed(results):
    return {result.check_id: result for result in results if not result.passed}


def temporary_tables(books):
    sql = "select table_name from duckdb_tables() where temporary"
    return books.connection.execute(sql).fetchall()


def test_books_that_balance_are_silent_and_every_check_answers(books):
    books.add_clean()
    results = books.check()
    assert failed(results) == {}
    assert [result.check_id for result in results] == IDS


@pytest.mark.parametrize("check_id", BREAKS)
def test_what_breaks_one_check_is_found_by_it_alone(books, check_id):
    sql, failed_rows, amount = BREAKS[check_id]
    books.add_clean()
    books.connection.execute(sql)
    found = failed(books.check())
    assert set(found) == {check_id}
    assert found[check_id].failed_rows == failed_rows
    assert found[check_id].billed_cost == Decimal(amount)
    assert len(found[check_id].samples) >= 1


def test_every_check_has_its_break():
    assert set(IDS) == {*BREAKS, "bill-not-empty"}


def test_a_bill_without_rows_is_a_warning_not_a_gate(books):
    books.delivered[books.bill] = 0
    found = failed(books.check())
    assert set(found) == {"bill-not-empty"}
    assert not found["bill-not-empty"].holds_back


def test_a_bill_nothing_is_known_of_fails(books):
    found = failed(books.check())
    assert found["raw-rows-delivered"].samples == (
        {"delivered_rows": "unknown", "accounted_rows": "0"},
    )


def test_rows_left_out_are_told_with_their_sums(books):
    books.add_clean()
    books.control(2, "1.250", treatment="free tier")
    books.control(1, "-3", treatment="free tier", currency="USD")
    books.control(1, "1", treatment="free tier", account="2")
    results = {result.check_id: result for result in books.check()}
    assert results["raw-rows-delivered"].note == (
        "left out: free tier 4 rows, 2.25 EUR + -3 USD; zero discount lines 1 rows, 0 EUR"
    )


def test_a_difference_shows_account_currency_and_both_totals(books):
    books.add_clean()
    books.charge(7, "2", BillingAccountId=None, BillingCurrency="USD", x_SourcePart=1)
    books.control(0, "1", account="2")
    result = failed(books.check())["control-total"]
    assert result.failed_rows == 2
    assert result.billed_cost == 3
    assert result.samples == (
        {
            "account": "2",
            "currency": "EUR",
            "bill_total": "1",
            "focus_total": "0",
            "difference": "-1",
        },
        {
            "account": "",
            "currency": "USD",
            "bill_total": "0",
            "focus_total": "2",
            "difference": "2",
        },
    )


def test_an_unknown_account_on_both_sides_agrees(books):
    books.charge(0, "2", BillingAccountId=None)
    books.control(1, "2", account=None)
    books.delivered[books.bill] = 1
    assert failed(books.check()) == {}


def test_rows_that_no_raw_row_stands_behind_have_no_address_to_share(books):
    books.add_clean()
    for _ in range(2):
        books.charge(None, "0", x_SourceFile=None)
    assert failed(books.check()) == {}


def test_a_repeated_address_is_shown_with_its_rows(books):
    books.add_clean()
    for _ in range(2):
        books.charge(None, "0", x_SourcePart=1)
    result = failed(books.check())["lineage-unique"]
    assert result.failed_rows == 2
    assert result.samples[0] == {
        "file": "bill.csv.gz",
        "row": "",
        "part": "1",
        "delivery": "d1",
        "rows_of_this_address": "2",
    }


def test_one_address_in_two_bills_is_no_repetition(books):
    """One execution of an export delivers two months under one id, with files of one name."""
    books.add_clean()
    august = BillKey("acme", datetime(2026, 8, 1))
    books.charge(1, "0", BillingPeriodStart=august.billing_period_start)
    found = [r for r in books.check([books.bill, august]) if r.check_id == "lineage-unique"]
    assert [result.failed_rows for result in found] == [0, 0]


def test_control_totals_of_another_delivery_do_not_count_as_proof(books):
    books.add_clean()
    books.connection.execute("update controls set x_DeliveryId = 'd0'")
    assert set(failed(books.check())) == {"one-delivery"}


def test_a_row_without_delivery_is_not_of_the_bills_delivery(books):
    books.add_clean()
    books.connection.execute("update focus set x_DeliveryId = null where x_SourceRow = 1")
    found = failed(books.check())
    assert set(found) == {"one-delivery"}
    assert found["one-delivery"].samples == ({"delivery": "", "focus_rows": "1"},)


def test_a_large_commitment_may_be_off_by_a_millionth(books):
    books.connection.execute("delete from commitments")
    books.charge(
        0, "0", "1000000.9", CommitmentDiscountId="plan-1", CommitmentDiscountStatus="Used"
    )
    books.control(1, "0")
    books.delivered[books.bill] = 1
    books.insert(
        "commitments", CommitmentDiscountId="plan-1", committed_cost="1000000", is_closed=True
    )
    assert failed(books.check()) == {}
    books.connection.execute("update focus set EffectiveCost = 1000001.1")
    assert set(failed(books.check())) == {"commitment-cost"}


def test_without_commitment_costs_covered_usage_is_a_warning(books):
    books.add_clean()
    results = check_totals(
        books.connection,
        focus="focus",
        controls="controls",
        commitments=None,
        bills=[books.bill],
        delivered_rows=books.delivered,
    )
    found = failed(results)
    assert set(found) == {"commitment-cost-known"}
    assert found["commitment-cost-known"].severity == "warn"


def test_bills_are_judged_apart_and_leave_nothing_behind(books):
    books.add_clean()
    books.bill = BillKey("it's globex", datetime(2026, 9, 1))
    books.add_clean()
    books.connection.execute(
        "update controls set billed_total = 15 where x_SourceName like 'it%' and billed_total = 14"
    )
    results = books.check([BillKey("acme", datetime(2026, 9, 1)), books.bill])
    assert [(result.source, result.check_id) for result in results if not result.passed] == [
        ("it's globex", "control-total")
    ]
    assert temporary_tables(books) == []


def test_temporary_tables_go_even_when_a_relation_is_missing(books):
    books.connection.execute("drop table controls")
    with pytest.raises(Exception, match="controls does not exist"):
        books.check()
    assert (
        books.connection.execute("select 1 from duckdb_tables() where temporary").fetchall() == []
    )


def test_services_without_a_category_are_named_with_their_cost(books):
    books.add_clean()
    other = {"ServiceCategory": "Other"}
    books.charge(0, "7", x_SourcePart=2, ServiceName="Mystery", **other)
    books.charge(1, "2.5", x_SourcePart=1, ServiceName="Mystery", **other)
    books.charge(2, "1", x_SourcePart=1, ServiceName="Odd", **other)
    result = failed(books.check())["service-category-known"]
    assert (result.severity, result.failed_rows, result.billed_cost) == ("warn", 3, 10.5)
    assert result.note == "unknown: Mystery, Odd"
    assert [sample["service"] for sample in result.samples] == ["Mystery", "Odd"]
    assert [sample["cost"] for sample in result.samples] == ["9.5", "1"]


def test_no_bills_no_results(books):
    results = check_totals(
        books.connection,
        focus="focus",
        controls="controls",
        commitments="commitments",
        bills=[],
        delivered_rows={},
    )
    assert results == []
