"""A canonical FOCUS table made by hand, row by row."""

import duckdb
import pytest

from finops_stack.bill import BillKey
from finops_stack.focus import canonical_columns, sql_type

# SQL expressions; every base row conforms.
USAGE = {
    "BilledCost": "5",
    "EffectiveCost": "5",
    "ListCost": "6",
    "ContractedCost": "5",
    "ListUnitPrice": "0.6",
    "ContractedUnitPrice": "0.5",
    "PricingQuantity": "10",
    "PricingUnit": "'Hours'",
    "PricingCategory": "'Standard'",
    "ConsumedQuantity": "10",
    "ConsumedUnit": "'Hours'",
    "BillingAccountId": "'00123'",
    "BillingAccountName": "'Main'",
    "BillingCurrency": "'EUR'",
    "BillingPeriodStart": "timestamp '2026-09-01'",
    "BillingPeriodEnd": "timestamp '2026-10-01'",
    "ChargePeriodStart": "timestamp '2026-09-10 04:00'",
    "ChargePeriodEnd": "timestamp '2026-09-10 05:00'",
    "ChargeCategory": "'Usage'",
    "ChargeFrequency": "'Usage-Based'",
    "ChargeDescription": "'an hour of a machine'",
    "InvoiceIssuerName": "'Acme'",
    "ServiceProviderName": "'Acme'",
    "HostProviderName": "'Acme'",
    "ServiceCategory": "'Compute'",
    "ServiceSubcategory": "'Virtual Machines'",
    "ServiceName": "'Machines'",
    "RegionId": "'eu-1'",
    "RegionName": "'Europe 1'",
    "ResourceId": "'vm-1'",
    "ResourceName": "'web'",
    "ResourceType": "'Machine'",
    "SubAccountId": "'00456'",
    "SubAccountName": "'Shop'",
    "SkuId": "'sku-1'",
    "SkuPriceId": "'price-1'",
    "SkuMeter": "'machine hours'",
    "SkuPriceDetails": "map {'CoreCount': '4'}",
    "Tags": "map {'team': 'shop'}",
    "x_SourceName": "'acme'",
    "x_DeliveryId": "'d1'",
    "x_SourceFile": "'bill.csv.gz'",
    "x_SourceRow": "0",
    "x_SourcePart": "0",
}
COMMITMENT = {
    "CommitmentDiscountId": "'plan-1'",
    "CommitmentDiscountName": "'the plan'",
    "CommitmentDiscountCategory": "'Spend'",
    "CommitmentDiscountType": "'Plan'",
}
USED = (
    USAGE
    | COMMITMENT
    | {
        "CommitmentDiscountStatus": "'Used'",
        "PricingCategory": "'Committed'",
        "BilledCost": "0",
        "EffectiveCost": "3",
        "CommitmentDiscountQuantity": "3",
        "CommitmentDiscountUnit": "'EUR'",
    }
)
UNUSED = USED | {
    "CommitmentDiscountStatus": "'Unused'",
    "ConsumedQuantity": "null",
    "ConsumedUnit": "null",
    "ListUnitPrice": "0",
    "ContractedUnitPrice": "0",
    "ListCost": "0",
    "ContractedCost": "0",
}
PURCHASE = (
    USAGE
    | COMMITMENT
    | {
        "ChargeCategory": "'Purchase'",
        "ChargeFrequency": "'Recurring'",
        "EffectiveCost": "0",
        "ConsumedQuantity": "null",
        "ConsumedUnit": "null",
    }
)
TAX = {
    name: value
    for name, value in USAGE.items()
    if not name.startswith(("Pricing", "Consumed", "Sku", "ListUnit", "ContractedUnit"))
} | {"ChargeCategory": "'Tax'", "ChargeFrequency": "'One-Time'"}
CREDIT = TAX | {"ChargeCategory": "'Credit'", "BilledCost": "-1", "EffectiveCost": "-1"}
# A correction may leave out what other usage must say.
CORRECTION = TAX | {"ChargeCategory": "'Usage'", "ChargeClass": "'Correction'"}

BASE_ROWS = {
    "usage": USAGE,
    "used": USED,
    "unused": UNUSED,
    "purchase": PURCHASE,
    "tax": TAX,
    "credit": CREDIT,
    "correction": CORRECTION,
}


class FocusTable:
    """The table `focus` on its own connection."""

    def __init__(self, connection):
        self.connection = connection
        listed = ", ".join(f"{each.name} {sql_type(each)}" for each in canonical_columns())
        connection.execute(f"create table focus ({listed})")

    def add(self, base, **changes):
        """One row: a base row by name, with some columns (SQL expressions) changed."""
        row = BASE_ROWS[base] | changes
        names, values = ", ".join(row), ", ".join(row.values())
        self.connection.execute(f"insert into focus ({names}) values ({values})")

    def add_clean(self):
        """One conforming row of each kind."""
        for number, base in enumerate(BASE_ROWS):
            self.add(base, x_SourceRow=str(number))

    def bills(self):
        """The bills in the table, sorted."""
        found = self.connection.execute(
            "select distinct x_SourceName, BillingPeriodStart from focus"
        ).fetchall()
        return sorted(BillKey(source, start) for source, start in found)


@pytest.fixture
def focus():
    connection = duckdb.connect()
    yield FocusTable(connection)
    connection.close()
