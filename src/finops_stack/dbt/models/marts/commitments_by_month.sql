with
    charges as (select * from {{ this_bill(ref("focus")) }} as bill),

    summed as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountUnit,
            ServiceProviderName,
            BillingAccountId,
            BillingCurrency,
            cast(
                coalesce(sum(BilledCost) filter (where ChargeCategory = 'Purchase'), 0) as decimal(
                    38, 15
                )
            ) as purchased_cost,
            cast(
                coalesce(
                    sum(EffectiveCost) filter (where CommitmentDiscountStatus = 'Used'), 0
                ) as decimal(38, 15)
            ) as used_cost,
            cast(
                coalesce(
                    sum(EffectiveCost) filter (where CommitmentDiscountStatus = 'Unused'), 0
                ) as decimal(38, 15)
            ) as unused_cost,
            cast(
                coalesce(
                    sum(CommitmentDiscountQuantity) filter (
                        where CommitmentDiscountStatus = 'Used'
                    ),
                    0
                ) as decimal(38, 15)
            ) as used_quantity,
            cast(
                coalesce(
                    sum(CommitmentDiscountQuantity) filter (
                        where CommitmentDiscountStatus = 'Unused'
                    ),
                    0
                ) as decimal(38, 15)
            ) as unused_quantity,
            cast(
                coalesce(
                    sum(ListCost) filter (where CommitmentDiscountStatus = 'Used'), 0
                ) as decimal(38, 15)
            ) as covered_list_cost,
        from charges
        where CommitmentDiscountId is not null
        group by
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountUnit,
            ServiceProviderName,
            BillingAccountId,
            BillingCurrency
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            BillingPeriodStart,
            CommitmentDiscountId,
            CommitmentDiscountName,
            CommitmentDiscountCategory,
            CommitmentDiscountType,
            CommitmentDiscountUnit,
            ServiceProviderName,
            BillingAccountId,
            BillingCurrency,
            purchased_cost,
            used_cost,
            unused_cost,
            used_quantity,
            unused_quantity,
            covered_list_cost,
        from summed
    )

select *
from final
