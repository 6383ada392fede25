{#-
  One row per account and currency: what the export adds up to, straight from its own columns.

  Written apart from the FOCUS model and sharing no step with it: every raw row's cost, and every
  credit on it of whatever type.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    costs as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            billing_account_id,
            currency,
            coalesce(cost, 0) as cost,
            {{ records_sum("credits", "amount") }} as credit
        from source
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            billing_account_id as BillingAccountId,
            currency as BillingCurrency,
            'converted' as treatment,
            count(*) as raw_rows,
            {{ money("sum(cost) + sum(credit)") }} as billed_total
        from costs
        group by x_SourceName, x_DeliveryId, delivery_period_start, billing_account_id, currency
    )

select *
from final
