"""Each row check finds the row that breaks only it, and says nothing of a clean table."""

from datetime import datetime
from decimal import Decimal

import pytest

from finops_stack.bill import BillKey
from finops_stack.conformance.check import check_rows
from finops_stack.conformance.rows import parse_checks, row_checks
from finops_stack.focus import canonical_columns

CHECKS = {check.id: check for check in row_checks()}

# check → (base row, what is wrong with it)
BREAKS = {
    "costs-not-null": ("usage", {"EffectiveCost": "null"}),
    "list-cost-is-price-times-quantity": ("usage", {"ListCost": "6.00000001"}),
    "contracted-cost-is-price-times-quantity": ("usage", {"ContractedCost": "4.9"}),
    "cost-order": ("used", {"EffectiveCost": "5.1"}),
    "tax-without-pricing": ("tax", {"SkuPriceDetails": "map {'CoreCount': '4'}"}),
    "priced-PricingQuantity": ("usage", {"PricingQuantity": "null", "PricingUnit": "null"}),
    "priced-PricingCategory": ("purchase", {"PricingCategory": "null"}),
    "priced-ListUnitPrice": ("usage", {"ListUnitPrice": "null"}),
    "priced-ContractedUnitPrice": ("usage", {"ContractedUnitPrice": "null"}),
    "priced-SkuId": ("usage", {"SkuId": "null", "SkuMeter": "null", "SkuPriceDetails": "null"}),
    "priced-SkuPriceId": ("usage", {"SkuPriceId": "null"}),
    "sku-meter-with-sku": ("credit", {"SkuMeter": "'hours'"}),
    "consumed-only-on-usage": ("credit", {"ConsumedQuantity": "1", "ConsumedUnit": "'Hours'"}),
    "pricing-unit-with-quantity": ("usage", {"PricingUnit": "null"}),
    "consumed-unit-with-quantity": ("usage", {"ConsumedUnit": "null"}),
    "commitment-unit-with-quantity": ("used", {"CommitmentDiscountUnit": "null"}),
    "commitment-described": ("purchase", {"CommitmentDiscountType": "null"}),
    "commitment-status-on-usage": ("used", {"CommitmentDiscountStatus": "null"}),
    "commitment-columns-with-id": ("usage", {"CommitmentDiscountName": "'the plan'"}),
    "unused-without-consumption": (
        "unused",
        {"ConsumedQuantity": "10", "ConsumedUnit": "'Hours'"},
    ),
    "commitment-purchase-amortised": ("purchase", {"EffectiveCost": "5"}),
    "commitment-purchase-not-committed": ("purchase", {"PricingCategory": "'Committed'"}),
    "purchase-not-usage-based": ("purchase", {"ChargeFrequency": "'Usage-Based'"}),
    "capacity-status-with-id": ("usage", {"CapacityReservationId": "'cr-1'"}),
    "charge-period-half-open": ("usage", {"ChargePeriodEnd": "timestamp '2026-09-10 04:00'"}),
    "billing-period-half-open": ("usage", {"BillingPeriodEnd": "timestamp '2026-09-01'"}),
    "billing-period-starts-month": ("usage", {"BillingPeriodStart": "timestamp '2026-09-02'"}),
    "charge-inside-billing-period": ("usage", {"ChargePeriodEnd": "timestamp '2026-10-01 01:00'"}),
    "billing-currency-code": ("usage", {"BillingCurrency": "'EuR'"}),
    "no-blank-text": ("usage", {"ResourceName": "''"}),
    "region-name-with-id": ("usage", {"RegionId": "null"}),
    "sub-account-with-id": ("usage", {"SubAccountName": "null"}),
    "resource-described": ("usage", {"ResourceType": "null"}),
    "allowed-CapacityReservationStatus": (
        "usage",
        {"CapacityReservationId": "'cr-1'", "CapacityReservationStatus": "'Idle'"},
    ),
    "allowed-ChargeCategory": ("credit", {"ChargeCategory": "'Refund'"}),
    "allowed-ServiceSubcategory": ("usage", {"ServiceSubcategory": "'Object Storage'"}),
    "allowed-CommitmentDiscountStatus": ("used", {"CommitmentDiscountStatus": "'Active'"}),
    "not-negative-ListUnitPrice": ("usage", {"ListUnitPrice": "-0.6", "ListCost": "-6"}),
    "not-negative-ContractedUnitPrice": (
        "usage",
        {"ContractedUnitPrice": "-0.5", "ContractedCost": "-5"},
    ),
}
# The rest of what columns.csv makes needs no care.
BREAKS |= {
    check_id: ("used", {column: "'no such word'"})
    for check_id, column in [(each, each.removeprefix("allowed-")) for each in CHECKS]
    if check_id.startswith("allowed-") and check_id not in BREAKS
}
BREAKS |= {
    check_id: ("usage", {check_id.removeprefix("required-"): "null"})
    for check_id in CHECKS
    if check_id.startswith("required-")
}
BREAKS |= {
    check_id: ("usage", {check_id.removeprefix("not-negative-"): "-1"})
    for check_id in CHECKS
    if check_id.startswith("not-negative-PricingCurrency")
}


def failed(results):
    return {result.check_id: result for result in results if not result.passed}


