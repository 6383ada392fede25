{#-
  One row per charge: the BigQuery billing export, standard and detailed, as FOCUS.

  Who bears what of the commitments' fees: commitment_credits → commitment_rows → pools →
  credit_shares, and → offset_rungs → offset_moves → offset_shares.
  The charges: amounts → charges (the four costs) → described → labelled → words → here.
-#}
{{ config(materialized="bills") }}


with
    described as (select * from {{ ref("gcp__export_words") }}),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            cast(part as integer) as x_SourcePart,
            -- who pays whom
            billing_account_id as BillingAccountId,
            billing_account_name as BillingAccountName,
            'Billing Account' as BillingAccountType,
            project_id as SubAccountId,
            case when project_id is not null then sub_account_name end as SubAccountName,
            case when project_id is not null then 'Project' end as SubAccountType,
            cast(null as varchar) as InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            invoice_issuer as InvoiceIssuerName,
            'Google Cloud' as ProviderName,
            publisher_name as PublisherName,
            publisher_name as ServiceProviderName,
            'Google Cloud' as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            charge_start as ChargePeriodStart,
            charge_end as ChargePeriodEnd,
            -- what kind of charge
            charge_category as ChargeCategory,
            charge_class as ChargeClass,
            charge_frequency as ChargeFrequency,
            charge_description as ChargeDescription,
            -- costs
            currency as BillingCurrency,
            billed_cost as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            pricing_category as PricingCategory,
            case when is_priced then quantity end as PricingQuantity,
            case
                when is_priced and is_without_quantity
                then 'Units'
                when is_priced
                then quantity_unit
            end as PricingUnit,
            list_price as ListUnitPrice,
            contracted_price as ContractedUnitPrice,
            consumed_quantity as ConsumedQuantity,
            case when consumed_quantity is not null then consumed_unit end as ConsumedUnit,
            pricing_currency as PricingCurrency,
            {% for money, column in [
                ("effective_cost", "PricingCurrencyEffectiveCost"),
                ("list_price", "PricingCurrencyListUnitPrice"),
                ("contracted_price", "PricingCurrencyContractedUnitPrice"),
            ] %}
                case
                    when rate = 1 then {{ money }} else {{ divide_money(money, "rate") }}
                end as {{ column }},
            {% endfor %}
            -- what was sold
            service_name as ServiceName,
            service_category as ServiceCategory,
            service_subcategory as ServiceSubcategory,
            sku as SkuId,
            sku_price as SkuPriceId,
            case when sku is not null then sku_meter end as SkuMeter,
            case when sku_price is not null then sku_details end as SkuPriceDetails,
            -- where it runs
            location_region as RegionId,
            case when location_region is not null then region_name end as RegionName,
            location_zone as AvailabilityZone,
            resource as ResourceId,
            case
                when resource <> resource_name and not is_commitment_itself then resource_name
            end as ResourceName,
            case when resource is not null then resource_type end as ResourceType,
            focus_tags as Tags,
            -- commitments
            commitment_id as CommitmentDiscountId,
            case when commitment_id is not null then commitment_name end as CommitmentDiscountName,
            case
                when commitment_id is not null then commitment_category
            end as CommitmentDiscountCategory,
            case when commitment_id is not null then commitment_type end as CommitmentDiscountType,
            case
                when is_unused then 'Unused' when is_used then 'Used'
            end as CommitmentDiscountStatus,
            commitment_quantity as CommitmentDiscountQuantity,
            case
                when commitment_quantity is not null then commitment_unit
            end as CommitmentDiscountUnit,
            case when is_reserved then reservation end as CapacityReservationId,
            case
                when is_reserved and charge_category = 'Usage' then reservation_status
            end as CapacityReservationStatus,
            -- not in this bill
            cast(null as varchar) as AllocatedMethodDetails,
            cast(null as varchar) as AllocatedMethodId,
            cast(null as varchar) as AllocatedResourceId,
            cast(null as varchar) as AllocatedResourceName,
            cast(null as map(varchar, varchar)) as AllocatedTags,
            cast(null as varchar) as CommitmentProgramEligibilityDetails,
            cast(null as varchar) as ContractApplied,
            -- columns of our own
            invoice_month as x_InvoiceMonth,
            invoice_publisher_type as x_InvoicePublisherType,
            cost_type as x_CostType,
            case when part = 0 then raw_cost end as x_CostBeforeCredits,
            case when part = 0 then credit_list end as x_Credits,
            credit_type as x_CreditType,
            service_id as x_ServiceId,
            location_location as x_Location,
            consumption_model_description as x_ConsumptionModel,
            adjustment_type as x_AdjustmentType,
            adjustment_id as x_AdjustmentId,
            transaction_type as x_TransactionType,
            project_number as x_ProjectNumber,
            project_ancestry_numbers as x_ProjectAncestry,
            system_label_map as x_SystemLabels,
            export_time as x_ExportTime,
            currency_conversion_rate as x_CurrencyConversionRate,
            case when part = 0 then remark end as x_CommitmentRemark
        from described
    )

select *
from final
