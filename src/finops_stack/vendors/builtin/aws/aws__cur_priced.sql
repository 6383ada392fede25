{#- One row per charge, with what was sold: SKU, quantity, unit and prices. -#}
{{ config(materialized="ephemeral") }}

with
    committed as (select * from {{ ref("aws__cur_committed") }}),

    quantities as (
        select
            committed.*,
            -- tax, credits and the residue have no price
            pricing_category is not null as is_priced,
            charge_category = 'Usage'
            and commitment_status is distinct from 'Unused' as is_consumed,
            -- it gives money back for use that other rows have
            rule_name in ('Refund', 'Discount') as is_money_only,
            coalesce(pricing_currency = line_item_currency_code, true) as is_one_currency,
            case
                when commitment_status = 'Unused' and is_reservation
                then coalesce(unused_quantity, 0)
                when commitment_status = 'Unused'
                then unused_commitment
                when line_item_line_item_type = 'RIFee' and reservation_total_reserved_units > 0
                then reservation_total_reserved_units
                when public_cost is not null and line_item_usage_amount <> 0
                then line_item_usage_amount
                -- no list price: prices are derived, and prices are never negative
                when bill_cost < 0
                then - coalesce(nullif(abs(line_item_usage_amount), 0), 1)
                when bill_cost > 0
                then coalesce(nullif(abs(line_item_usage_amount), 0), 1)
                else coalesce(nullif(line_item_usage_amount, 0), 1)
            end as quantity,
            case
                when commitment_status = 'Unused' and not is_reservation
                then line_item_currency_code
                else unit
            end as quantity_unit,
            case
                when is_net then line_item_net_unblended_rate else line_item_unblended_rate
            end as bill_rate,
            case
                when pricing_category is not null
                then coalesce(product_sku, line_item_usage_type, line_item_product_code)
                when charge_category <> 'Tax'
                then product_sku
            end as sku_id,
            case
                when pricing_category is null or product_sku is not null
                then null
                when line_item_usage_type is not null
                then 'usage type'
                else 'product code'
            end as sku_id_source
        from committed
    ),

    -- a rate is the unit price where it gives the row's own cost, to the ninth digit
    doubles as (
        select
            quantities.*,
            cast(quantity as double) as quantity_double,
            cast(list_cost as double) as list_double
        from quantities
    ),

    list_prices as (
        select
            doubles.*,
            case
                when not is_priced
                then null
                when list_cost = 0
                then 0
                when (list_cost < 0) <> (quantity < 0)
                then null
                when
                    abs(
                        cast(pricing_public_on_demand_rate as double) * quantity_double
                        - list_double
                    )
                    <= abs(list_double) * 1e-9
                then pricing_public_on_demand_rate
                else {{ divide_money("list_double", "quantity_double") }}
            end as list_price
        from doubles
    ),

    final as (
        select
            list_prices.*,
            case
                when contracted_cost = list_cost
                then list_price
                when not is_priced
                then null
                when contracted_cost = 0
                then 0
                -- usage with a list price keeps its quantity, and a price is never negative
                when (contracted_cost < 0) <> (quantity < 0)
                then null
                when
                    abs(
                        cast(bill_rate as double) * quantity_double
                        - cast(contracted_cost as double)
                    )
                    <= abs(cast(contracted_cost as double)) * 1e-9
                then bill_rate
                else {{ divide_money("contracted_cost", "quantity_double") }}
            end as contracted_price
        from list_prices
    )

select *
from final
