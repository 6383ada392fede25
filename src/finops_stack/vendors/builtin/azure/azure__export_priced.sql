{#- One row per charge of Microsoft's own FOCUS export, with unit prices and commitment quantity. -#}
{{ config(materialized="ephemeral") }}

with
    repaired as (select * from {{ ref("azure__export_repaired") }}),

    details as (select * from {{ ref("azure__cost_details") }}),

    priced as (
        select
            repaired.*,
            details.capacity_id,
            details.size_ratio,
            details.sku_details,
            coalesce(consumed_quantity, quantity) as single_quantity,
            lower(CommitmentDiscountId) as commitment_id,
            {% for cost, price, name in [
                ("list_cost", "ListUnitPrice", "list_price"),
                ("contracted_cost", "ContractedUnitPrice", "contracted_price"),
            ] %}
                case
                    when not is_priced
                    then null
                    when is_unused
                    then 0
                    when
                        {{ price }} > 0
                        and abs(
                            cast({{ price }} as double) * cast(quantity as double)
                            - cast({{ cost }} as double)
                        )
                        <= 1e-9 * abs(cast({{ cost }} as double))
                    then {{ price }}
                    when {{ price }} >= 0 and {{ cost }} = 0
                    then 0
                    -- a price that does not give the cost: what was paid for one
                    when {{ price }} > 0 and sign({{ cost }}) * sign(quantity) > 0
                    then {{ divide_money(cost, "quantity") }}
                end as {{ name }},
            {% endfor %}
            case
                when is_single then unit else cast(cast(block as bigint) as varchar) || ' ' || unit
            end as pricing_unit
        from repaired
        left join details on repaired.AdditionalInfo = details.additional_info
    ),

    final as (
        select
            priced.*,
            case
                when commitment_id is null
                then null
                when CommitmentDiscountCategory = 'Spend'
                then {{ divide_money("own_cost", "rate") }}
                when size_ratio <> 1
                then {{ product_of("single_quantity", "size_ratio") }}
                else single_quantity
            end as commitment_quantity,
            case
                when commitment_id is null
                then null
                when CommitmentDiscountCategory = 'Spend'
                then coalesce(PricingCurrency, BillingCurrency)
                when size_ratio <> 1
                then 'Normalized ' || unit
                else unit
            end as commitment_unit,
            case
                when rate = 1 then effective_cost else {{ divide_money("effective_cost", "rate") }}
            end as pricing_currency_effective_cost,
            case
                when rate = 1 then list_price else {{ divide_money("list_price", "rate") }}
            end as pricing_currency_list_price,
            case
                when rate = 1
                then contracted_price
                else {{ divide_money("contracted_price", "rate") }}
            end as pricing_currency_contracted_price
        from priced
    )

select *
from final
