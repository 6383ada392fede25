{{ config(materialized="bills") }}

with
    lines as (select * from {{ bill_rows() }}),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            account as BillingAccountId,
            currency as BillingCurrency,
            'converted' as treatment,
            count(*) as raw_rows,
            {{ money("sum(amount)") }} as billed_total,
        from lines
        group by x_SourceName, x_DeliveryId, delivery_period_start, account, currency
    )

select *
from final
