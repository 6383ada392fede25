"""Each check of data quality finds what it is for, and is silent of bills that are whole."""

from datetime import datetime, timedelta
from decimal import Decimal

from quality_bills import AUGUST, SEPTEMBER

from finops_stack.bill import BillKey
from finops_stack.conformance.check import check_rows
from finops_stack.quality.checks import quality_checks, quality_row_checks

JULY = datetime(2026, 7, 1)


def told(result):
    return result.failed_rows, result.unit, result.billed_cost


def test_two_whole_months_are_silent_and_every_check_answers(bills):
    bills.month(AUGUST)
    bills.month(SEPTEMBER)
    results = bills.check()
    assert list(results) == [check.id for check in quality_checks()]
    assert [each for each in results.values() if not each.passed] == []


def test_nothing_is_left_behind(bills):
    bills.month()
    bills.check()
    sql = "select table_name from duckdb_tables() where temporary"
    assert bills.connection.execute(sql).fetchall() == []


# ---- days-missing


def test_days_without_usage_are_told_in_ranges_with_what_a_day_usually_costs(bills):
    """26 days of 10 EUR and 3 USD; 10 to 12 and 20 are missing: 4 × 13."""
    days = [day for day in range(1, 31) if day not in (10, 11, 12, 20)]
    bills.month(AUGUST)
    bills.month(days=days)
    bills.month(days=days, cost="3", BillingCurrency="USD")
    found = bills.found()
    assert set(found) == {"days-missing"}
    assert told(found["days-missing"]) == (4, "day", 52)
    usual = "10.00 EUR + 3.00 USD"
    assert found["days-missing"].samples == (
        {"from_day": "2026-09-10", "to_day": "2026-09-12", "days": "3", "usual_cost_a_day": usual},
        {"from_day": "2026-09-20", "to_day": "2026-09-20", "days": "1", "usual_cost_a_day": usual},
    )


def test_a_closed_month_is_judged_to_its_ends_and_an_open_one_is_not(bills):
    bills.month(AUGUST)
    bills.month(days=range(3, 26))
    closed = bills.found()["days-missing"]
    assert [(s["from_day"], s["to_day"]) for s in closed.samples] == [
        ("2026-09-01", "2026-09-02"),
        ("2026-09-26", "2026-09-30"),
    ]
    still_open = bills.found(now=datetime(2026, 10, 3, 23))["days-missing"]
    assert [(s["from_day"], s["to_day"]) for s in still_open.samples] == [
        ("2026-09-01", "2026-09-02")
    ]


def test_the_first_month_of_a_source_may_begin_on_any_day(bills):
    bills.month(days=range(12, 31))
    assert bills.found() == {}


def test_a_month_that_broke_off_early_is_found_by_the_month_before(bills):
    """4 days alone are no rhythm; August had usage every day."""
    bills.month(days=range(1, 5))
    assert bills.found() == {}
    bills.month(AUGUST)
    assert bills.found()["days-missing"].failed_rows == 26


def test_usage_on_working_days_is_no_gap(bills):
    """22 of 30 days are 73 %: not daily, unless the threshold says so."""
    for month in (AUGUST, SEPTEMBER):
        days = [d for d in range(1, 32) if (month + timedelta(days=d - 1)).weekday() < 5]
        bills.month(month, days=days)
    assert bills.found() == {}
    assert bills.found(daily_pct=70)["days-missing"].failed_rows == 8


def test_monthly_rows_have_no_days_to_miss(bills):
    """Servers of a month each, ordered on most days of it."""
    days = [day for day in range(1, 29) if day != 9]
    bills.month(AUGUST, days=days, days_long=31)
    bills.month(days=days, days_long=30)
    assert bills.found() == {}


def test_a_few_hourly_rows_beside_monthly_ones_are_no_rhythm(bills):
    bills.month(AUGUST, days_long=31)
    bills.month(days_long=30)
    bills.month(days=[3, 4], ResourceId="test")
    assert bills.found() == {}


def test_other_charges_do_not_fill_a_day(bills):
    bills.month(AUGUST)
    bills.month(days=[day for day in range(1, 31) if day != 5])
    bills.charge(datetime(2026, 9, 5), "1", ChargeCategory="Tax")
    assert bills.found()["days-missing"].samples[0]["from_day"] == "2026-09-05"


