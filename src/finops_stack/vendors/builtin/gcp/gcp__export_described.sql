{#-
  One row per charge, with the words FOCUS has for it: category, service, region, units, prices.
-#}
{{ config(materialized="ephemeral") }}

with
    charges as (select * from {{ ref("gcp__export_charges") }}),

    services as (select * from {{ vocabulary("gcp", "services") }}),

    regions as (select * from {{ vocabulary("gcp", "regions") }}),

    units as (select * from {{ vocabulary("gcp", "units") }}),

    account_names as (select * from {{ account_names() }}),

    kinds as (
        select
            charges.*,
            case
                when cost_type = 'tax'
                then 'Tax'
                when not is_regular and cost_type = 'adjustment'
                then
                    case
                        when
                            adjustment_type in ('GOODWILL', 'SALES_BASED_GOODWILL', 'SLA_VIOLATION')
                        then 'Credit'
                        else 'Adjustment'
                    end
                when not is_regular
                then 'Adjustment'
                when is_promotion
                then 'Credit'
                when role = 'fee' and not is_unused
                then 'Purchase'
                else 'Usage'
            end as charge_category,
            -- months turn at midnight in California
            case
                when adjustment_type not like '%_CORRECTION'
                then null
                when
                    adjustment_type is not null
                    and date_trunc(
                        'month', {{ clock_in("usage_start_time", "'America/Los_Angeles'") }}
                    )
                    < delivery_period_start
                then 'Correction'
            end as charge_class,
            is_regular and not is_promotion as is_priced,
            -- a price needs a quantity, and money cannot be had for none
            case
                when
                    part_usage_amount_in_pricing_units is null
                    or (
                        part_usage_amount_in_pricing_units = 0
                        and (raw_cost <> 0 or raw_list_cost <> 0)
                    )
                then case when contracted_cost < 0 then -1 else 1 end
                else part_usage_amount_in_pricing_units
            end as quantity,
            part_usage_amount_in_pricing_units is null as is_without_quantity,
            transaction_type is distinct from 'GOOGLE'
            and seller_name is not null as is_sold_by_other,
            coalesce(nullif(currency_conversion_rate, 0), 1) as rate
        from charges
    ),

    priced as (
        select
            kinds.*,
            {% for cost, price in [
                ("list_cost", "price_list_price"),
                (
                    "contracted_cost",
                    "coalesce(price_effective_price_default, price_effective_price)",
                ),
            ] %}
                case
                    when not is_priced
                    then null
                    when is_unused
                    then 0
                    -- the exported price where it gives the cost to the last digit
                    when
                        {{ price }} >= 0
                        and abs(
                            cast({{ price }} as double)
                            * cast(quantity as double)
                            / cast(coalesce(nullif(price_pricing_unit_quantity, 0), 1) as double)
                            - cast({{ cost }} as double)
                        )
                        <= 1e-10
                    then
                        case
                            when coalesce(price_pricing_unit_quantity, 1) in (0, 1)
                            then {{ price }}
                            else {{ divide_money(price, "price_pricing_unit_quantity") }}
                        end
                    when sign({{ cost }}) * sign(quantity) >= 0
                    then coalesce({{ divide_money(cost, "quantity") }}, 0)
                end as {{ "list_price" if cost == "list_cost" else "contracted_price" }},
            {% endfor %}
            case
                when is_priced and charge_category = 'Usage' and not is_unused
                then coalesce(part_usage_amount, quantity)
            end as consumed_quantity
        from kinds
    ),

    final as (
        select
            priced.*,
            coalesce(by_id.service_category, by_name.service_category, 'Other') as service_category,
            coalesce(
                by_id.service_subcategory, by_name.service_subcategory, 'Other (Other)'
            ) as service_subcategory,
            coalesce(regions.region_name, priced.location_region) as region_name,
            coalesce(pricing_units.focus_unit, priced.usage_pricing_unit, 'Units') as quantity_unit,
            case
                when priced.part_usage_amount is null and priced.is_without_quantity
                then 'Units'
                when priced.part_usage_amount is null
                then coalesce(pricing_units.focus_unit, priced.usage_pricing_unit, 'Units')
                else coalesce(usage_units.focus_unit, priced.usage_unit, 'Units')
            end as consumed_unit,
            account_names.account_name as billing_account_name,
            coalesce(
                priced.project_name, project_names.account_name, priced.project_id
            ) as sub_account_name
        from priced
        left join services as by_id on priced.service_id = by_id.service_id
        left join services as by_name on priced.service_description = by_name.service_name
        left join regions on priced.location_region = regions.region_id
        left join units as pricing_units on priced.usage_pricing_unit = pricing_units.unit
        left join units as usage_units on priced.usage_unit = usage_units.unit
        left join account_names on priced.billing_account_id = account_names.account_id
        left join account_names as project_names on priced.project_id = project_names.account_id
    )

select *
from final
