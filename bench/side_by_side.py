"""Other ways to do the same, for comparison. Mappings here are simplifications, never to copy."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

_TYPE = "line_item_line_item_type"
_BATCH_ROWS = 20_000


def dlt_dict_rows(data: Path, *, rows: int, folder: Path) -> Callable[[], object]:
    """dlt as its tutorials use it: so many rows as Python dicts into a DuckDB file."""
    import dlt
    from pyarrow import parquet

    def read() -> Iterator[list[dict[str, Any]]]:
        left = rows
        for batch in parquet.ParquetFile(data).iter_batches(_BATCH_ROWS):
            taken = batch.slice(0, left)
            yield [{k: _flat(v) for k, v in row.items()} for row in taken.to_pylist()]
            left -= taken.num_rows
            if left <= 0:
                return

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "rows.duckdb")),
        dataset_name="raw",
    )
    return lambda: pipeline.run(read(), table_name="cur", write_disposition="append")


def _flat(value: object) -> object:
    """Maps as text: as lists dlt would make child tables of them, which takes longer still."""
    return json.dumps(dict(value)) if isinstance(value, list) else value


# FOCUS columns that are a raw column under another name.
_RENAMED = {
    "ListUnitPrice": "pricing_public_on_demand_rate",
    "ContractedUnitPrice": "line_item_unblended_rate",
    "BillingAccountId": "bill_payer_account_id",
    "BillingAccountName": "bill_payer_account_name",
    "SubAccountId": "line_item_usage_account_id",
    "SubAccountName": "line_item_usage_account_name",
    "BillingCurrency": "line_item_currency_code",
    "PricingCurrency": "pricing_currency",
    "BillingPeriodStart": "bill_billing_period_start_date",
    "BillingPeriodEnd": "bill_billing_period_end_date",
    "ChargePeriodStart": "line_item_usage_start_date",
    "ChargePeriodEnd": "line_item_usage_end_date",
    "ChargeDescription": "line_item_line_item_description",
    "InvoiceId": "bill_invoice_id",
    "InvoiceIssuerName": "bill_invoicing_entity",
    "PublisherName": "line_item_legal_entity",
    "PricingQuantity": "line_item_usage_amount",
    "PricingUnit": "pricing_unit",
    "RegionId": "product_region_code",
    "RegionName": "product_location",
    "AvailabilityZone": "line_item_availability_zone",
    "ResourceId": "line_item_resource_id",
    "SkuId": "product_sku",
    "SkuPriceId": "pricing_rate_code",
    "Tags": "resource_tags",
}
_COMPUTE = ("AmazonEC2", "AWSLambda", "AmazonEKS")


def polars_focus(data: Path, target: Path) -> Callable[[], object]:
    """43 FOCUS columns in polars' streaming engine, doubles kept as doubles."""
    import polars as pl

    columns = {name: pl.col(raw) for name, raw in _RENAMED.items()}
    columns |= _costs() | _charges() | _commitments() | _services()
    query = pl.scan_parquet(data).filter(pl.col(_TYPE) != "SavingsPlanNegation").select(**columns)
    return lambda: query.sink_parquet(target, compression="zstd")


def _costs() -> "dict[str, polars.Expr]":
    import polars as pl

    kind, column = pl.col(_TYPE), pl.col
    billed = pl.coalesce("line_item_net_unblended_cost", "line_item_unblended_cost")
    covered = kind == "SavingsPlanCoveredUsage"
    unused_plan = column("savings_plan_total_commitment_to_date") - column(
        "savings_plan_used_commitment"
    )
    unused_reservation = column(
        "reservation_unused_amortized_upfront_fee_for_billing_period"
    ) + column("reservation_unused_recurring_fee")
    public = column("pricing_public_on_demand_cost")
    return {
        "BilledCost": pl.when(covered).then(0.0).otherwise(billed),
        "EffectiveCost": pl.when(covered)
        .then(column("savings_plan_savings_plan_effective_cost"))
        .when(kind == "DiscountedUsage")
        .then(column("reservation_effective_cost"))
        .when(kind == "SavingsPlanRecurringFee")
        .then(unused_plan)
        .when(kind == "RIFee")
        .then(unused_reservation)
        .otherwise(billed),
        "ListCost": pl.when(public != 0).then(public).otherwise(column("line_item_unblended_cost")),
        "ContractedCost": pl.when(kind == "DiscountedUsage")
        .then(public)
        .otherwise(column("line_item_unblended_cost")),
    }