# ---- accounts-gone, services-gone


def test_an_account_without_usage_is_told_with_what_it_cost(bills):
    """31 days of 4 EUR; its tax goes on. The account of 3 EUR a day is below the threshold."""
    for account, cost in (("shop", "10"), ("lab", "4"), ("toy", "3")):
        bills.month(AUGUST, cost, SubAccountId=account, SubAccountName=account.upper())
    bills.month()
    bills.charge(SEPTEMBER, "2", SubAccountId="lab", ChargeCategory="Tax")
    result = bills.found()["accounts-gone"]
    assert told(result) == (1, "account", 124)
    assert result.note == "compared with 2026-08"
    assert result.samples == (
        {"account": "lab", "account_name": "LAB", "currency": "EUR", "cost_before": "124"},
    )
    assert bills.found(gone_cost=93)["accounts-gone"].failed_rows == 2
    assert "accounts-gone" not in bills.found(gone_cost=125)


def test_a_service_without_usage_is_told_once_with_each_currency(bills):
    for currency in ("EUR", "USD"):
        bills.month(AUGUST, "5", ServiceName="Disk", BillingCurrency=currency)
    bills.month(AUGUST)
    bills.month()
    found = bills.found()
    assert set(found) == {"services-gone"}
    assert told(found["services-gone"]) == (1, "service", 310)
    assert [(s["service"], s["currency"]) for s in found["services-gone"].samples] == [
        ("Disk", "EUR"),
        ("Disk", "USD"),
    ]


def test_covered_usage_counts_by_what_it_costs_amortised(bills):
    bills.month(AUGUST, "0", EffectiveCost="5", ServiceName="Disk")
    bills.month(AUGUST)
    bills.month()
    assert bills.found()["services-gone"].billed_cost == 155


def test_an_open_month_is_compared_with_as_many_days_of_the_month_before(bills):
    """Backups run on the 20th of August; Disk every day, 12 × 20 EUR by the 12th of September."""
    bills.month(AUGUST)
    bills.month(AUGUST, "500", days=[20], ServiceName="Backup")
    bills.month(AUGUST, "20", ServiceName="Disk")
    bills.month(days=range(1, 13))
    now = datetime(2026, 9, 13)
    result = bills.found(now=now)["services-gone"]
    assert [sample["service"] for sample in result.samples] == ["Disk"]
    assert (result.billed_cost, result.note) == (240, "compared with 2026-08, its first 12 days")
    assert bills.found(now=now, enough_days=13) == {}


def test_what_is_new_is_not_gone_and_a_missing_month_is_not_missed(bills):
    bills.month(JULY, ServiceName="Disk")
    bills.month(days=range(1, 31))
    results = bills.check()
    assert results["services-gone"].passed and results["services-gone"].note == ""
    bills.month(AUGUST)
    bills.month(ServiceName="New")
    assert bills.found() == {}


# ---- rows-changed, rows-restated


def test_twice_the_rows_of_the_month_before(bills):
    """August: 31 × 4 rows of 10; September: 30 × 8 of 10."""
    bills.month(AUGUST, copies=4)
    bills.month(copies=8)
    result = bills.found(alike_pct=100)["rows-changed"]
    assert told(result) == (116, "row", 1160)
    assert result.samples == (
        {
            "currency": "EUR",
            "rows_before": "124",
            "rows_now": "240",
            "days_before": "31",
            "days_now": "30",
            "cost_before": "1240",
            "cost_now": "2400",
        },
    )
    assert "rows-changed" not in bills.found(rows_changed_pct=101)
    assert "rows-changed" not in bills.found(rows_from=241)


def test_a_month_that_began_late_is_compared_by_the_day(bills):
    bills.month(AUGUST, days=range(20, 32), copies=5)
    bills.month(copies=5)
    assert bills.check()["rows-changed"].passed


def test_an_open_months_rows_are_compared_with_the_same_days(bills):
    """400 rows of a fee on the first of August would make its first days look large."""
    bills.month(AUGUST, copies=10)
    bills.charge(datetime(2026, 8, 20), "0", copies=400)
    bills.month(days=range(1, 11), copies=10)
    now = datetime(2026, 9, 11)
    assert bills.check(now=now)["rows-changed"].passed
    bills.connection.execute("delete from focus where ChargePeriodStart >= '2026-09-04'")
    bills.month(days=range(4, 11), copies=1)
    assert told(bills.check(now=now)["rows-changed"]) == (63, "row", 630)


