{#-
  One row per payer, currency and treatment: what the bill adds up to, straight from its own columns.

  Written apart from the FOCUS model and sharing no step with it. The bill is the sum of its
  unblended costs, or of its net costs in a month that has any.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    net_payers as (
        select distinct bill_payer_account_id as net_payer_id
        from source
        where line_item_net_unblended_cost <> 0
    ),

    costs as (
        select
            source.x_SourceName,
            source.x_DeliveryId,
            source.delivery_period_start,
            source.bill_payer_account_id,
            source.line_item_currency_code,
            source.line_item_line_item_type,
            source.line_item_line_item_type like '%Discount' as is_discount,
            net_payers.net_payer_id is not null as is_net,
            source.split_line_item_parent_resource_id is not null
            and source.line_item_line_item_type = 'Usage'
            and coalesce(source.line_item_unblended_cost, 0) = 0
            and coalesce(source.line_item_net_unblended_cost, 0) = 0
            and coalesce(source.pricing_public_on_demand_cost, 0) = 0 as is_split,
            coalesce(source.line_item_unblended_cost, 0) as unblended_cost,
            source.line_item_net_unblended_cost as net_cost
        from source
        left join net_payers on source.bill_payer_account_id = net_payers.net_payer_id
    ),

    treated as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            bill_payer_account_id,
            line_item_currency_code,
            case
                when is_split
                then 'split cost allocation'
                when line_item_line_item_type = 'SavingsPlanNegation'
                then 'savings plan negation, cancelled against covered rows'
                when is_net and is_discount and coalesce(net_cost, 0) = 0
                then 'discount row with net 0'
                else 'converted'
            end as treatment,
            case
                when not is_net
                then unblended_cost
                when net_cost is null and not is_discount
                then unblended_cost
                else coalesce(net_cost, 0)
            end as billed
        from costs
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            bill_payer_account_id as BillingAccountId,
            line_item_currency_code as BillingCurrency,
            treatment,
            count(*) as raw_rows,
            {{ money("sum(billed)") }} as billed_total
        from treated
        group by
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            bill_payer_account_id,
            line_item_currency_code,
            treatment
    )

select *
from final
