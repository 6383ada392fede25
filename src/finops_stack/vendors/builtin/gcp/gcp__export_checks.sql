{#-
  One row per account, currency and remark: what the models met that a person should look at.

  No check changes a figure. `found` is the money the rows carry, `rows_found` how many they are.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    credit_types as (select * from {{ vocabulary("gcp", "credit_types") }}),

    known as (
        select
            {{ list_of("credit_type", "true") }} as all_types,
            {{ list_of("credit_type", "credit_group = 'commitment'") }} as commitment_types
        from credit_types
    ),

    committed as (
        select billing_account_id, currency, remark, remarked
        from {{ ref("gcp__export_credit_shares") }}
        union all
        select billing_account_id, currency, remark, remarked
        from {{ ref("gcp__export_offset_shares") }}
    ),

    bill as (select distinct x_SourceName, x_DeliveryId, delivery_period_start from source),

    amounts as (
        select
            source.billing_account_id,
            source.currency,
            source.cost_type,
            source.cost,
            {{
                records_sum(
                    "source.credits",
                    "amount",
                    "not " ~ in_list("coalesce(r.type, '')", "known.all_types"),
                )
            }} as unknown_credit,
            {{
                records_sum(
                    "source.credits", "amount", in_list("r.type", "known.commitment_types")
                )
            }} as commitment_credit,
            source.sku_description like 'Commitment%' as is_fee
        from source
        cross join known
    ),

    remarks as (
        select
            billing_account_id,
            currency,
            'credit of a type nobody knows: taken as a promotion' as remark,
            unknown_credit as found
        from amounts
        where unknown_credit <> 0
        union all
        select
            billing_account_id,
            currency,
            'cost type nobody knows: taken as an adjustment' as remark,
            cost as found
        from amounts
        where cost_type not in ('regular', 'tax', 'adjustment', 'rounding_error')
        union all
        select
            billing_account_id,
            currency,
            'credit of a commitment that takes no cost back: stays on its row' as remark,
            commitment_credit as found
        from amounts
        where
            commitment_credit <> 0
            and coalesce(cost_type, 'regular') = 'regular'
            and not coalesce(is_fee, false)
            and sign(commitment_credit) * sign(coalesce(cost, 0)) >= 0
        union all
        select billing_account_id, currency, 'commitment: ' || remark as remark, remarked as found
        from committed
        where remark is not null
    ),

    final as (
        select
            bill.x_SourceName,
            bill.x_DeliveryId,
            bill.delivery_period_start as BillingPeriodStart,
            remarks.billing_account_id as BillingAccountId,
            remarks.currency as BillingCurrency,
            remarks.remark,
            count(*) as rows_found,
            {{ money("sum(remarks.found)") }} as found
        from remarks
        cross join bill
        group by
            bill.x_SourceName,
            bill.x_DeliveryId,
            bill.delivery_period_start,
            remarks.billing_account_id,
            remarks.currency,
            remarks.remark
    )

select *
from final
