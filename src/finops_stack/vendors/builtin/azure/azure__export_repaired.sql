{#-
  One row per charge of Microsoft's own FOCUS export: kinds, quantities and costs put right.

  A cost of 0 beside one that is not, is missing. Months exported before November 2024 have
  quantities too small by the unit's block, told by the list cost.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    units as (select * from {{ ref("azure__cost_units") }}),

    kinds as (
        select
            source.*,
            coalesce(source.BilledCost, 0) as billed_cost,
            coalesce(source.CommitmentDiscountStatus = 'Unused', false) as is_unused,
            source.ChargeCategory in ('Usage', 'Purchase') as is_priced,
            source.ChargeCategory = 'Purchase'
            and source.CommitmentDiscountId is not null as is_commitment_purchase,
            coalesce(
                lower(source.x_PublisherCategory) in ('marketplace', 'vendor'), false
            ) as is_marketplace,
            coalesce(nullif(source.x_PricingBlockSize, 0), units.block, 1) as block,
            coalesce(units.unit, source.PricingUnit, source.ConsumedUnit, 'Units') as unit,
            coalesce(
                source.x_SkuMeterCategory = 'Virtual Machines' and units.unit = 'Hours', false
            ) as is_hours,
            case
                when
                    coalesce(source.PricingCurrency, source.BillingCurrency)
                    = source.BillingCurrency
                then 1
                else nullif(source.x_BillingExchangeRate, 0)
            end as rate,
            cast(source.ListUnitPrice as double)
            * cast(source.PricingQuantity as double) as list_product,
            cast(source.ListCost as double) as list_double
        from source
        left join units on source.UnitOfMeasure = units.unit_of_measure
    ),

    judged as (
        select
            kinds.*,
            case
                when is_commitment_purchase then 0 else coalesce(EffectiveCost, BilledCost, 0)
            end as effective_cost,
            block > 1
            and list_double <> 0
            and abs(list_product - list_double) > 0.00001 * abs(list_double)
            and abs(list_product * cast(block as double) - list_double)
            <= 0.00001 * abs(list_double) as is_too_small
        from kinds
    ),

    quantities as (
        select
            judged.*,
            case when ChargeCategory = 'Usage' then effective_cost else billed_cost end as own_cost,
            case
                when not is_priced
                then null
                when is_too_small
                then {{ product_of("PricingQuantity", "block") }}
                else PricingQuantity
            end as quantity,
            block = 1 or (is_too_small and is_hours) as is_single
        from judged
    ),

    contracted as (
        select
            quantities.*,
            case
                when ChargeCategory <> 'Usage' or is_unused
                then null
                when is_single and (is_too_small or coalesce(ConsumedQuantity, 0) = 0)
                then quantity
                when is_too_small or coalesce(ConsumedQuantity, 0) = 0
                then {{ product_of("quantity", "block") }}
                else ConsumedQuantity
            end as consumed_quantity,
            case
                when is_unused
                then 0
                when not is_priced
                then coalesce(nullif(ContractedCost, 0), own_cost)
                when ContractedUnitPrice > 0 and quantity is not null
                then
                    case
                        when
                            abs(
                                cast(ContractedUnitPrice as double) * cast(quantity as double)
                                - cast(ContractedCost as double)
                            )
                            <= 1e-9 * abs(cast(ContractedCost as double))
                        then ContractedCost
                        else {{ product_of("ContractedUnitPrice", "quantity") }}
                    end
                else coalesce(nullif(ContractedCost, 0), own_cost)
            end as contracted_cost
        from quantities
    ),

    final as (
        select
            contracted.*,
            case
                when is_unused then 0 else coalesce(nullif(ListCost, 0), contracted_cost)
            end as list_cost,
            case
                when is_unused and (coalesce(ListCost, 0) <> 0 or coalesce(ContractedCost, 0) <> 0)
                then 'unused: ListCost and ContractedCost are 0'
                when is_too_small
                then 'PricingQuantity was too small by the block of its unit'
                when is_unused or not is_priced or own_cost = 0
                then null
                when coalesce(ContractedCost, 0) = 0 and coalesce(ListCost, 0) = 0
                then 'no prices: ListCost and ContractedCost are the cost'
                when coalesce(ContractedCost, 0) = 0
                then 'no contracted price: ContractedCost is the cost'
                when coalesce(ListCost, 0) = 0
                then 'no list price: ListCost is ContractedCost'
            end as cost_remark
        from contracted
    )

select *
from final
