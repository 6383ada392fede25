{#-
  One row per charge: Cost and Usage Report, legacy and 2.0, as FOCUS.

  metered + fees → charges → committed → priced → described → here; what only the whole bill can
  tell comes from payers, plans, residues; what only distinct words can, from items and tags.
-#}
{{ config(materialized="bills") }}

with
    described as (select * from {{ ref("aws__cur_described") }}),

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
            case
                when line_item_usage_account_id is not null then 'Linked Account'
            end as SubAccountType,
            bill_invoice_id as InvoiceId,
            cast(null as varchar) as InvoiceDetailId,
            invoice_issuer as InvoiceIssuerName,
            'AWS' as ProviderName,
            coalesce(line_item_legal_entity, service_provider) as PublisherName,
            service_provider as ServiceProviderName,
            'AWS' as HostProviderName,
            -- when
            delivery_period_start as BillingPeriodStart,
            delivery_period_end as BillingPeriodEnd,
            coalesce(line_item_usage_start_date, delivery_period_start) as ChargePeriodStart,
            -- a charge of a moment still has a period
            greatest(
                coalesce(line_item_usage_end_date, delivery_period_end),
                coalesce(line_item_usage_start_date, delivery_period_start) + interval 1 second
            ) as ChargePeriodEnd,
            -- what kind of charge
            charge_category as ChargeCategory,
            charge_class as ChargeClass,
            charge_frequency as ChargeFrequency,
            line_item_line_item_description as ChargeDescription,
            -- costs
            line_item_currency_code as BillingCurrency,
            billed_cost as BilledCost,
            effective_cost as EffectiveCost,
            list_cost as ListCost,
            contracted_cost as ContractedCost,
            -- quantities and prices
            pricing_category as PricingCategory,
            case when is_priced then quantity end as PricingQuantity,
            case when is_priced then quantity_unit end as PricingUnit,
            list_price as ListUnitPrice,
            contracted_price as ContractedUnitPrice,
            -- a correction may have none; any other usage must have one, which counts nothing twice
            case
                when is_money_only and charge_class = 'Correction'
                then null
                when is_consumed and is_money_only
                then 0
                when is_consumed
                then coalesce(line_item_usage_amount, 0)
            end as ConsumedQuantity,
            case
                when
                    is_consumed
                    and not coalesce(is_money_only and charge_class = 'Correction', false)
                then unit
            end as ConsumedUnit,
            coalesce(pricing_currency, line_item_currency_code) as PricingCurrency,
            case when is_one_currency then effective_cost end as PricingCurrencyEffectiveCost,
            case when is_one_currency then list_price end as PricingCurrencyListUnitPrice,
            case
                when is_one_currency then contracted_price
            end as PricingCurrencyContractedUnitPrice,
            -- what was sold
            service_name as ServiceName,
            service_category as ServiceCategory,
            service_subcategory as ServiceSubcategory,
            sku_id as SkuId,
            case when is_priced then coalesce(pricing_rate_code, sku_id) end as SkuPriceId,
            case when sku_id is not null then line_item_usage_type end as SkuMeter,
            case when is_priced then sku_details end as SkuPriceDetails,
            -- where it runs
            region_id as RegionId,
            region_name as RegionName,
            zone as AvailabilityZone,
            resource_id as ResourceId,
            resource_name as ResourceName,
            resource_type as ResourceType,
            focus_tags as Tags,
            -- commitments
            commitment_id as CommitmentDiscountId,
            cast(null as varchar) as CommitmentDiscountName,
            case
                when commitment_id is null then null when is_reservation then 'Usage' else 'Spend'
            end as CommitmentDiscountCategory,
            case
                when commitment_id is null
                then null
                when is_reservation
                then 'Reserved Instance'
                else 'Savings Plan'
            end as CommitmentDiscountType,
            case
                when commitment_id is not null then commitment_status
            end as CommitmentDiscountStatus,
            commitment_quantity as CommitmentDiscountQuantity,
            commitment_unit as CommitmentDiscountUnit,
            case
                when capacity_status is not null then capacity_reservation_capacity_reservation_arn
            end as CapacityReservationId,
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
            line_item_line_item_type as x_LineItemType,
            line_item_product_code as x_ServiceCode,
            line_item_operation as x_Operation,
            focus_categories as x_CostCategories,
            {{ map_if("true", "discount") }} as x_Discounts,
            case
                when commitment_id is null
                then coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n)
            end as x_CommitmentDiscountId,
            savings_plan_offering_type as x_CommitmentOfferingType,
            reservation_subscription_id as x_ReservationSubscriptionId,
            case
                when capacity_status is null then capacity_reservation_capacity_reservation_arn
            end as x_CapacityReservationId,
            case
                when capacity_status is null then capacity_reservation_capacity_reservation_status
            end as x_CapacityReservationStatus,
            sku_id_source as x_SkuIdSource,
            case
                when is_dedicated_host and charge_category = 'Purchase' then 'unsupported'
            end as x_Amortization
        from described
    )

select *
from final
