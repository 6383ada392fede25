{#-
  One row per account, currency and check of what the bill says of itself; `holds` is the answer.

  No check changes a figure. Actual and amortised exports are made minutes apart, so in an open
  month the one can have a charge that the other has not yet.
-#}
{{ config(materialized="bills") }}

with
    charges as (select * from {{ ref("azure__cost_described") }}),

    source as (select * from {{ bill_rows() }}),

    accounts as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            BillingCurrency,
            count(*) as charge_rows,
            sum(billed_cost) as billed,
            sum(effective_cost) as effective,
            count(*) filter (where cost_remark like 'price%') as unlike_rows,
            count(*) filter (
                where
                    charge_category = 'Adjustment'
                    and charge_word <> 'roundingadjustment'
                    and not is_stray
            ) as unknown_rows,
            count(*) filter (where is_stray) as stray_rows
        from charges
        group by x_SourceName, x_DeliveryId, delivery_period_start, BillingCurrency
    ),

    delivered as (
        select
            BillingCurrency,
            sum(CostInBillingCurrency) filter (where delivery_part = 'amortised') as amortised,
            count(*) filter (
                where
                    delivery_part = 'amortised'
                    and (ChargeType ilike 'purchase' or ChargeType ilike 'refund')
                    and (PricingModel ilike 'reservation%' or PricingModel ilike 'savings%plan%')
            ) as doubled_rows
        from source
        group by BillingCurrency
    ),

    facts as (
        select accounts.*, delivered.amortised, delivered.doubled_rows
        from accounts
        left join
            delivered on accounts.BillingCurrency is not distinct from delivered.BillingCurrency
    ),

    checks as (
        select facts.*, 'amortised total' as check_name, effective as found, amortised as expected
        from facts
        where amortised is not null
        union all
        select facts.*, 'price gives cost' as check_name, unlike_rows as found, 0 as expected
        from facts
        union all
        select facts.*, 'charge types known' as check_name, unknown_rows as found, 0 as expected
        from facts
        union all
        select facts.*, 'covered usage free' as check_name, stray_rows as found, 0 as expected
        from facts
        union all
        select facts.*, 'purchases once' as check_name, doubled_rows as found, 0 as expected
        from facts
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            BillingCurrency,
            check_name,
            {{ money("found") }} as found,
            {{ money("expected") }} as expected,
            abs(found - expected) <= charge_rows * 0.000001 as holds
        from checks
    )

select *
from final