def test_a_clean_table_is_silent_and_every_check_answers_for_every_bill(focus):
    focus.add_clean()
    results = check_rows(focus.connection, relation="focus", bills=focus.bills())
    assert failed(results) == {}
    assert [result.check_id for result in results] == list(CHECKS)


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_row_that_breaks_one_check_is_found_by_it_alone(focus, check_id):
    base, changes = BREAKS[check_id]
    focus.add_clean()
    focus.add(base, x_SourceRow="77", **changes)
    results = check_rows(focus.connection, relation="focus", bills=focus.bills())
    assert set(failed(results)) == {check_id}
    found = failed(results)[check_id]
    assert found.failed_rows == 1
    assert found.severity == CHECKS[check_id].severity
    assert [sample["row"] for sample in found.samples] == ["77"]
    assert set(CHECKS[check_id].show) < set(found.samples[0])


# More ways to break a check than the one above.
@pytest.mark.parametrize(
    ("check_id", "base", "changes"),
    [
        ("billing-currency-code", "usage", {"BillingCurrency": "'EURO'"}),
        ("billing-currency-code", "usage", {"BillingCurrency": "'É1R'"}),
        ("costs-not-null", "usage", {"BilledCost": "null"}),
        ("charge-inside-billing-period", "usage", {"ChargePeriodStart": "timestamp '2026-08-31'"}),
        ("resource-described", "usage", {"ResourceId": "null", "ResourceType": "null"}),
        ("sub-account-with-id", "tax", {"SubAccountId": "null"}),
        ("region-name-with-id", "usage", {"RegionName": "null"}),
        ("commitment-columns-with-id", "usage", {"CommitmentDiscountCategory": "'Spend'"}),
        ("charge-period-half-open", "usage", {"ChargePeriodStart": "timestamp '2026-09-11'"}),
        ("capacity-status-with-id", "tax", {"CapacityReservationStatus": "'Used'"}),
    ],
)
def test_other_ways_to_break_it(focus, check_id, base, changes):
    focus.add(base, **changes)
    results = check_rows(focus.connection, relation="focus", bills=focus.bills())
    assert set(failed(results)) == {check_id}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        # Floating-point products of the bill, 1e-10 off.
        ("usage", {"ListCost": "6.0000000001", "ContractedCost": "4.9999999999"}),
        ("usage", {"ListUnitPrice": "6e-13", "PricingQuantity": "10", "ListCost": "6e-12"}),
        # A refund: quantity and costs are negative, prices are not.
        (
            "usage",
            {
                "PricingQuantity": "-10",
                "ListCost": "-6",
                "ContractedCost": "-5",
                "BilledCost": "-5",
                "EffectiveCost": "-5",
            },
        ),
        ("tax", {"SubAccountId": "null", "SubAccountName": "null"}),
        ("usage", {"ServiceSubcategory": "null"}),
        ("usage", {"BillingAccountName": "null", "HostProviderName": "null"}),
        # Used by a reservation of capacity, whatever the charge.
        (
            "usage",
            {"CapacityReservationId": "'cr-1'", "CapacityReservationStatus": "'Used'"},
        ),
    ],
)
def test_what_a_good_bill_may_do(focus, base, changes):
    focus.add(base, **changes)
    results = check_rows(focus.connection, relation="focus", bills=focus.bills())
    assert failed(results) == {}


def test_counts_costs_and_the_first_five_rows_by_address(focus):
    for row in (9, 3, 8, 1, 7, 2, 5):
        focus.add("usage", BillingCurrency="'eur'", x_SourceRow=str(row), BilledCost="1.10")
    focus.add("usage", x_SourceRow="0")
    found = failed(check_rows(focus.connection, relation="focus", bills=focus.bills()))
    result = found["billing-currency-code"]
    assert result.failed_rows == 7
    assert result.billed_cost == Decimal("7.70")
    assert [sample["row"] for sample in result.samples] == ["1", "2", "3", "5", "7"]
    assert result.samples[0] == {
        "file": "bill.csv.gz",
        "row": "1",
        "part": "0",
        "BillingCurrency": "eur",
    }


def test_bills_are_judged_apart_and_only_those_asked_for(focus):
    focus.add("usage", RegionName="null")
    focus.add("usage", RegionName="null", x_SourceName="'it''s acme'")
    focus.add(
        "usage",
        RegionName="null",
        BillingPeriodStart="timestamp '2026-08-01'",
        ChargePeriodStart="timestamp '2026-08-10'",
    )
    empty = BillKey("nobody", datetime(2026, 9, 1))
    asked = [BillKey("it's acme", datetime(2026, 9, 1)), empty]
    results = check_rows(focus.connection, relation="focus", bills=asked)
    assert len(results) == 2 * len(CHECKS)
    assert [(r.source, r.billing_period, r.failed_rows) for r in results if not r.passed] == [
        ("it's acme", "2026-09", 1)
    ]


def test_no_bills_no_results(focus):
    assert check_rows(focus.connection, relation="focus", bills=[]) == []


def test_ids_are_unique_and_columns_exist():
    assert len(CHECKS) == len(row_checks())
    names = {column.name for column in canonical_columns()}
    assert {shown for check in row_checks() for shown in check.show} <= names


def test_each_makes_one_check_per_column():
    entry = {
        "id": "has-{column}",
        "what": "{column} is there",
        "severity": "warn",
        "each": ["SkuId", "Tags"],
        "fails": "{column} is null",
        "show": ["ServiceName"],
    }
    first, second = parse_checks({"checks": [entry]})
    assert (first.id, first.what, first.fails) == ("has-SkuId", "SkuId is there", "SkuId is null")
    assert second.show == ("Tags", "ServiceName")


def test_a_predecessor_that_a_view_fills_in_is_not_required():
    assert "required-ServiceProviderName" in CHECKS
    assert "required-ProviderName" not in CHECKS
