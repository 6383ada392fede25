{#- One row per charge, with unit prices and the quantities of use and commitment. -#}
{{ config(materialized="ephemeral") }}

with
    priced as (select * from {{ ref("azure__cost_priced") }}),

    details as (select * from {{ ref("azure__cost_details") }}),

    counted as (
        select
            priced.*,
            details.capacity_id,
            details.size_ratio,
            details.sku_details,
            is_priced and holds and not is_unused as has_prices,
            is_hours or coalesce(block, 1) = 1 as is_single,
            case
                when is_hours or coalesce(block, 1) = 1
                then quantity_or_one
                else {{ product_of("quantity_or_one", "block") }}
            end as single_quantity
        from priced
        left join details on priced.AdditionalInfo = details.additional_info
    ),

    final as (
        select
            counted.*,
            case
                when is_priced and is_unused
                then 0
                when not has_prices
                then null
                when
                    list_unit is not null
                    and abs(
                        cast(list_unit as double) * rate_double * quantity_double
                        - cast(list_cost as double)
                    )
                    <= abs(cast(list_cost as double)) * 1e-9
                then
                    case
                        when is_two_currency
                        then {{ product_of("list_unit", "rate") }}
                        else list_unit
                    end
                -- the bill's own list cost, which is not quite price × quantity
                when
                    nullif(PaygCostInBillingCurrency, 0) is not null
                    and sign(list_cost) * sign(quantity_or_one) >= 0
                then {{ divide_money("list_cost", "quantity_or_one") }}
            end as list_price,
            case
                when is_priced and is_unused
                then 0
                when not has_prices
                then null
                when is_two_currency
                then {{ product_of("contracted_unit", "rate") }}
                else contracted_unit
            end as contracted_price,
            case
                when is_priced and is_unused then 0 when has_prices then list_unit
            end as pricing_currency_list_price,
            case
                when is_priced and is_unused then 0 when has_prices then contracted_unit
            end as pricing_currency_contracted_price,
            case
                when effective_cost = 0 or not is_two_currency
                then effective_cost
                else coalesce(CostInPricingCurrency, {{ divide_money("effective_cost", "rate") }})
            end as pricing_currency_effective_cost,
            case
                when not is_priced or is_single then unit else block_word || ' ' || unit
            end as pricing_unit,
            case
                when charge_category = 'Usage' and not is_unused and not is_single
                then 'assumed: Quantity counts blocks'
                when charge_category = 'Usage' and not is_unused and is_hours and block > 1
                then 'assumed: Quantity counts hours'
            end as quantity_remark,
            case
                when commitment_id is null
                then null
                when commitment_type = 'Savings Plan'
                then priced_cost
                when size_ratio <> 1
                then {{ product_of("single_quantity", "size_ratio") }}
                else single_quantity
            end as commitment_quantity,
            case
                when commitment_id is null
                then null
                when commitment_type = 'Savings Plan'
                then pricing_currency
                when size_ratio <> 1
                then 'Normalized ' || unit
                else unit
            end as commitment_unit
        from counted
    )

select *
from final
