with
    charges as (select * from {{ this_bill(ref("focus")) }} as bill),

    summed as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            ResourceId,
            ResourceName,
            ResourceType,
            ServiceProviderName,
            SubAccountId,
            SubAccountName,
            RegionId,
            ServiceCategory,
            ServiceName,
            BillingCurrency,
            count(*) as charges,
            cast(sum(BilledCost) as decimal(38, 15)) as billed_cost,
            cast(sum(EffectiveCost) as decimal(38, 15)) as effective_cost,
            cast(sum(ListCost) as decimal(38, 15)) as list_cost,
            cast(sum(ContractedCost) as decimal(38, 15)) as contracted_cost,
        from charges
        where ResourceId is not null
        group by
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            ResourceId,
            ResourceName,
            ResourceType,
            ServiceProviderName,
            SubAccountId,
            SubAccountName,
            RegionId,
            ServiceCategory,
            ServiceName,
            BillingCurrency
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            ResourceId,
            ResourceName,
            ResourceType,
            ServiceProviderName,
            SubAccountId,
            SubAccountName,
            RegionId,
            ServiceCategory,
            ServiceName,
            BillingCurrency,
            charges,
            billed_cost,
            effective_cost,
            list_cost,
            contracted_cost,
        from summed
    )

select *
from final
