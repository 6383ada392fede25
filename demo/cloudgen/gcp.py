"""Google Cloud: the detailed BigQuery export as JSON lines, a folder a month."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cloudgen.common import PLACES, Month, Row


def write_gcp(out: Path, plan: Row, month: Month) -> Decimal:
    """One file a month; the total is cost and credits."""
    gcp, total = plan["gcp"], Decimal(0)
    path = out / "gcp" / f"invoice_month={month.start:%Y%m}" / "detailed-000000000000.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        for row in _gcp_rows(gcp, plan["teams"], month):
            file.write((json.dumps(row, default=_number) + "\n").encode())
            total += row["cost"] + sum((c["amount"] for c in row["credits"]), Decimal(0))
    return total


def _number(value: object) -> float:
    """Google writes floats."""
    assert isinstance(value, Decimal)
    return float(value)


def _gcp_rows(gcp: Row, teams: list[str], month: Month) -> Iterator[Row]:
    promotion = Decimal(gcp["promotion_per_month"])
    for sku in gcp["skus"]:
        for resource in range(1, sku["resources"] + 1):
            quantity = month.quantity(sku["quantity"], resource)
            for day in month.days():
                row = _gcp_row(gcp, sku, teams, resource, quantity, day, month)
                spent = min(promotion, row["cost"])
                if spent > 0 and sku["kind"] == "endpoints":
                    promotion -= spent
                    row["credits"] = [
                        {
                            "name": "Startup grant",
                            "amount": -spent,
                            "full_name": "Startup grant",
                            "id": "grant-1",
                            "type": "PROMOTION",
                        }
                    ]
                yield row


def _gcp_row(
    gcp: Row, sku: Row, teams: list[str], resource: int, quantity: Decimal, day: date, month: Month
) -> Row:
    project = ("tallowfen-shop", "tallowfen-data", "tallowfen-ml")[resource % 3]
    unit, team = sku["unit"], teams[resource % len(teams)].lower().replace(" ", "-")
    cost = (quantity * sku["price"]).quantize(PLACES)
    return {
        "billing_account_id": gcp["account"],
        "invoice": {"month": f"{month.start:%Y%m}", "publisher_type": "GOOGLE"},
        "cost_type": "regular",
        "service": {"id": sku["service"]["id"], "description": sku["service"]["name"]},
        "sku": {"id": sku["sku"]["id"], "description": sku["sku"]["name"]},
        "usage_start_time": f"{day}T08:00:00Z",
        "usage_end_time": f"{day + timedelta(days=1)}T08:00:00Z",
        "project": {
            "id": project,
            "number": str(100000000000 + resource % 3),
            "name": project,
            "ancestry_numbers": "/900000000001/",
            "labels": [],
        },
        "labels": [{"key": "team", "value": team}] if resource % 4 else [],
        "system_labels": [],
        "tags": [],
        "location": {
            "location": "europe-west3",
            "country": "DE",
            "region": "europe-west3",
            "zone": None,
        },
        "cost": cost,
        "currency": gcp["currency"],
        "currency_conversion_rate": Decimal(1),
        "usage": {
            "amount": quantity * unit["factor"],
            "unit": unit["usage"],
            "amount_in_pricing_units": quantity,
            "pricing_unit": unit["pricing"],
        },
        "credits": [],
        "adjustment_info": None,
        "export_time": f"{day + timedelta(days=1)}T15:00:00Z",
        "cost_at_list": (quantity * sku["list"]).quantize(PLACES),
        "transaction_type": "GOOGLE",
        "seller_name": None,
        "price": {
            "effective_price": sku["price"],
            "tier_start_amount": 0,
            "unit": unit["pricing"],
            "pricing_unit_quantity": 1,
            "list_price": sku["list"],
            "effective_price_default": sku["price"],
        },
        "cost_at_effective_price_default": cost,
        "consumption_model": {"id": "7754-699E-0EBF", "description": "Default"},
        "resource": {
            "name": f"projects/{project}/{sku['kind']}/{sku['kind'][:4]}-{resource:03d}",
            "global_name": f"//example/{sku['kind']}/{resource:03d}",
        },
        "subscription": None,
    }
