with
    charges as (select * from {{ this_bill(ref("focus")) }} as bill),

    controls as (select * from {{ this_bill(ref("bill_controls")) }} as bill),

    sides as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId,
            count(*) as charges,
            cast(sum(BilledCost) as decimal(38, 15)) as billed_cost,
            cast(
                coalesce(sum(BilledCost) filter (where ChargeCategory = 'Tax'), 0) as decimal(
                    38, 15
                )
            ) as tax_cost,
            cast(
                coalesce(sum(BilledCost) filter (where ChargeCategory = 'Credit'), 0) as decimal(
                    38, 15
                )
            ) as credit_cost,
            cast(
                coalesce(
                    sum(BilledCost) filter (where ChargeCategory = 'Adjustment'), 0
                ) as decimal(38, 15)
            ) as adjustment_cost,
            cast(0 as bigint) as raw_rows,
            cast(0 as decimal(38, 15)) as raw_total,
        from charges
        group by
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId
        union all
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            cast(null as varchar) as InvoiceId,
            cast(0 as bigint) as charges,
            cast(0 as decimal(38, 15)) as billed_cost,
            cast(0 as decimal(38, 15)) as tax_cost,
            cast(0 as decimal(38, 15)) as credit_cost,
            cast(0 as decimal(38, 15)) as adjustment_cost,
            raw_rows,
            billed_total as raw_total,
        from controls
    ),

    invoices as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId,
            sum(charges) as charges,
            sum(billed_cost) as billed_cost,
            sum(tax_cost) as tax_cost,
            sum(credit_cost) as credit_cost,
            sum(adjustment_cost) as adjustment_cost,
            sum(raw_rows) as raw_rows,
            sum(raw_total) as raw_total,
        from sides
        group by
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId
    ),

    {#- A join would lose accounts and currencies that are null; a window puts them together. -#}
    accounts as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId,
            charges,
            billed_cost,
            tax_cost,
            credit_cost,
            adjustment_cost,
            sum(charges) over (
                partition by x_SourceName, BillingPeriodStart, BillingAccountId, BillingCurrency
            ) as account_charges,
            sum(billed_cost) over (
                partition by x_SourceName, BillingPeriodStart, BillingAccountId, BillingCurrency
            ) as account_billed_cost,
            sum(raw_rows) over (
                partition by x_SourceName, BillingPeriodStart, BillingAccountId, BillingCurrency
            ) as account_raw_rows,
            sum(raw_total) over (
                partition by x_SourceName, BillingPeriodStart, BillingAccountId, BillingCurrency
            ) as account_raw_total,
        from invoices
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            BillingAccountId,
            BillingCurrency,
            InvoiceId,
            cast(charges as bigint) as charges,
            cast(billed_cost as decimal(38, 15)) as billed_cost,
            cast(tax_cost as decimal(38, 15)) as tax_cost,
            cast(credit_cost as decimal(38, 15)) as credit_cost,
            cast(adjustment_cost as decimal(38, 15)) as adjustment_cost,
            cast(account_charges as bigint) as account_charges,
            cast(account_billed_cost as decimal(38, 15)) as account_billed_cost,
            cast(account_raw_rows as bigint) as account_raw_rows,
            cast(account_raw_total as decimal(38, 15)) as account_raw_total,
            cast(account_raw_total - account_billed_cost as decimal(38, 15)) as account_difference,
        from accounts
        where charges > 0 or account_charges = 0
    )

select *
from final
