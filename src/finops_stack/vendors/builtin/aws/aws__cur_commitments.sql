{#-
  One row per savings plan and reservation: what it cost in the month, its upfront part amortised.

  In a closed month that is the sum of EffectiveCost over the commitment's used and unused rows.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    payers as (select * from {{ ref("aws__cur_payers") }}),

    fees as (
        select
            source.x_SourceName,
            source.x_DeliveryId,
            source.delivery_period_start,
            case
                when source.line_item_line_item_type = 'RIFee'
                then source.reservation_reservation_a_r_n
                else source.savings_plan_savings_plan_a_r_n
            end as arn,
            not payers.is_open as is_closed,
            case
                when source.line_item_line_item_type = 'SavingsPlanRecurringFee' and payers.is_net
                then
                    coalesce(
                        source.savings_plan_net_amortized_upfront_commitment_for_billing_period,
                        source.savings_plan_amortized_upfront_commitment_for_billing_period,
                        0
                    ) + coalesce(
                        source.savings_plan_net_recurring_commitment_for_billing_period,
                        source.savings_plan_recurring_commitment_for_billing_period,
                        0
                    )
                when source.line_item_line_item_type = 'SavingsPlanRecurringFee'
                then
                    coalesce(source.savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                    + coalesce(source.savings_plan_recurring_commitment_for_billing_period, 0)
                -- without net reservation columns the used rows are before the discount: so is this
                when
                    payers.is_net
                    and source.reservation_net_amortized_upfront_fee_for_billing_period is not null
                then
                    source.reservation_net_amortized_upfront_fee_for_billing_period + coalesce(
                        source.line_item_net_unblended_cost, source.line_item_unblended_cost, 0
                    )
                else
                    coalesce(source.reservation_amortized_upfront_fee_for_billing_period, 0)
                    + coalesce(source.line_item_unblended_cost, 0)
            end as amortised_cost
        from source
        inner join payers on source.bill_payer_account_id = payers.bill_payer_account_id
        where
            source.line_item_line_item_type = 'SavingsPlanRecurringFee'
            or (
                source.line_item_line_item_type = 'RIFee'
                -- no amortised columns for Dedicated Hosts: their fee is their effective cost
                and coalesce(source.reservation_reservation_a_r_n, '')
                not like '%:host-reservation/%'
            )
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            arn as CommitmentDiscountId,
            {{ money("sum(amortised_cost)") }} as committed_cost,
            {{ all_true("is_closed") }} as is_closed
        from fees
        where arn is not null
        group by x_SourceName, x_DeliveryId, delivery_period_start, arn
    )

select *
from final
