{#-
  One row per charge, with quantity, unit, prices, list and contracted cost.

  A price that is empty, or 0 where the cost is not, is missing. Where price × quantity does not
  give the row's cost, the prices are not used and all costs are the cost.
-#}
{{ config(materialized="ephemeral") }}

with
    charges as (select * from {{ ref("azure__cost_charges") }}),

    units as (select * from {{ ref("azure__cost_units") }}),

    quantities as (
        select
            charges.*,
            pricing_category is not null as is_priced,
            coalesce(Quantity, case when sign(cost) < 0 then -1 else 1 end) as quantity_or_one,
            -- hours, though the unit counts them by the hundred
            coalesce(
                MeterCategory = 'Virtual Machines' and units.unit = 'Hours', false
            ) as is_hours,
            units.block,
            units.block_word,
            coalesce(units.unit, 'Units') as unit,
            case
                when not is_two_currency
                then 1
                when nullif(ExchangeRatePricingToBilling, 0) is not null
                then ExchangeRatePricingToBilling
                when PricingCurrency = BillingCurrency
                then 1
                else {{ divide_money("cost", "CostInPricingCurrency") }}
            end as rate,
            case
                when is_two_currency then coalesce(CostInPricingCurrency, cost) else cost
            end as priced_cost
        from charges
        left join units on charges.UnitOfMeasure = units.unit_of_measure
    ),

    prices as (
        select
            quantities.*,
            case
                when is_two_currency
                then coalesce(PricingCurrency, BillingCurrency)
                else BillingCurrency
            end as pricing_currency,
            cast(quantity_or_one as double) as quantity_double,
            cast(rate as double) as rate_double,
            cast(cost as double) as cost_double,
            case when PayGPrice > 0 or (PayGPrice = 0 and cost = 0) then PayGPrice end as list_unit,
            case
                when UnitPrice > 0 or (UnitPrice = 0 and cost = 0) then UnitPrice
            end as contracted_unit,
            case
                when nullif(EffectivePrice, 0) is null
                then sign(priced_cost) * sign(quantity_or_one) >= 0
                else
                    abs(
                        cast(EffectivePrice as double) * cast(quantity_or_one as double)
                        - cast(priced_cost as double)
                    )
                    <= greatest(0.000001, 0.00001 * abs(cast(priced_cost as double)))
            end as holds
        from quantities
    ),

    doubles as (
        select
            prices.*,
            cast(list_unit as double) * quantity_double * rate_double as list_double,
            cast(contracted_unit as double) * quantity_double * rate_double as contracted_double,
            is_priced and not is_unused and holds as is_judged
        from prices
    ),

    -- the cost itself where price × quantity is it, to the ninth digit
    products as (
        select
            doubles.*,
            {% for name in ["list", "contracted"] %}
                case
                    when abs({{ name }}_double - cost_double) <= abs(cost_double) * 1e-9
                    then cost
                    else {{ product_of(name ~ "_double", "1") }}
                end as {{ name }}_unit_cost,
            {% endfor %}
        from doubles
    ),

    contracted as (
        select
            products.*,
            case
                when is_unused or is_other_half
                then 0
                when is_judged
                then coalesce(contracted_unit_cost, cost)
                else cost
            end as contracted_cost
        from products
    ),

    final as (
        select
            contracted.*,
            case
                when is_unused or is_other_half
                then 0
                when is_judged
                then coalesce(nullif(PaygCostInBillingCurrency, 0), list_unit_cost, contracted_cost)
                else cost
            end as list_cost,
            case
                when is_unused
                then null
                when is_priced and not holds
                then 'price × quantity is not the cost'
                when is_judged and coalesce(contracted_unit_cost, list_unit_cost) is null
                then 'no prices: ListCost and ContractedCost are the cost'
                when is_judged and contracted_unit_cost is null
                then 'no contracted price: ContractedCost is the cost'
                when
                    is_judged
                    and list_unit_cost is null
                    and nullif(PaygCostInBillingCurrency, 0) is null
                then 'no list price: ListCost is ContractedCost'
            end as cost_remark
        from contracted
    )

select *
from final
