{#-
  One row per charge: AWS's own FOCUS export (1.0 and 1.2), lifted to the newest version.

  Repairs, each for a gap AWS documents: blank → null (when read), EffectiveCost empty on tax,
  list and contracted cost empty, issuer and publisher empty, quantity without unit, no
  subcategory before 1.1, usage type where SkuMeter is, period ends from the delivery.
-#}
{{ config(materialized='bills') }}

with
    source as (select * from {{ bill_rows() }}),

    services as (select * from {{ vocabulary('aws', 'services') }}),

    account_names as (select * from {{ account_names() }}),

    repaired as (
        select
            source.*,
            coalesce(source.EffectiveCost, source.BilledCost) as effective_cost,
            coalesce(source.ListCost, source.ContractedCost, source.BilledCost) as list_cost,
            coalesce(source.ContractedCost, source.BilledCost) as contracted_cost,
            source.ChargeCategory <> 'Tax' as may_be_priced,
            services.service_subcategory as known_subcategory,
            services.service_category as known_category,
            usage_names.account_name as usage_name,
            payer_names.account_name as payer_name
        from source
        left join services on source.x_ServiceCode = services.product_code
        left join account_names as usage_names on source.SubAccountId = usage_names.account_id
        left join account_names as payer_names on source.BillingAccountId = payer_names.account_id
    ),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            cast(0 as integer) as x_SourcePart,
            -- who pays whom
            BillingAccountId,
            coalesce(BillingAccountName, payer_name) as BillingAccountName,
            coalesce(BillingAccountType, 'Payer Account') as BillingAccountType,
            SubAccountId,
            case
                when SubAccountId is not null
                then coalesce(SubAccountName, usage_name, SubAccountId)
            end as SubAccountName,
            case
                when SubAccountId is not null then coalesce(SubAccountType, 'Linked Account')
            end as SubAccountType,
            InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            coalesce(InvoiceIssuerName, ProviderName, 'AWS') as InvoiceIssuerName,
            coalesce(ProviderName, 'AWS') as ProviderName,
            coalesce(PublisherName, ProviderName, 'AWS') as PublisherName,
            coalesce(ProviderName, 'AWS') as ServiceProviderName,
            coalesce(ProviderName, 'AWS') as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            ChargePeriodStart,
            ChargePeriodEnd,
            -- what kind of charge
            ChargeCategory,
            ChargeClass,
            ChargeFrequency,
            ChargeDescription,
            -- costs
            BillingCurrency,
            BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            case when may_be_priced then PricingCategory end as PricingCategory,
            case when may_be_priced then PricingQuantity end as PricingQuantity,
            case
                when may_be_priced and PricingQuantity is not null
                then coalesce(PricingUnit, 'Units')
            end as PricingUnit,
            case when may_be_priced then ListUnitPrice end as ListUnitPrice,
            case when may_be_priced then ContractedUnitPrice end as ContractedUnitPrice,
            case
                when ChargeCategory = 'Usage' and CommitmentDiscountStatus is distinct from 'Unused'
                then ConsumedQuantity
            end as ConsumedQuantity,
            case
                when
                    ChargeCategory = 'Usage'
                    and CommitmentDiscountStatus is distinct from 'Unused'
                    and ConsumedQuantity is not null
                then coalesce(ConsumedUnit, PricingUnit, 'Units')
            end as ConsumedUnit,
            coalesce(PricingCurrency, BillingCurrency) as PricingCurrency,
            case
                when coalesce(PricingCurrency, BillingCurrency) = BillingCurrency
                then coalesce(PricingCurrencyEffectiveCost, effective_cost)
                else PricingCurrencyEffectiveCost
            end as PricingCurrencyEffectiveCost,
            case
                when not may_be_priced
                then null
                when coalesce(PricingCurrency, BillingCurrency) = BillingCurrency
                then coalesce(PricingCurrencyListUnitPrice, ListUnitPrice)
                else PricingCurrencyListUnitPrice
            end as PricingCurrencyListUnitPrice,
            case
                when not may_be_priced
                then null
                when coalesce(PricingCurrency, BillingCurrency) = BillingCurrency
                then coalesce(PricingCurrencyContractedUnitPrice, ContractedUnitPrice)
                else PricingCurrencyContractedUnitPrice
            end as PricingCurrencyContractedUnitPrice,
            -- what was sold
            ServiceName,
            ServiceCategory,
            coalesce(
                ServiceSubcategory,
                case when known_category = ServiceCategory then known_subcategory end,
                'Other (' || ServiceCategory || ')'
            ) as ServiceSubcategory,
            case when may_be_priced then SkuId end as SkuId,
            case when may_be_priced then SkuPriceId end as SkuPriceId,
            case
                when may_be_priced and SkuId is not null then coalesce(SkuMeter, x_UsageType)
            end as SkuMeter,
            case
                when may_be_priced and cardinality(SkuPriceDetails) > 0 then SkuPriceDetails
            end as SkuPriceDetails,
            -- where it runs; AWS calls internet transfer a region
            nullif(RegionId, 'External') as RegionId,
            case when nullif(RegionId, 'External') is not null then RegionName end as RegionName,
            AvailabilityZone,
            ResourceId,
            ResourceName,
            case when ResourceId is not null then ResourceType end as ResourceType,
            case when cardinality(Tags) > 0 then Tags end as Tags,
            -- commitments
            CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountStatus,
            CommitmentDiscountQuantity,
            CommitmentDiscountUnit,
            CapacityReservationId,
            CapacityReservationStatus,
            -- not in these versions
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
            case when cardinality(x_CostCategories) > 0 then x_CostCategories end as x_CostCategories,
            case when cardinality(x_Discounts) > 0 then x_Discounts end as x_Discounts,
            cast(null as varchar) as x_CommitmentDiscountId,
            cast(null as varchar) as x_CommitmentOfferingType,
            cast(null as varchar) as x_ReservationSubscriptionId,
            cast(null as varchar) as x_CapacityReservationId,
            cast(null as varchar) as x_CapacityReservationStatus,
            cast(null as varchar) as x_SkuIdSource,
            cast(null as varchar) as x_Amortization
        from repaired
    )

select *
from final
