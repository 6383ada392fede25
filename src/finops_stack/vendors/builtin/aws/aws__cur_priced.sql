{#- One row per charge, with what was sold (SKU, quantity, unit, prices) and the commitment it touches. -#}
{{ config(materialized="ephemeral") }}

with
    charges as (select * from {{ ref("aws__cur_charges") }}),

    units as (select * from {{ vocabulary("aws", "units") }}),

    quantities as (
        select
            charges.*,
            -- tax, credits and the residue have no price
            pricing_category is not null as is_priced,
            coalesce(units.focus_unit, charges.pricing_unit, 'Units') as unit,
            case
                when commitment_status = 'Unused' and line_item_line_item_type = 'RIFee'
                then
                    coalesce(
                        reservation_unused_quantity, reservation_unused_normalized_unit_quantity, 0
                    )
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
                when is_net then line_item_net_unblended_rate else line_item_unblended_rate
            end as bill_rate,
            -- a refund's text can name the plan where its ARN is blank
            case
                when commitment_status is not null or charge_category = 'Purchase'
                then
                    coalesce(
                        savings_plan_savings_plan_a_r_n,
                        reservation_reservation_a_r_n,
                        case
                            when rule_name = 'Refund, commitment fee'
                            then
                                nullif(
                                    trim(
                                        split_part(
                                            line_item_line_item_description, 'Savings Plan ID:', 2
                                        )
                                    ),
                                    ''
                                )
                        end
                    )
            end as commitment_id,
            savings_plan_savings_plan_a_r_n is null
            and reservation_reservation_a_r_n is not null as is_reservation,
            -- one unit per reservation: normalised where its used rows are, and this row can tell
            case
                when commitment_status = 'Used' and line_item_normalization_factor > 0
                then line_item_normalized_usage_amount
                when commitment_status = 'Used' or not is_used_normalized
                then null
                when commitment_status = 'Unused'
                then nullif(reservation_unused_normalized_unit_quantity, 0)
                else nullif(reservation_total_reserved_normalized_units, 0)
            end as normalized_quantity
        from charges
        left join units on charges.pricing_unit = units.pricing_unit
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

    contracted_prices as (
        select
            list_prices.*,
            case
                when contracted_cost = list_cost
                then list_price
                when not is_priced
                then null
                when contracted_cost = 0
                then 0
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
    ),

    final as (
        select
            contracted_prices.*,
            case
                when not is_priced
                then case when charge_category <> 'Tax' then product_sku end
                else coalesce(product_sku, line_item_usage_type, line_item_product_code)
            end as sku_id,
            case
                when is_priced
                then
                    coalesce(
                        pricing_rate_code, product_sku, line_item_usage_type, line_item_product_code
                    )
            end as sku_price_id,
            case
                when commitment_status = 'Unused' and not is_reservation
                then line_item_currency_code
                else unit
            end as pricing_unit_word,
            charge_category = 'Usage'
            and commitment_status is distinct from 'Unused' as is_consumed,
            coalesce(pricing_currency = line_item_currency_code, true) as is_one_currency,
            case
                when commitment_id is null
                then null
                when is_reservation
                then
                    coalesce(
                        normalized_quantity,
                        case
                            when commitment_status = 'Unused'
                            then reservation_unused_quantity
                            when commitment_status is null
                            then reservation_total_reserved_units
                        end,
                        line_item_usage_amount,
                        0
                    )
                when commitment_status = 'Used'
                then coalesce(savings_plan_savings_plan_effective_cost, 0)
                when commitment_status = 'Unused'
                then unused_commitment
                else unblended_cost
            end as commitment_quantity,
            case
                when commitment_id is null
                then null
                when not is_reservation
                then line_item_currency_code
                when normalized_quantity is not null
                then 'Normalized Hours'
                else unit
            end as commitment_unit
        from contracted_prices
    )

select *
from final
