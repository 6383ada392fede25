{#-
  One row per split cost allocation row: what a pod or task had of an instance, which the bill
  charges on the instance's own row. Kept apart, since both together count the instance twice.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            x_SourceFile,
            x_SourceRow,
            bill_payer_account_id as BillingAccountId,
            line_item_usage_account_id as SubAccountId,
            line_item_currency_code as BillingCurrency,
            line_item_usage_start_date as ChargePeriodStart,
            line_item_usage_end_date as ChargePeriodEnd,
            line_item_product_code as service_code,
            line_item_operation as operation,
            line_item_usage_type as usage_type,
            line_item_resource_id as ResourceId,
            split_line_item_parent_resource_id as parent_resource_id,
            split_line_item_actual_usage as actual_usage,
            split_line_item_reserved_usage as reserved_usage,
            split_line_item_split_usage as split_usage,
            split_line_item_split_usage_ratio as split_usage_ratio,
            split_line_item_split_cost as split_cost,
            split_line_item_unused_cost as unused_cost,
            split_line_item_net_split_cost as net_split_cost,
            split_line_item_net_unused_cost as net_unused_cost,
            split_line_item_public_on_demand_split_cost as list_split_cost,
            split_line_item_public_on_demand_unused_cost as list_unused_cost,
            case when {{ map_size("resource_tags") }} > 0 then resource_tags else tags end as tags
        from source
        where
            split_line_item_parent_resource_id is not null
            and line_item_line_item_type = 'Usage'
            and coalesce(line_item_unblended_cost, 0) = 0
            and coalesce(line_item_net_unblended_cost, 0) = 0
            and coalesce(pricing_public_on_demand_cost, 0) = 0
    )

select *
from final
