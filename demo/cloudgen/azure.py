"""Azure: EA cost details, an actual and an amortised export of the same month."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from cloudgen.common import Month, Row, write_csv


def write_azure(out: Path, plan: Row, month: Month) -> Decimal:
    """Both exports; the bill's total is that of the actual one."""
    azure = plan["azure"]
    usage = list(_azure_usage(azure, plan["teams"], month))
    held = azure["reservation"]
    hours = Decimal(held["hours_per_day"]) * (month.end - month.start).days
    fee = hours * held["price_per_hour"]
    actual = [*usage, _azure_fee(azure, month, fee)]
    amortised = [_azure_covered(row, held) for row in usage] + list(
        _azure_unused(azure, usage, month)
    )
    _write_azure(out, "ActualCost", "tallowfen-actual", month, actual)
    _write_azure(out, "AmortizedCost", "tallowfen-amortised", month, amortised)
    return sum((Decimal(row["CostInBillingCurrency"]) for row in actual), Decimal(0))


def _azure_usage(azure: Row, teams: list[str], month: Month) -> Iterator[Row]:
    for number, meter in enumerate(azure["meters"], 1):
        for resource in range(1, meter["resources"] + 1):
            reserved = resource <= meter.get("reserved", 0)
            # what a reservation covers runs all day
            daily = Decimal(24) if reserved else month.quantity(meter["quantity"], resource)
            for day in month.days():
                cost = Decimal(0) if reserved else daily * meter["price"]
                yield _azure_row(azure, month) | {
                    "SubscriptionId": f"aaaaaaaa-0000-4000-8000-{resource % 3:012d}",
                    "SubscriptionName": ("shop-prod", "shop-data", "shop-dev")[resource % 3],
                    "ResourceGroup": f"rg-{teams[resource % len(teams)].lower().replace(' ', '-')}",
                    "ResourceLocation": "EU West",
                    "ResourceLocationNormalized": "westeurope",
                    "Date": f"{day:%m/%d/%Y}",
                    "ProductName": meter["product"],
                    "MeterCategory": meter["category"],
                    "MeterSubCategory": meter["subcategory"],
                    "MeterId": f"dddddddd-0000-4000-8000-{number:012d}",
                    "MeterName": meter["name"],
                    "UnitOfMeasure": meter["unit"],
                    "Quantity": daily,
                    "EffectivePrice": Decimal(0) if reserved else meter["price"],
                    "CostInBillingCurrency": cost,
                    "ConsumedService": meter["consumed"],
                    "ResourceId": f"/subscriptions/aaaaaaaa-0000-4000-8000-{resource % 3:012d}"
                    f"/resourceGroups/rg-{resource % 7}/providers/{meter['consumed']}"
                    f"/{meter['kind']}/{meter['kind'][:4].lower()}-{number}-{resource:03d}",
                    "ResourceName": f"{meter['kind'][:4].lower()}-{number}-{resource:03d}",
                    "Tags": f'"team": "{teams[resource % len(teams)]}","env": "prod"'
                    if resource % 5
                    else "",
                    "UnitPrice": meter["price"],
                    "PayGPrice": meter["list"],
                    "ChargeType": "Usage",
                    "Frequency": "UsageBased",
                    "PricingModel": "Reservation" if reserved else "OnDemand",
                    "ServiceFamily": meter["family"],
                    "PartNumber": f"AAD-{11110 + number}",
                    **(_azure_benefit(azure["reservation"]) if reserved else {}),
                }


def _azure_row(azure: Row, month: Month) -> Row:
    return {
        "InvoiceSectionName": "Retail",
        "AccountName": "Tallowfen Retail",
        "CostCenter": "CC-2010",
        "OfferId": "MS-AZR-0017P",
        "PublisherType": "Azure",
        "PublisherName": "Microsoft",
        "BillingAccountId": azure["account"],
        "BillingAccountName": "Tallowfen",
        "BillingCurrencyCode": azure["currency"],
        "BillingPeriodStartDate": f"{month.start:%m/%d/%Y}",
        "BillingPeriodEndDate": f"{month.end - timedelta(days=1):%m/%d/%Y}",
        "BillingProfileId": azure["account"],
        "BillingProfileName": "Tallowfen",
        "InvoiceSectionId": "7001",
        "IsAzureCreditEligible": "True",
    }


def _azure_benefit(held: Row) -> Row:
    place = f"/providers/Microsoft.Capacity/reservationOrders/{held['order']}"
    return {
        "ReservationId": held["id"],
        "ReservationName": held["name"],
        "ProductOrderId": held["order"],
        "Term": "12",
        "benefitId": f"{place}/reservations/{held['id']}",
        "benefitName": held["name"],
    }


