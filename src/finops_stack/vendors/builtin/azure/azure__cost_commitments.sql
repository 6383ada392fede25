{#-
  One row per reservation and savings plan: what it cost in the month, from the amortised export.

  Used and unused together: a day of them is the day's share of the purchase.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }} where delivery_part = 'amortised'),

    amortised as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            lower(coalesce(BenefitId, ReservationId)) as benefit,
            coalesce(CostInBillingCurrency, 0) as cost,
            -- the provider writes a month anew until the fifth or sixth of the next
            delivered_at >= delivery_period_end + interval 6 day as is_closed
        from source
        where
            ChargeType ilike 'unused%'
            or (
                coalesce(ChargeType, 'Usage') ilike 'usage'
                and coalesce(PricingModel, 'Reservation') not ilike 'on%demand'
                and coalesce(PricingModel, 'Reservation') not ilike 'spot'
            )
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            benefit as CommitmentDiscountId,
            {{ money("sum(cost)") }} as committed_cost,
            {{ all_true("is_closed") }} as is_closed
        from amortised
        where benefit is not null
        group by x_SourceName, x_DeliveryId, delivery_period_start, benefit
    )

select *
from final
