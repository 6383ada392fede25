{#-
  One row per charge, with the texts and ids that are put together from several columns.
-#}
{{ config(materialized="ephemeral") }}

with
    labelled as (select * from {{ ref("gcp__export_labelled") }}),

    final as (
        select
            labelled.*,
            case
                when invoice_publisher_type = 'PARTNER'
                then coalesce(seller_name, 'Google Cloud')
                else 'Google Cloud'
            end as invoice_issuer,
            case
                charge_category
                when 'Usage'
                then 'Usage-Based'
                when 'Purchase'
                then 'Recurring'
                else 'One-Time'
            end as charge_frequency,
            case
                commitment_category
                when 'Usage'
                then 'Resource-based CUD'
                when 'Spend'
                then 'Spend-based CUD'
            end as commitment_type,
            case when is_sold_by_other then seller_name else 'Google Cloud' end as publisher_name,
            coalesce(usage_start_time, delivery_period_start) as charge_start,
            -- a charge of a moment still has a period
            greatest(
                coalesce(usage_end_time, delivery_period_end),
                coalesce(usage_start_time, delivery_period_start) + interval 1 second
            ) as charge_end,
            case
                when is_promotion
                then
                    coalesce(
                        {{ record_at("promotions", "(part - 2)", "full_name") }},
                        {{ record_at("promotions", "(part - 2)", "name") }},
                        sku_description
                    )
                else coalesce(sku_description, adjustment_description, service_description)
            end as charge_description,
            case
                when is_promotion then {{ record_at("promotions", "(part - 2)", "type") }}
            end as credit_type,
            {{ records_json("credits") }} as credit_list,
            case
                when not is_priced
                then null
                when is_unused or is_used
                then 'Committed'
                when role = 'fee'
                then 'Standard'
                when sku_description like '%Spot%' or sku_description like '%Preemptible%'
                then 'Dynamic'
                else 'Standard'
            end as pricing_category,
            case when currency_conversion_rate > 0 then 'USD' else currency end as pricing_currency,
            coalesce(service_description, service_id, 'Google Cloud') as service_name,
            case
                when charge_category <> 'Tax'
                then
                    coalesce(
                        sku_id, case when is_priced then coalesce(sku_description, service_id) end
                    )
            end as sku,
            case
                when is_priced
                then
                    concat_ws(
                        '/',
                        coalesce(sku_id, sku_description, service_id),
                        {{ money_text("price_tier_start_amount") }},
                        consumption_model_id
                    )
            end as sku_price,
            case
                when role = 'fee'
                then sku_description
                else regexp_replace(sku_description, ' (running )?in [A-Z].*$', '')
            end as sku_meter,
            case
                when commitment_category = 'Spend'
                then 'USD'
                when family = 'core'
                then 'Core-Hours'
                when family = 'memory'
                then 'GiB-Hours'
                else quantity_unit
            end as commitment_unit
        from labelled
    )

select *
from final
