{#-
  One row per currency and check of what the bill says of itself; `holds` is the answer.

  No check changes a figure. Actual and amortised exports are made minutes apart, so in an open
  month the one can have a charge that the other has not yet.
-#}
{{ config(materialized="bills") }}

with
    charges as (select * from {{ this_bill(ref("azure__cost_focus")) }} as bill),

    source as (select * from {{ bill_rows() }}),

    words as (
        select charges.*, lower(replace(coalesce(x_ChargeType, 'usage'), ' ', '')) as charge_word
        from charges
    ),

    currencies as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingCurrency,
            count(*) as charge_rows,
            sum(EffectiveCost) as effective,
            sum(
                case when x_CostRemark = 'price × quantity is not the cost' then 1 else 0 end
            ) as unlike_rows,
            sum(
                case
                    when charge_word = 'usage' or starts_with(charge_word, 'unused')
                    then 0
                    when ChargeCategory = 'Adjustment' and charge_word <> 'roundingadjustment'
                    then 1
                    else 0
                end
            ) as unknown_rows,
            sum(
                case
                    when
                        ChargeCategory = 'Adjustment'
                        and (charge_word = 'usage' or starts_with(charge_word, 'unused'))
                    then 1
                    else 0
                end
            ) as stray_rows
        from words
        group by x_SourceName, x_DeliveryId, BillingPeriodStart, BillingCurrency
    ),

    amortised as (
        select
            BillingCurrency,
            coalesce(CostInBillingCurrency, 0) as cost,
            (ChargeType ilike 'purchase' or ChargeType ilike 'refund')
            and (
                PricingModel ilike 'reservation%'
                or PricingModel ilike 'savings%plan%'
                or (PricingModel is null and coalesce(BenefitId, ReservationId) is not null)
            ) as is_purchase
        from source
        where delivery_part = 'amortised'
    ),

    delivered as (
        select
            BillingCurrency,
            sum(case when is_purchase then 0 else cost end) as amortised,
            sum(case when is_purchase then 1 else 0 end) as doubled_rows
        from amortised
        group by BillingCurrency
    ),

    facts as (
        select currencies.*, delivered.amortised, delivered.doubled_rows
        from currencies
        left join
            delivered on currencies.BillingCurrency is not distinct from delivered.BillingCurrency
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
            BillingPeriodStart,
            BillingCurrency,
            check_name,
            {{ money("found") }} as found,
            {{ money("expected") }} as expected,
            abs(found - expected) <= charge_rows * 0.000001 as holds
        from checks
    )

select *
from final