def test_a_restated_month_that_lost_a_third_of_its_rows(bills):
    """30 × 6 rows were published; the new delivery has 30 × 4 of them."""
    bills.month(copies=6, x_DeliveryId="d0")
    bills.connection.execute("create table published as select * from cost_by_day")
    bills.connection.execute("delete from focus")
    bills.month(copies=4)
    result = bills.check(published="published")["rows-restated"]
    assert told(result) == (60, "row", 600)
    assert result.samples[0]["rows_before"] == "180"
    assert bills.check(published="published", rows_restated_pct=34)["rows-restated"].passed
    assert bills.check()["rows-restated"].passed
    # Another source's delivery may be called as the one that was replaced.
    bills.month(source="b", x_DeliveryId="d0")
    both = (("b", SEPTEMBER), ("acme", SEPTEMBER))
    assert bills.check(*both, published="published")["rows-restated"].failed_rows == 60


def test_a_month_that_goes_on_has_more_rows_and_a_doubled_one_is_told(bills):
    bills.month(days=range(1, 11), copies=10, x_DeliveryId="d0")
    bills.connection.execute("create table published as select * from cost_by_day")
    bills.connection.execute("delete from focus")
    bills.month(days=range(1, 21), copies=10)
    now = datetime(2026, 9, 21)
    assert bills.check(now=now, published="published")["rows-restated"].passed
    bills.month(days=range(1, 21), copies=10)
    assert bills.check(now=now, published="published")["rows-restated"].failed_rows == 300


def test_the_same_delivery_converted_again_is_no_restatement(bills):
    bills.month(copies=4)
    bills.connection.execute("create table published as select * from cost_by_day")
    bills.connection.execute("delete from focus where ChargePeriodStart >= '2026-09-10'")
    assert bills.check(published="published")["rows-restated"].passed


def test_a_month_that_came_back_empty(bills):
    bills.month(copies=4, x_DeliveryId="d0")
    bills.connection.execute("create table published as select * from cost_by_day")
    bills.connection.execute("delete from focus")
    assert bills.check(published="published")["rows-restated"].failed_rows == 120


# ---- rows-alike, bills-alike


def test_rows_alike_are_told_with_the_cost_of_the_copies(bills):
    """Day 3 is there three times: two copies of 10 EUR in a bill of 320."""
    bills.month(ResourceId="vm-1", Tags={"team": "red"})
    bills.charge(datetime(2026, 9, 3), "10", copies=2, ResourceId="vm-1", Tags={"team": "red"})
    result = bills.found()["rows-alike"]
    assert told(result) == (2, "row", 20)
    assert result.samples == (
        {
            "file": "bill.csv",
            "row": "2",
            "alike": "bill.csv row 31",
            "copies": "3",
            "cost": "10",
            "currency": "EUR",
            "service": "VM",
            "charge_period": "2026-09-03T00:00:00Z",
        },
    )
    assert "rows-alike" not in bills.found(alike_pct="6.26")
    assert "rows-alike" in bills.found(alike_pct="6.25")


def test_rows_that_differ_in_any_column_are_not_alike(bills):
    bills.month(ResourceId="vm-1", Tags={"team": "red"})
    bills.month(ResourceId="vm-1", Tags={"team": "blue"})
    bills.month(ResourceId="vm-1", Tags={"team": "blue"}, ChargeDescription="hours")
    assert bills.found() == {}


def test_rows_that_cost_nothing_may_be_alike(bills):
    bills.month(copies=2, cost="0", EffectiveCost="1")
    assert bills.found() == {}


def test_the_same_account_twice_through_two_sources(bills):
    """The payer's export has both accounts, the member's one of them: 300 EUR count twice."""
    bills.month(SubAccountId="shop")
    bills.month(SubAccountId="lab", cost="7")
    bills.month(SubAccountId="shop", cost="10.0001", source="member")
    result = bills.found()["bills-alike"]
    assert told(result) == (1, "account", 300)
    assert result.samples == (
        {"account": "shop", "currency": "EUR", "cost": "300", "other_source": "member"},
    )
    other = bills.found(("member", SEPTEMBER))["bills-alike"]
    assert (other.billed_cost, other.samples[0]["other_source"]) == (Decimal("300.003"), "acme")
    assert "bills-alike" not in bills.found(alike_cost=301)


