{#-
  One row per payer and currency whose covered rows do not come out at 0.

  A savings plan's covered rows and its negations cancel, and reserved usage is billed at 0. What
  is left of that sum belongs to the bill, but to none of its rows.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    payers as (select * from {{ ref("aws__cur_payers") }}),

    cancelling as (
        select
            any_value(source.x_SourceName) as x_SourceName,
            any_value(source.x_DeliveryId) as x_DeliveryId,
            any_value(source.delivery_period_start) as delivery_period_start,
            any_value(source.delivery_period_end) as delivery_period_end,
            source.bill_payer_account_id,
            max(source.bill_invoicing_entity) as bill_invoicing_entity,
            source.line_item_currency_code,
            sum(
                case
                    when payers.is_net
                    then
                        coalesce(
                            source.line_item_net_unblended_cost, source.line_item_unblended_cost
                        )
                    else source.line_item_unblended_cost
                end
            ) as residue
        from source
        inner join payers on source.bill_payer_account_id = payers.bill_payer_account_id
        where
            source.line_item_line_item_type
            in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'DiscountedUsage')
        group by source.bill_payer_account_id, source.line_item_currency_code
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            delivery_period_end,
            bill_payer_account_id,
            bill_invoicing_entity,
            line_item_currency_code,
            residue,
            row_number() over (
                order by bill_payer_account_id, line_item_currency_code
            ) as residue_number
        from cancelling
        where residue <> 0
    )

select *
from final
