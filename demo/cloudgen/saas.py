"""SaaS: FOCUS files of two providers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from cloudgen.common import PLACES, Month, Row, write_csv


def write_saas(out: Path, plan: Row, month: Month) -> Decimal:
    """FOCUS 1.2 as csv.gz, one file a month."""
    saas = plan["saas"]
    rows = list(_saas_rows(saas, month))
    path = out / "saas" / f"billing_period={month.start:%Y-%m}" / "focus.csv.gz"
    write_csv(path, rows, list(rows[0]))
    return sum((row["BilledCost"] for row in rows), Decimal(0))


def _saas_rows(saas: Row, month: Month) -> Iterator[Row]:
    for product in saas["products"]:
        for number, account in enumerate(product["accounts"], 1):
            quantity = month.quantity(product["quantity"], number)
            for day in month.days():
                cost = (quantity * product["price"]).quantize(PLACES)
                yield {
                    "BilledCost": cost,
                    "BillingAccountId": saas["account"],
                    "BillingAccountName": "Tallowfen",
                    "BillingCurrency": saas["currency"],
                    "BillingPeriodStart": f"{month.start}T00:00:00Z",
                    "BillingPeriodEnd": f"{month.end}T00:00:00Z",
                    "ChargeCategory": "Usage",
                    "ChargeClass": "",
                    "ChargeDescription": f"{product['service']} {account}",
                    "ChargeFrequency": "Usage-Based",
                    "ChargePeriodStart": f"{day}T00:00:00Z",
                    "ChargePeriodEnd": f"{day + timedelta(days=1)}T00:00:00Z",
                    "ConsumedQuantity": quantity,
                    "ConsumedUnit": product["unit"],
                    "ContractedCost": cost,
                    "ContractedUnitPrice": product["price"],
                    "EffectiveCost": cost,
                    "InvoiceIssuerName": product["provider"],
                    "ListCost": cost,
                    "ListUnitPrice": product["price"],
                    "PricingCategory": "Standard",
                    "PricingQuantity": quantity,
                    "PricingUnit": product["unit"],
                    "ProviderName": product["provider"],
                    "PublisherName": product["provider"],
                    "ServiceCategory": product["category"],
                    "ServiceName": product["service"],
                    "ServiceSubcategory": "Relational Databases",
                    "SkuId": f"{product['provider']}-{product['unit']}",
                    "SkuPriceId": f"{product['provider']}-{product['unit']}",
                    "SubAccountId": account,
                    "SubAccountName": account,
                    "Tags": json.dumps({"team": "Data"}),
                }
