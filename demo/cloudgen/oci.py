"""Oracle: cost reports, several files a month, numbered on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cloudgen.common import PLACES, Month, Row, write_csv


def write_oci(out: Path, plan: Row, month: Month) -> Decimal:
    """A file for each ten days."""
    oci, total, days = plan["oci"], Decimal(0), list(month.days())
    for part in range(3):
        rows = []
        for day in days[part * 10 : part * 10 + 10 if part < 2 else None]:
            rows += _oci_rows(oci, month, day)
        number = month.number * 3 + part + 1
        name = f"reports/cost-csv/{number:016d}-00001.csv.gz"
        write_csv(out / "oci" / name, rows, list(rows[0]))
        total += sum((row["cost/myCost"] for row in rows), Decimal(0))
    return total


def _oci_rows(oci: Row, month: Month, day: date) -> Iterator[Row]:
    for product in oci["products"]:
        for resource in range(1, product["resources"] + 1):
            quantity = month.quantity(product["quantity"], resource)
            yield {
                "lineItem/referenceNo": f"{day:%Y%m%d}-{product['sku']}-{resource}",
                "lineItem/tenantId": oci["tenancy"],
                "lineItem/intervalUsageStart": f"{day}T00:00Z",
                "lineItem/intervalUsageEnd": f"{day + timedelta(days=1)}T00:00:00Z",
                "product/service": product["service"],
                "product/compartmentId": "ocid1.compartment.oc1..shop",
                "product/compartmentName": "shop",
                "product/region": "eu-frankfurt-1",
                "product/availabilityDomain": "",
                "product/resourceId": f"ocid1.{product['service'].lower()}.oc1..{resource:03d}",
                "usage/billedQuantity": quantity,
                "usage/billedQuantityOverage": "",
                "cost/subscriptionId": oci["subscription"],
                "cost/productSku": product["sku"],
                "product/Description": product["description"],
                "cost/unitPrice": product["price"],
                "cost/unitPriceOverage": "",
                "cost/myCost": (quantity * product["price"]).quantize(PLACES),
                "cost/myCostOverage": "",
                "cost/currencyCode": oci["currency"],
                "cost/skuUnitDescription": product["unit"],
                "cost/overageFlag": "N",
                "lineItem/isCorrection": "false",
                "lineItem/backreferenceNo": "",
                "tags/Shop.Team": "Data",
            }