def _charges() -> "dict[str, polars.Expr]":
    import polars as pl

    kind, lit = pl.col(_TYPE), pl.lit
    committed = kind.is_in(["SavingsPlanCoveredUsage", "DiscountedUsage"])
    usage = committed | (kind == "Usage")
    fees = ["SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee"]
    recurring = kind.is_in(["SavingsPlanRecurringFee", "RIFee"])
    return {
        "BillingAccountType": lit("Payer"),
        "ProviderName": lit("AWS"),
        "ChargeCategory": pl.when(kind.is_in(fees))
        .then(lit("Purchase"))
        .when(kind == "Tax")
        .then(lit("Tax"))
        .when(kind.is_in(["Credit", "Refund"]))
        .then(lit("Credit"))
        .otherwise(lit("Usage")),
        "ChargeClass": pl.when(kind == "Refund").then(lit("Correction")),
        "ChargeFrequency": pl.when(recurring)
        .then(lit("Recurring"))
        .when(kind.is_in(["Fee", "SavingsPlanUpfrontFee"]))
        .then(lit("One-Time"))
        .otherwise(lit("Usage-Based")),
        "PricingCategory": pl.when(committed)
        .then(lit("Committed"))
        .when(pl.col("pricing_term") == "Spot")
        .then(lit("Dynamic"))
        .when(kind == "Usage")
        .then(lit("Standard")),
        "ConsumedQuantity": pl.when(usage).then(pl.col("line_item_usage_amount")),
        "ConsumedUnit": pl.when(usage).then(pl.col("pricing_unit")),
    }


def _commitments() -> "dict[str, polars.Expr]":
    import polars as pl

    kind, lit = pl.col(_TYPE), pl.lit
    plan = pl.col("savings_plan_savings_plan_a_r_n")
    reservation = pl.col("reservation_reservation_a_r_n")
    used = kind.is_in(["SavingsPlanCoveredUsage", "DiscountedUsage"])
    return {
        "CommitmentDiscountId": pl.coalesce(plan, reservation),
        "CommitmentDiscountCategory": pl.when(plan.is_not_null())
        .then(lit("Spend"))
        .when(reservation.is_not_null())
        .then(lit("Usage")),
        "CommitmentDiscountType": pl.when(plan.is_not_null())
        .then(pl.col("savings_plan_offering_type"))
        .when(reservation.is_not_null())
        .then(lit("Reserved")),
        "CommitmentDiscountStatus": pl.when(used)
        .then(lit("Used"))
        .when(kind.is_in(["SavingsPlanRecurringFee", "RIFee"]))
        .then(lit("Unused")),
    }


def _services() -> "dict[str, polars.Expr]":
    import polars as pl

    product, lit = pl.col("line_item_product_code"), pl.lit
    return {
        "ServiceName": pl.when(pl.col("bill_billing_entity") == "AWS Marketplace")
        .then(lit("Marketplace"))
        .otherwise(pl.col("product").map.get("product_name")),
        "ServiceCategory": pl.when(product.is_in(_COMPUTE))
        .then(lit("Compute"))
        .when(product == "AmazonS3")
        .then(lit("Storage"))
        .when(product.is_in(["AmazonRDS", "AmazonDynamoDB"]))
        .then(lit("Databases"))
        .when(product == "AWSDataTransfer")
        .then(lit("Networking"))
        .otherwise(lit("Other")),
    }
