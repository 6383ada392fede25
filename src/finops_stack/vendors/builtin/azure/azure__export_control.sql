{#- One row per account and currency: what Microsoft's FOCUS export adds up to. -#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            regexp_extract(BillingAccountId, '[^/]+/?$') as BillingAccountId,
            BillingCurrency,
            'converted' as treatment,
            count(*) as raw_rows,
            {{ money("sum(coalesce(BilledCost, 0))") }} as billed_total
        from source
        group by
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            source.BillingAccountId,
            BillingCurrency
    )

select *
from final
