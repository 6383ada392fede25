{#-
  One row per charge (raw row and part): the bill's own columns, its rule, the four costs.

  Which charge a line item becomes stands in vocabulary/rules.csv. This file says which rule a row
  falls under, and what that table's words (bill, list, covered, unused …) amount to.
-#}
{{ config(materialized="ephemeral") }}

{%- set columns = [
    "x_SourceName",
    "x_DeliveryId",
    "x_SourceFile",
    "x_SourceRow",
    "delivery_period_start",
    "delivery_period_end",
    "bill_bill_type",
    "bill_billing_entity",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "bill_invoicing_entity",
    "bill_payer_account_id",
    "capacity_reservation_capacity_reservation_arn",
    "capacity_reservation_capacity_reservation_status",
    "cost_category",
    "discount",
    "line_item_currency_code",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_line_item_type",
    "line_item_net_unblended_rate",
    "line_item_normalization_factor",
    "line_item_normalized_usage_amount",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_unblended_rate",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_amount",
    "line_item_usage_end_date",
    "line_item_usage_start_date",
    "line_item_usage_type",
    "pricing_currency",
    "pricing_public_on_demand_rate",
    "pricing_rate_code",
    "pricing_term",
    "product_fee_code",
    "product_product_family",
    "product_sku",
    "reservation_reservation_a_r_n",
    "reservation_subscription_id",
    "savings_plan_offering_type",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_savings_plan_effective_cost",
    "tag_set",
    "item",
    "is_net",
    "payer_name",
    "unblended_cost",
    "public_cost",
    "bill_cost",
    "rule_name",
] -%}

{%- set money_of_fees = [
    "reservation_total_reserved_normalized_units",
    "reservation_total_reserved_units",
    "reservation_unused_normalized_unit_quantity",
    "reservation_unused_quantity",
    "unused_commitment",
    "unused_quantity",
    "unused_cost",
] %}

with
    metered as (select * from {{ ref("aws__cur_metered") }}),

    fees as (select * from {{ ref("aws__cur_ruled_fees") }}),

    rules as (select * from {{ vocabulary("aws", "rules") }}),

    ruled as (
        select
            {{ columns | join(", ") }},
            covered_cost,
            {% for column in money_of_fees %}
                cast(null as decimal(38, 15)) as {{ column }},
            {% endfor %}
            cast(null as bigint) as residue_number,
            cast(null as boolean) as is_used_normalized,
            cast(null as boolean) as is_dedicated_host
        from metered
        union all
        select
            {{ columns | join(", ") }},
            cast(null as decimal(38, 15)) as covered_cost,
            {{ money_of_fees | join(", ") }},
            residue_number,
            is_used_normalized,
            is_dedicated_host
        from fees
    ),

    final as (
        select
            ruled.*,
            rules.charge_category,
            rules.charge_frequency,
            rules.pricing_category,
            rules.commitment_status,
            coalesce(cast(residue_number as integer) - 1, cast(rules.part as integer)) as part,
            case rules.billed_cost when 'bill' then bill_cost else 0 end as billed_cost,
            case
                rules.effective_cost
                when 'bill'
                then bill_cost
                when 'covered'
                then covered_cost
                when 'unused'
                then unused_cost
                else 0
            end as effective_cost,
            case
                rules.list_cost
                when 'list'
                then coalesce(public_cost, unblended_cost)
                when 'list or effective'
                then coalesce(public_cost, covered_cost)
                when 'unblended'
                then unblended_cost
                when 'bill'
                then bill_cost
                else 0
            end as list_cost,
            case
                rules.contracted_cost
                when 'bill'
                then bill_cost
                when 'list or effective'
                then coalesce(public_cost, covered_cost)
                when 'bill or unblended'
                then coalesce(nullif(bill_cost, 0), unblended_cost)
                else 0
            end as contracted_cost
        from ruled
        inner join rules on ruled.rule_name = rules.rule
    )

select *
from final
