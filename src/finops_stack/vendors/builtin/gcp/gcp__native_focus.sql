{#- One row per charge: Google's own FOCUS table (and the older view) in the newest FOCUS's columns. -#}
{{ config(materialized="bills") }}

with
    described as (select * from {{ ref("gcp__native_described") }}),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            0 as x_SourcePart,
            -- who pays whom
            BillingAccountId,
            billing_account_name as BillingAccountName,
            coalesce(BillingAccountType, 'Billing Account') as BillingAccountType,
            project_id as SubAccountId,
            case when project_id is not null then sub_account_name end as SubAccountName,
            case when project_id is not null then 'Project' end as SubAccountType,
            cast(null as varchar) as InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            'Google Cloud' as InvoiceIssuerName,
            'Google Cloud' as ProviderName,
            coalesce(PublisherName, 'Google Cloud') as PublisherName,
            coalesce(PublisherName, 'Google Cloud') as ServiceProviderName,
            'Google Cloud' as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            coalesce(ChargePeriodStart, delivery_period_start) as ChargePeriodStart,
            greatest(
                coalesce(ChargePeriodEnd, delivery_period_end),
                coalesce(ChargePeriodStart, delivery_period_start) + interval 1 second
            ) as ChargePeriodEnd,
            -- what kind of charge
            charge_category as ChargeCategory,
            case when lower(ChargeClass) = 'correction' then 'Correction' end as ChargeClass,
            case
                charge_category
                when 'Usage'
                then 'Usage-Based'
                when 'Purchase'
                then 'Recurring'
                else 'One-Time'
            end as ChargeFrequency,
            ChargeDescription,
            -- costs
            BillingCurrency,
            billed_cost as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            pricing_category as PricingCategory,
            quantity as PricingQuantity,
            case when quantity is not null then pricing_unit end as PricingUnit,
            list_price as ListUnitPrice,
            contracted_price as ContractedUnitPrice,
            case when charge_category = 'Usage' then ConsumedQuantity end as ConsumedQuantity,
            case
                when charge_category = 'Usage' and ConsumedQuantity is not null then consumed_unit
            end as ConsumedUnit,
            coalesce(PricingCurrency, BillingCurrency) as PricingCurrency,
            coalesce(PricingCurrencyEffectiveCost, effective_cost) as PricingCurrencyEffectiveCost,
            case
                when is_priced then coalesce(PricingCurrencyListUnitPrice, list_price)
            end as PricingCurrencyListUnitPrice,
            case
                when is_priced then coalesce(PricingCurrencyContractedUnitPrice, contracted_price)
            end as PricingCurrencyContractedUnitPrice,
            -- what was sold
            coalesce(ServiceName, x_ServiceId, 'Google Cloud') as ServiceName,
            service_category as ServiceCategory,
            service_subcategory as ServiceSubcategory,
            case when charge_category <> 'Tax' then SkuId end as SkuId,
            case when is_priced then coalesce(SkuPriceId, SkuId) end as SkuPriceId,
            sku_meter as SkuMeter,
            cast(null as map(varchar, varchar)) as SkuPriceDetails,
            -- where it runs
            RegionId,
            case when RegionId is not null then region_name end as RegionName,
            AvailabilityZone,
            coalesce(case when is_fee then commitment_id end, ResourceId) as ResourceId,
            case
                when not is_fee and ResourceName <> ResourceId then ResourceName
            end as ResourceName,
            resource_type as ResourceType,
            focus_tags as Tags,
            -- commitments
            commitment_id as CommitmentDiscountId,
            case when commitment_id is not null then commitment_name end as CommitmentDiscountName,
            commitment_category as CommitmentDiscountCategory,
            commitment_type as CommitmentDiscountType,
            case when is_covered then 'Used' end as CommitmentDiscountStatus,
            commitment_quantity as CommitmentDiscountQuantity,
            commitment_unit as CommitmentDiscountUnit,
            cast(null as varchar) as CapacityReservationId,
            cast(null as varchar) as CapacityReservationStatus,
            -- not in this bill
            cast(null as varchar) as AllocatedMethodDetails,
            cast(null as varchar) as AllocatedMethodId,
            cast(null as varchar) as AllocatedResourceId,
            cast(null as varchar) as AllocatedResourceName,
            cast(null as map(varchar, varchar)) as AllocatedTags,
            cast(null as varchar) as CommitmentProgramEligibilityDetails,
            cast(null as varchar) as ContractApplied,
            -- columns of our own
            cast(null as varchar) as x_InvoiceMonth,
            cast(null as varchar) as x_InvoicePublisherType,
            x_CostType,
            cast(null as decimal(38, 15)) as x_CostBeforeCredits,
            {{ records_json("x_Credits") }} as x_Credits,
            cast(null as varchar) as x_CreditType,
            x_ServiceId,
            x_Location,
            x_ConsumptionModelDescription as x_ConsumptionModel,
            cast(null as varchar) as x_AdjustmentType,
            cast(null as varchar) as x_AdjustmentId,
            cast(null as varchar) as x_TransactionType,
            x_ProjectNumber,
            x_ProjectAncestry,
            {{ merged_maps(["system_map"]) }} as x_SystemLabels,
            x_ExportTime,
            x_CurrencyConversionRate,
            case
                when is_fee or is_covered then 'not amortised: costs as Google fills them'
            end as x_CommitmentRemark
        from described
    )

select *
from final