def test_other_totals_currencies_months_and_accounts_are_other_bills(bills):
    bills.month()
    bills.month(source="b", cost="10.001")
    bills.month(source="c", BillingCurrency="USD")
    bills.month(AUGUST, source="d")
    bills.month(source="e", SubAccountId="lab")
    bills.month(source="f", SubAccountId=None, BillingAccountId=None)
    assert bills.check()["bills-alike"].passed


# ---- tag-keys-alike


def test_spellings_of_a_tag_key_beside_the_usual_one(bills):
    """'team' has 30 charges, 'Team' 3 of 10 EUR, one of them in USD, and 'te-am' one of 2 EUR."""
    bills.month(Tags={"team": "red", "owner": "ann"})
    bills.month(days=[1, 2], Tags={"Team": "red"}, ResourceId="a")
    bills.month(days=[3], Tags={"Team": "red"}, ResourceId="a", BillingCurrency="USD")
    bills.charge(SEPTEMBER, "2", Tags={"te-am": "red", "Owners": "ann"})
    result = bills.found()["tag-keys-alike"]
    assert told(result) == (2, "tag key", 32)
    usual = {"usual_key": "team"}
    assert result.samples == (
        usual | {"tag_key": "Team", "charges": "1", "cost": "10", "currency": "USD"},
        usual | {"tag_key": "Team", "charges": "2", "cost": "20", "currency": "EUR"},
        usual | {"tag_key": "te-am", "charges": "1", "cost": "2", "currency": "EUR"},
    )


def test_keys_of_other_words_and_rows_without_tags_are_silent(bills):
    bills.month(Tags={"team": "red", "teams": "x", "user:team": "y"})
    bills.month(Tags={}, ResourceId="a")
    bills.month(Tags=None, ResourceId="b")
    assert bills.found() == {}


# ---- several bills at once


def test_each_bill_gets_its_own_answer(bills):
    bills.month(AUGUST)
    bills.month(days=[d for d in range(1, 31) if d != 9])
    bills.month(source="b")
    keys = (("b", SEPTEMBER), ("acme", AUGUST), ("acme", SEPTEMBER))
    assert set(bills.found(*keys)) == {"days-missing"}
    assert bills.found(keys[2], keys[1], keys[0]) == {}


# ---- price-zero


def price_zero(bills, *, bill=("acme", SEPTEMBER)):
    (result,) = check_rows(
        bills.connection, relation="focus", bills=[BillKey(*bill)], checks=quality_row_checks()
    )
    assert result.check_id == "price-zero"
    return result


def test_usage_with_a_cost_at_a_price_of_zero(bills):
    """Two rows of 10 EUR: one list price, one contracted price of zero."""
    priced = {"PricingQuantity": 1, "ListUnitPrice": 10, "ContractedUnitPrice": 10}
    bills.month(days=[1], **priced | {"ListUnitPrice": 0})
    bills.month(days=[2], **priced | {"ContractedUnitPrice": 0})
    result = price_zero(bills)
    assert told(result) == (2, "row", 20)
    assert result.samples[0]["ListUnitPrice"] == "0"


def test_what_is_free_priced_or_no_usage_may_have_a_price_of_zero_or_none(bills):
    free = {"PricingQuantity": 1, "ListUnitPrice": 0, "ContractedUnitPrice": 0}
    bills.month(cost="0", **free)
    bills.month(**free | {"ListUnitPrice": 10, "ContractedUnitPrice": 10})
    bills.month(**free | {"ListUnitPrice": None, "ContractedUnitPrice": None})
    bills.month(**free | {"PricingQuantity": 0})
    bills.month(**free | {"ChargeCategory": "Adjustment"})
    bills.month(**free | {"ChargeClass": "Correction"})
    bills.month(**free | {"CommitmentDiscountStatus": "Unused"})
    bills.month(cost="-10", **free)
    assert price_zero(bills).passed
