{#-
  One row per charge: Cost and Usage Report, legacy and 2.0, as FOCUS.

  payers, plans → amounts → charges → priced → described (with tags, skus) → here
-#}
{{ config(materialized='bills') }}

with
    described as (select * from {{ ref('aws__cur_described') }}),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            part as x_SourcePart,
            -- who pays whom
            bill_payer_account_id as BillingAccountId,
            payer_name as BillingAccountName,
            'Payer Account' as BillingAccountType,
            line_item_usage_account_id as SubAccountId,
            sub_account_name as SubAccountName,
            case when line_item_usage_account_id is not null then 'Linked Account' end as SubAccountType,
            bill_invoice_id as InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            coalesce(
                bill_invoicing_entity,
                case when is_marketplace then bill_billing_entity else line_item_legal_entity end,
                bill_billing_entity,
                'AWS'
            ) as InvoiceIssuerName,
            'AWS' as ProviderName,
            coalesce(line_item_legal_entity, seller_name) as PublisherName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            coalesce(line_item_usage_start_date, delivery_period_start) as ChargePeriodStart,
            coalesce(line_item_usage_end_date, delivery_period_end) as ChargePeriodEnd,
            -- what kind of charge
            charge_category as ChargeCategory,
            case
                when
                    line_item_usage_start_date
                    < coalesce(bill_billing_period_start_date, delivery_period_start)
                    and (line_type in ('Refund', 'Credit') or bill_bill_type = 'Refund')
                then 'Correction'
            end as ChargeClass,
            charge_frequency as ChargeFrequency,
            line_item_line_item_description as ChargeDescription,
            -- costs
            line_item_currency_code as BillingCurrency,
            billed_cost as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost
        from described
    )

select *
from final
