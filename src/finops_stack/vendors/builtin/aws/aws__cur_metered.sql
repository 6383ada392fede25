{#-
  One row per metered raw row: usage, on demand or covered by a commitment. Nearly all of a bill.

  Only columns that such rows have; fees and the rest are in aws__cur_fees.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (
        select *
        from {{ bill_rows() }}
        where line_item_line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
    ),

    payers as (select * from {{ ref("aws__cur_payers") }}),

    amounts as (
        select
            source.* exclude (
                product,
                resource_tags,
                tags,
                reservation_net_unused_amortized_upfront_fee_for_billing_period,
                reservation_net_unused_recurring_fee,
                reservation_total_reserved_normalized_units,
                reservation_total_reserved_units,
                reservation_unused_amortized_upfront_fee_for_billing_period,
                reservation_unused_normalized_unit_quantity,
                reservation_unused_quantity,
                reservation_unused_recurring_fee
            ),
            {{ hash_of(["source.tags", "source.resource_tags"]) }} as tag_set,
            {{
                hash_of(
                    [
                        "product",
                        "product_instance_type",
                        "product_product_family",
                        "product_region_code",
                        "product_from_region_code",
                        "bill_billing_entity",
                        "line_item_product_code",
                        "line_item_usage_type",
                        "line_item_availability_zone",
                        "pricing_unit",
                    ]
                )
            }} as item,
            payers.is_net,
            payers.payer_name,
            coalesce(source.line_item_unblended_cost, 0) as unblended_cost,
            -- a price in another currency is no list cost of this bill
            case
                when
                    coalesce(source.pricing_currency, source.line_item_currency_code)
                    = source.line_item_currency_code
                then nullif(source.pricing_public_on_demand_cost, 0)
            end as public_cost,
            case
                when payers.is_net
                then
                    coalesce(
                        source.line_item_net_unblended_cost, source.line_item_unblended_cost, 0
                    )
                else coalesce(source.line_item_unblended_cost, 0)
            end as bill_cost,
            case
                source.line_item_line_item_type
                when 'DiscountedUsage'
                then
                    coalesce(
                        case when payers.is_net then source.reservation_net_effective_cost end,
                        source.reservation_effective_cost,
                        0
                    )
                when 'SavingsPlanCoveredUsage'
                then
                    coalesce(
                        case
                            when payers.is_net
                            then source.savings_plan_net_savings_plan_effective_cost
                        end,
                        source.savings_plan_savings_plan_effective_cost,
                        0
                    )
            end as covered_cost
        from source
        inner join payers on source.bill_payer_account_id = payers.bill_payer_account_id
    ),

    -- split cost allocation: the instance's own row has the cost, aws__cur_split has these
    final as (
        select
            amounts.*,
            -- its rule in vocabulary/rules.csv
            case
                when
                    line_item_line_item_type = 'Usage'
                    and (pricing_term = 'Spot' or contains(line_item_usage_type, 'SpotUsage'))
                then 'Usage, spot'
                else line_item_line_item_type
            end as rule_name
        from amounts
        where
            not (
                split_line_item_parent_resource_id is not null
                and line_item_line_item_type = 'Usage'
                and unblended_cost = 0
                and bill_cost = 0
                and public_cost is null
            )
    )

select *
from final
