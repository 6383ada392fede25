{#-
  One row per account, currency and treatment: what the month adds up to, from the bill's columns.

  Written apart from the FOCUS model and sharing no step with it. The bill is the sum of the actual
  export's costs, or of the amortised one's where there is no actual.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    -- read apart: DuckDB keeps a relation that is used twice whole
    every_row as (select * from {{ bill_rows() }}),

    exports as (
        select
            count(*) filter (where delivery_part = 'amortised') as amortised_rows,
            count(*) filter (where delivery_part is distinct from 'amortised') as actual_rows,
            coalesce(
                sum(CostInBillingCurrency) filter (
                    where delivery_part = 'amortised' and ChargeType ilike 'roundingadjustment'
                ),
                0
            ) as rounded_amortised,
            coalesce(
                sum(CostInBillingCurrency) filter (
                    where
                        delivery_part is distinct from 'amortised'
                        and ChargeType ilike 'roundingadjustment'
                ),
                0
            ) as rounded_actual
        from every_row
    ),

    facts as (
        select
            source.x_SourceName,
            source.x_DeliveryId,
            source.delivery_period_start,
            source.BillingCurrency,
            regexp_extract(
                coalesce(
                    case
                        when
                            source.PricingCurrency is not null
                            and source.AccountName is null
                            and source.OfferId is null
                        then source.BillingProfileId
                    end,
                    source.BillingAccountId,
                    source.account,
                    source.CustomerTenantId,
                    nullif(
                        lower(regexp_extract(source.SubscriptionId, '([^/]+)$', 1)),
                        '00000000-0000-0000-0000-000000000000'
                    )
                ),
                '([^/]+)/?$',
                1
            ) as billing_account_id,
            coalesce(source.CostInBillingCurrency, 0) as cost,
            exports.amortised_rows > 0 and exports.actual_rows > 0 as is_pair,
            coalesce(source.delivery_part = 'amortised', false) as is_amortised,
            source.ChargeType ilike 'unused%' as is_unused,
            coalesce(source.ChargeType, 'Usage') ilike 'usage' as is_usage,
            source.ChargeType ilike 'purchase' or source.ChargeType ilike 'refund' as is_purchase,
            source.ChargeType ilike 'roundingadjustment'
            and exports.rounded_amortised <> exports.rounded_actual as is_split_rounding,
            case
                when source.PricingModel is null
                then coalesce(source.BenefitId, source.ReservationId) is not null
                else
                    source.PricingModel ilike 'reservation%'
                    or source.PricingModel ilike 'savings%plan%'
            end as is_commitment
        from source
        cross join exports
    ),

    treated as (
        select
            facts.*,
            case
                when not is_pair
                then 'converted'
                when not is_amortised and (is_unused or (is_usage and is_commitment)) and cost = 0
                then 'covered usage of the actual export, its cost is in the amortised one'
                when not is_amortised
                then 'converted'
                when is_unused or (is_usage and is_commitment)
                then 'converted'
                when is_purchase and is_commitment
                then 'commitment purchase in the amortised export'
                when is_split_rounding
                then 'converted'
                else 'charge of the amortised export that the actual one has too'
            end as treatment
        from facts
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            billing_account_id as BillingAccountId,
            BillingCurrency,
            treatment,
            count(*) as raw_rows,
            {{ money("sum(case when is_pair and is_amortised then 0 else cost end)") }}
            as billed_total
        from treated
        group by
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            billing_account_id,
            BillingCurrency,
            treatment
    )

select *
from final
