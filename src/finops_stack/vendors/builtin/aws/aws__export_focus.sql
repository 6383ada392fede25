{#- One row per charge: AWS's own FOCUS exports, 1.0 and 1.2, in the newest FOCUS's columns. -#}
{{ config(materialized="bills") }}

with
    repaired as (select * from {{ ref("aws__export_repaired") }}),

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
            coalesce(BillingAccountType, 'Payer Account') as BillingAccountType,
            SubAccountId,
            case when SubAccountId is not null then sub_account_name end as SubAccountName,
            case
                when SubAccountId is not null then coalesce(SubAccountType, 'Linked Account')
            end as SubAccountType,
            InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            coalesce(InvoiceIssuerName, PublisherName, ProviderName, 'AWS') as InvoiceIssuerName,
            coalesce(ProviderName, 'AWS') as ProviderName,
            coalesce(PublisherName, ProviderName, 'AWS') as PublisherName,
            case
                when is_marketplace then PublisherName else coalesce(ProviderName, 'AWS')
            end as ServiceProviderName,
            coalesce(ProviderName, 'AWS') as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            ChargePeriodStart,
            ChargePeriodEnd,
            -- what kind of charge
            ChargeCategory,
            ChargeClass,
            coalesce(
                ChargeFrequency,
                case ChargeCategory when 'Usage' then 'Usage-Based' else 'One-Time' end
            ) as ChargeFrequency,
            ChargeDescription,
            -- costs
            BillingCurrency,
            coalesce(BilledCost, 0) as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            case when not is_tax then PricingCategory end as PricingCategory,
            quantity as PricingQuantity,
            case when quantity is not null then coalesce(PricingUnit, 'Units') end as PricingUnit,
            list_price as ListUnitPrice,
            contracted_price as ContractedUnitPrice,
            case when ChargeCategory = 'Usage' then ConsumedQuantity end as ConsumedQuantity,
            case
                when ChargeCategory = 'Usage' and ConsumedQuantity is not null
                then coalesce(ConsumedUnit, 'Units')
            end as ConsumedUnit,
            pricing_currency as PricingCurrency,
            coalesce(
                PricingCurrencyEffectiveCost, case when is_one_currency then effective_cost end
            ) as PricingCurrencyEffectiveCost,
            case
                when is_one_currency
                then list_price
                when not is_tax
                then PricingCurrencyListUnitPrice
            end as PricingCurrencyListUnitPrice,
            case
                when is_one_currency
                then contracted_price
                when not is_tax
                then PricingCurrencyContractedUnitPrice
            end as PricingCurrencyContractedUnitPrice,
            -- what was sold
            service_name as ServiceName,
            ServiceCategory,
            service_subcategory as ServiceSubcategory,
            sku_id as SkuId,
            sku_price_id as SkuPriceId,
            case when sku_id is not null then coalesce(SkuMeter, x_UsageType) end as SkuMeter,
            {{ map_if("sku_price_id is not null", "SkuPriceDetails") }} as SkuPriceDetails,
            -- where it runs
            region_word as RegionId,
            case when region_word is not null then region_name end as RegionName,
            AvailabilityZone,
            ResourceId,
            case
                when ResourceId is not null and ResourceName is distinct from ResourceId
                then ResourceName
            end as ResourceName,
            case when ResourceId is not null then resource_type end as ResourceType,
            focus_tags as Tags,
            -- commitments
            CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountStatus,
            CommitmentDiscountQuantity,
            CommitmentDiscountUnit,
            case when is_capacity_known then CapacityReservationId end as CapacityReservationId,
            case
                when is_capacity_known then CapacityReservationStatus
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
            cast(null as varchar) as x_LineItemType,
            x_ServiceCode,
            x_Operation,
            {{ map_if("true", "x_CostCategories") }} as x_CostCategories,
            {{ map_if("true", "x_Discounts") }} as x_Discounts,
            cast(null as varchar) as x_CommitmentDiscountId,
            cast(null as varchar) as x_CommitmentOfferingType,
            cast(null as varchar) as x_ReservationSubscriptionId,
            case
                when not is_capacity_known then CapacityReservationId
            end as x_CapacityReservationId,
            case
                when not is_capacity_known then CapacityReservationStatus
            end as x_CapacityReservationStatus,
            case
                when not is_priced or SkuId is not null
                then null
                when coalesce(SkuMeter, x_UsageType) is not null
                then 'usage type'
                else 'product code'
            end as x_SkuIdSource,
            cast(null as varchar) as x_Amortization
        from repaired
    )

select *
from final
