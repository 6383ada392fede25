{#- One row per payer and currency: what only the whole bill can tell about each of its rows. -#}
{{ config(materialized='ephemeral') }}

with
    source as (select * from {{ bill_rows() }}),

    totals as (
        select
            bill_payer_account_id,
            line_item_currency_code,
            any_value(x_SourceName) as x_SourceName,
            any_value(x_DeliveryId) as x_DeliveryId,
            any_value(delivery_period_start) as delivery_period_start,
            any_value(delivery_period_end) as delivery_period_end,
            max(bill_payer_account_name) as bill_payer_account_name,
            max(bill_invoicing_entity) as bill_invoicing_entity,
            max(abs(line_item_net_unblended_cost)) as highest_net_cost,
            -- AWS fills the invoice's number in when the month is final
            bool_or(
                bill_invoice_id is null and line_item_line_item_type in ('Usage', 'Fee', 'Tax')
            ) as is_open,
            -- covered rows and negations cancel; reserved usage is billed at 0
            sum(line_item_unblended_cost) filter (
                line_item_line_item_type
                in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'DiscountedUsage')
            ) as uncancelled_unblended_cost,
            sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) filter (
                line_item_line_item_type
                in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'DiscountedUsage')
            ) as uncancelled_net_cost
        from source
        group by bill_payer_account_id, line_item_currency_code
    ),

    final as (
        select
            bill_payer_account_id,
            line_item_currency_code,
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            delivery_period_end,
            bill_payer_account_name,
            bill_invoicing_entity,
            is_open,
            -- net columns count for all of a payer's month or for none of it
            coalesce(
                max(highest_net_cost) over (partition by bill_payer_account_id) > 0, false
            ) as is_net,
            coalesce(
                case
                    when max(highest_net_cost) over (partition by bill_payer_account_id) > 0
                    then uncancelled_net_cost
                    else uncancelled_unblended_cost
                end,
                0
            ) as residue,
            row_number() over (
                order by bill_payer_account_id, line_item_currency_code
            ) as payer_number
        from totals
    )

select *
from final