def _azure_fee(azure: Row, month: Month, fee: Decimal) -> Row:
    """The reservation's monthly fee, as the actual export has it."""
    return (
        _azure_row(azure, month)
        | _azure_benefit(azure["reservation"])
        | {
            "SubscriptionId": "aaaaaaaa-0000-4000-8000-000000000000",
            "SubscriptionName": "shop-prod",
            "Date": f"{month.start:%m/%d/%Y}",
            "ProductName": "Reserved VM Instance, Standard_D2s_v5, EU West, 1 Year",
            "MeterCategory": "Virtual Machines",
            "MeterSubCategory": "Dsv5 Series",
            "MeterName": "D2s v5",
            "MeterId": "dddddddd-0000-4000-8000-000000000099",
            "PartNumber": "AAD-11199",
            "UnitOfMeasure": "1 Hour",
            "Quantity": 1,
            "EffectivePrice": fee,
            "CostInBillingCurrency": fee,
            "UnitPrice": fee,
            "PayGPrice": fee,
            "ChargeType": "Purchase",
            "Frequency": "Recurring",
            "PricingModel": "Reservation",
            "ServiceFamily": "Compute",
        }
    )


def _azure_covered(row: Row, held: Row) -> Row:
    """A usage row as the amortised export has it."""
    if row["PricingModel"] != "Reservation":
        return row
    cost = row["Quantity"] * held["price_per_hour"]
    return row | {"EffectivePrice": held["price_per_hour"], "CostInBillingCurrency": cost}


def _azure_unused(azure: Row, usage: list[Row], month: Month) -> Iterator[Row]:
    """Hours paid and not used, a row a day."""
    held = azure["reservation"]
    used: dict[str, Decimal] = {}
    for row in usage:
        if row["PricingModel"] == "Reservation":
            used[row["Date"]] = used.get(row["Date"], Decimal(0)) + row["Quantity"]
    for day in month.days():
        left = held["hours_per_day"] - used.get(f"{day:%m/%d/%Y}", Decimal(0))
        if left > 0:
            yield _azure_fee(azure, month, left * held["price_per_hour"]) | {
                "Date": f"{day:%m/%d/%Y}",
                "ChargeType": "UnusedReservation",
                "Frequency": "UsageBased",
                "Quantity": left,
                "EffectivePrice": held["price_per_hour"],
                "UnitPrice": held["price_per_hour"],
            }


def _write_azure(out: Path, kind: str, export: str, month: Month, rows: list[Row]) -> None:
    period = f"{month.start:%Y%m%d}-{month.end - timedelta(days=1):%Y%m%d}"
    run = f"5e0d7a90-0c1e-4f6b-9a43-{month.number:010d}{len(export) % 10:02d}"
    folder = f"exports/{export}/{period}/{run}"
    blob = f"{folder}/part_0_0001.csv.gz"
    size = write_csv(out / "azure" / blob, rows, _AZURE_COLUMNS)
    manifest = {
        "manifestVersion": "2024-04-01",
        "byteCount": size,
        "blobCount": 1,
        "dataRowCount": len(rows),
        "exportConfig": {
            "exportName": export,
            "resourceId": "/providers/Microsoft.Billing/billingAccounts/8608480"
            f"/providers/Microsoft.CostManagement/exports/{export}",
            "dataVersion": "2024-08-01",
            "apiVersion": "2025-03-01",
            "type": kind,
            "timeFrame": "MonthToDate",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": "Csv",
            "compressionMode": "Gzip",
            "rootFolderPath": "exports",
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": f"{month.end + timedelta(days=5)}T03:11:09.1234567Z",
            "runId": run,
            "startDate": f"{month.start}T00:00:00",
            "endDate": f"{month.end - timedelta(days=1)}T00:00:00Z",
        },
        "blobs": [{"blobName": blob, "byteCount": size, "dataRowCount": len(rows)}],
    }
    (out / "azure" / folder / "manifest.json").write_text(json.dumps(manifest, indent=1))


_AZURE_COLUMNS = """InvoiceSectionName,AccountName,AccountOwnerId,SubscriptionId,SubscriptionName
ResourceGroup,ResourceLocation,Date,ProductName,MeterCategory,MeterSubCategory,MeterId,MeterName
MeterRegion,UnitOfMeasure,Quantity,EffectivePrice,CostInBillingCurrency,CostCenter,ConsumedService
ResourceId,Tags,OfferId,AdditionalInfo,ServiceInfo1,ServiceInfo2,ResourceName,ReservationId
ReservationName,UnitPrice,ProductOrderId,ProductOrderName,Term,PublisherType,PublisherName,ChargeType
Frequency,PricingModel,AvailabilityZone,BillingAccountId,BillingAccountName,BillingCurrencyCode
BillingPeriodStartDate,BillingPeriodEndDate,BillingProfileId,BillingProfileName,InvoiceSectionId
IsAzureCreditEligible,PartNumber,PayGPrice,PlanName,ServiceFamily,CostAllocationRuleName,benefitId
benefitName,AccountId,ResourceLocationNormalized""".replace("\n", ",").split(",")
