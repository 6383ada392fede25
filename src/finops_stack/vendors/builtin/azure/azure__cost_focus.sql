{#-
  One row per charge: actual and amortised cost of a month as FOCUS.

  rows → charges → priced → measured → described → here; what only distinct words can tell comes
  from units, details, things and tags.
-#}
{{ config(materialized="bills") }}

with
    described as (select * from {{ ref("azure__cost_described") }}),

    final as (
        select
            -- where the row comes from
            x_SourceName,
            x_DeliveryId,
            x_SourceFile,
            x_SourceRow,
            0 as x_SourcePart,
            -- who pays whom
            billing_account_id as BillingAccountId,
            billing_account_name as BillingAccountName,
            billing_account_type as BillingAccountType,
            subscription_id as SubAccountId,
            case when subscription_id is not null then sub_account_name end as SubAccountName,
            case when subscription_id is not null then 'Subscription' end as SubAccountType,
            InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            coalesce(PartnerName, 'Microsoft') as InvoiceIssuerName,
            'Microsoft' as ProviderName,
            publisher_name as PublisherName,
            coalesce(publisher_name, 'Azure Marketplace') as ServiceProviderName,
            'Microsoft' as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            coalesce("Date", delivery_period_start) as ChargePeriodStart,
            coalesce("Date", delivery_period_start) + interval 1 day as ChargePeriodEnd,
            -- what kind of charge
            charge_category as ChargeCategory,
            charge_class as ChargeClass,
            charge_frequency as ChargeFrequency,
            description as ChargeDescription,
            -- costs
            BillingCurrency,
            billed_cost as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            pricing_category as PricingCategory,
            case when is_priced then quantity_or_one end as PricingQuantity,
            case when is_priced then pricing_unit end as PricingUnit,
            list_price as ListUnitPrice,
            contracted_price as ContractedUnitPrice,
            case
                when charge_category = 'Usage' and not is_unused then single_quantity
            end as ConsumedQuantity,
            case when charge_category = 'Usage' and not is_unused then unit end as ConsumedUnit,
            pricing_currency as PricingCurrency,
            pricing_currency_effective_cost as PricingCurrencyEffectiveCost,
            pricing_currency_list_price as PricingCurrencyListUnitPrice,
            pricing_currency_contracted_price as PricingCurrencyContractedUnitPrice,
            -- what was sold
            service_name as ServiceName,
            service_category as ServiceCategory,
            service_subcategory as ServiceSubcategory,
            sku_id as SkuId,
            sku_price_id as SkuPriceId,
            case when sku_id is not null then MeterName end as SkuMeter,
            case when sku_price_id is not null then sku_details end as SkuPriceDetails,
            -- where it runs
            region_id as RegionId,
            region_name as RegionName,
            cast(null as varchar) as AvailabilityZone,
            resource_id as ResourceId,
            case
                when role in ('unused', 'commitment') then commitment_name else resource_name
            end as ResourceName,
            resource_type as ResourceType,
            focus_tags as Tags,
            -- commitments
            commitment_id as CommitmentDiscountId,
            case when commitment_id is not null then commitment_name end as CommitmentDiscountName,
            commitment_category as CommitmentDiscountCategory,
            case when commitment_id is not null then commitment_type end as CommitmentDiscountType,
            case
                when commitment_id is not null then commitment_status
            end as CommitmentDiscountStatus,
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
            BillingAccountId as x_BillingAccountId,
            BillingAccountName as x_BillingAccountName,
            InvoiceSectionId as x_InvoiceSectionId,
            InvoiceSectionName as x_InvoiceSectionName,
            AccountName as x_AccountName,
            AccountOwnerId as x_AccountOwnerId,
            CustomerTenantId as x_CustomerId,
            CustomerName as x_CustomerName,
            CostCenter as x_CostCenter,
            CostAllocationRuleName as x_CostAllocationRuleName,
            resource_group as x_ResourceGroupName,
            resource_type_word as x_ResourceType,
            ChargeType as x_ChargeType,
            PricingModel as x_PricingModel,
            PublisherType as x_PublisherCategory,
            MeterId as x_SkuMeterId,
            MeterCategory as x_SkuMeterCategory,
            MeterSubCategory as x_SkuMeterSubcategory,
            ServiceFamily as x_SkuServiceFamily,
            OfferId as x_SkuOfferId,
            PartNumber as x_SkuPartNumber,
            term_months as x_SkuTerm,
            ProductOrderId as x_SkuOrderId,
            ProductOrderName as x_SkuOrderName,
            AdditionalInfo as x_SkuDetails,
            case when is_two_currency then rate end as x_BillingExchangeRate,
            PartnerEarnedCreditApplied as x_PartnerCreditApplied,
            PartnerEarnedCreditRate as x_PartnerCreditRate,
            amortization as x_Amortization,
            cost_remark as x_CostRemark,
            quantity_remark as x_QuantityRemark
        from described
    )

select *
from final
