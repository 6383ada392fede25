{#- One row per charge: Microsoft's own FOCUS exports, 1.0 to 1.2-preview, in the newest columns. -#}
{{ config(materialized="bills") }}

with
    described as (select * from {{ ref("azure__export_described") }}),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            0 as x_SourcePart,
            -- who pays whom
            account_id as BillingAccountId,
            billing_account_name as BillingAccountName,
            billing_account_type as BillingAccountType,
            subscription_id as SubAccountId,
            case when subscription_id is not null then sub_account_name end as SubAccountName,
            case
                when subscription_id is not null then coalesce(SubAccountType, 'Subscription')
            end as SubAccountType,
            InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            coalesce(InvoiceIssuerName, 'Microsoft') as InvoiceIssuerName,
            coalesce(ProviderName, 'Microsoft') as ProviderName,
            publisher_name as PublisherName,
            coalesce(publisher_name, 'Azure Marketplace') as ServiceProviderName,
            'Microsoft' as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            ChargePeriodStart,
            ChargePeriodEnd,
            -- what kind of charge
            ChargeCategory,
            ChargeClass,
            charge_frequency as ChargeFrequency,
            coalesce(
                ChargeDescription, concat_ws(', ', service_name, ChargeCategory)
            ) as ChargeDescription,
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
            consumed_quantity as ConsumedQuantity,
            case when consumed_quantity is not null then unit end as ConsumedUnit,
            coalesce(PricingCurrency, BillingCurrency) as PricingCurrency,
            coalesce(
                PricingCurrencyEffectiveCost, pricing_currency_effective_cost
            ) as PricingCurrencyEffectiveCost,
            pricing_currency_list_price as PricingCurrencyListUnitPrice,
            pricing_currency_contracted_price as PricingCurrencyContractedUnitPrice,
            -- what was sold
            service_name as ServiceName,
            service_category as ServiceCategory,
            service_subcategory as ServiceSubcategory,
            case when ChargeCategory <> 'Tax' then SkuId end as SkuId,
            case when is_priced then SkuPriceId end as SkuPriceId,
            case when SkuId is not null and ChargeCategory <> 'Tax' then SkuMeter end as SkuMeter,
            case when is_priced and SkuPriceId is not null then sku_details end as SkuPriceDetails,
            -- where it runs
            RegionId,
            case when RegionId is not null then coalesce(RegionName, RegionId) end as RegionName,
            AvailabilityZone,
            resource as ResourceId,
            case when resource is not null then lower(ResourceName) end as ResourceName,
            case
                when resource is not null then coalesce(ResourceType, x_ResourceType, service_name)
            end as ResourceType,
            focus_tags as Tags,
            -- commitments
            commitment_id as CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountStatus,
            commitment_quantity as CommitmentDiscountQuantity,
            commitment_unit as CommitmentDiscountUnit,
            capacity_id as CapacityReservationId,
            capacity_status as CapacityReservationStatus,
            -- not in this bill
            cast(null as varchar) as AllocatedMethodDetails,
            cast(null as varchar) as AllocatedMethodId,
            cast(null as varchar) as AllocatedResourceId,
            cast(null as varchar) as AllocatedResourceName,
            cast(null as map(varchar, varchar)) as AllocatedTags,
            cast(null as varchar) as CommitmentProgramEligibilityDetails,
            cast(null as varchar) as ContractApplied,
            -- columns of our own
            regexp_extract(x_BillingAccountId, '([^/]+)/?$', 1) as x_BillingAccountId,
            x_BillingAccountName,
            x_InvoiceSectionId,
            x_InvoiceSectionName,
            x_AccountName,
            x_AccountOwnerId,
            x_CustomerId,
            x_CustomerName,
            x_CostCenter,
            x_CostAllocationRuleName,
            lower(x_ResourceGroupName) as x_ResourceGroupName,
            lower(x_ResourceType) as x_ResourceType,
            cast(null as varchar) as x_ChargeType,
            cast(null as varchar) as x_PricingModel,
            x_PublisherCategory,
            x_SkuMeterId,
            x_SkuMeterCategory,
            x_SkuMeterSubcategory,
            x_SkuServiceFamily,
            x_SkuOfferId,
            x_SkuPartNumber,
            try_cast(x_SkuTerm as integer) as x_SkuTerm,
            x_SkuOrderId,
            x_SkuOrderName,
            AdditionalInfo as x_SkuDetails,
            x_BillingExchangeRate,
            x_PartnerCreditApplied,
            x_PartnerCreditRate,
            cast(null as varchar) as x_Amortization,
            cost_remark as x_CostRemark,
            cast(null as varchar) as x_QuantityRemark
        from described
    )

select *
from final
