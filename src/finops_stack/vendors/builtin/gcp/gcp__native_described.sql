{#-
  One row per row of Google's FOCUS table or view, with what FOCUS asks for and Google leaves out.
-#}
{{ config(materialized="ephemeral") }}

with
    repaired as (select * from {{ ref("gcp__native_repaired") }}),

    services as (select * from {{ vocabulary("gcp", "services") }}),

    regions as (select * from {{ vocabulary("gcp", "regions") }}),

    units as (select * from {{ vocabulary("gcp", "units") }}),

    account_names as (select * from {{ account_names() }}),

    described as (
        select
            repaired.*,
            {% for cost, price in [
                ("list_cost", "ListUnitPrice"),
                ("contracted_cost", "ContractedUnitPrice"),
            ] %}
                case
                    when not is_priced
                    then null
                    -- the delivered price where it gives the cost to the last digit
                    when
                        {{ price }} >= 0
                        and abs(
                            cast({{ price }} as double) * cast(quantity as double)
                            - cast({{ cost }} as double)
                        )
                        <= 1e-10
                    then {{ price }}
                    when sign({{ cost }}) * sign(quantity) >= 0
                    then coalesce({{ divide_money(cost, "quantity") }}, 0)
                end as {{ "list_price" if cost == "list_cost" else "contracted_price" }},
            {% endfor %}
            case
                when not is_committed
                then null
                when {{ record_at("commitment_credits", 0, "Type") }} = 'COMMITTED_USAGE_DISCOUNT'
                then 'Usage'
                when ChargeDescription like 'Commitment v1%'
                then 'Usage'
                else 'Spend'
            end as commitment_category,
            case
                when is_committed
                then
                    coalesce(
                        instance_id,
                        {{ record_at("commitment_credits", 0, "Id") }},
                        {{ record_at("commitment_credits", 0, "FullName") }},
                        {{ record_at("commitment_credits", 0, "Name") }},
                        case when is_in_model then x_ConsumptionModelId end,
                        SkuId
                    )
            end as commitment_id,
            coalesce(
                {{ record_at("commitment_credits", 0, "FullName") }},
                {{ record_at("commitment_credits", 0, "Name") }},
                case when is_in_model then x_ConsumptionModelDescription end
            ) as commitment_name,
            coalesce(by_id.service_category, by_name.service_category, 'Other') as service_category,
            coalesce(
                by_id.service_subcategory, by_name.service_subcategory, 'Other (Other)'
            ) as service_subcategory,
            coalesce(regions.region_name, repaired.RegionName, repaired.RegionId) as region_name,
            coalesce(pricing_units.focus_unit, repaired.PricingUnit, 'Units') as pricing_unit,
            coalesce(consumed_units.focus_unit, repaired.ConsumedUnit, 'Units') as consumed_unit,
            coalesce(nullif(repaired.x_CurrencyConversionRate, 0), 1) as rate,
            {{ records_sum("commitment_credits", "Amount") }} as commitment_credit,
            account_names.account_name as billing_account_name,
            coalesce(x_ProjectName, SubAccountName, project_id) as sub_account_name
        from repaired
        left join services as by_id on repaired.x_ServiceId = by_id.service_id
        left join services as by_name on repaired.ServiceName = by_name.service_name
        left join regions on repaired.RegionId = regions.region_id
        left join units as pricing_units on repaired.PricingUnit = pricing_units.unit
        left join units as consumed_units on repaired.ConsumedUnit = consumed_units.unit
        left join account_names on repaired.BillingAccountId = account_names.account_id
    ),

    final as (
        select
            described.*,
            -- rows are not split here, so a row's whole quantity counts
            case
                when commitment_id is null
                then null
                when commitment_category = 'Usage'
                then quantity
                when is_fee
                then {{ divide_money("contracted_cost", "rate") }}
                when is_in_model
                then {{ divide_money("effective_cost", "rate") }}
                else {{ divide_money("-commitment_credit", "rate") }}
            end as commitment_quantity,
            case
                commitment_category when 'Usage' then pricing_unit when 'Spend' then 'USD'
            end as commitment_unit,
            case
                when charge_category <> 'Tax' and SkuId is not null
                then
                    case
                        when is_fee
                        then ChargeDescription
                        else regexp_replace(ChargeDescription, ' (running )?in [A-Z].*$', '')
                    end
            end as sku_meter,
            case
                commitment_category
                when 'Usage'
                then 'Resource-based CUD'
                when 'Spend'
                then 'Spend-based CUD'
            end as commitment_type,
            case
                when is_fee and commitment_id is not null
                then 'Commitment'
                when ResourceId like '//%/%/%'
                then split_part(ResourceId, '/', 3) || '/' || split_part(ResourceId, '/', -2)
                when ResourceId is not null
                then ServiceName
            end as resource_type,
            case
                when not is_priced
                then null
                when is_covered
                then 'Committed'
                when is_fee or lower(PricingCategory) = 'committed'
                then 'Standard'
                when lower(PricingCategory) = 'dynamic'
                then 'Dynamic'
                when lower(PricingCategory) = 'other'
                then 'Other'
                else 'Standard'
            end as pricing_category
        from described
    )

select *
from final
