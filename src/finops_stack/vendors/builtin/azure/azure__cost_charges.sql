{#- One row per charge: its FOCUS category, the commitment and the resource it names. -#}
{{ config(materialized="ephemeral") }}

with
    rows as (select * from {{ ref("azure__cost_rows") }}),

    kinds as (
        select
            rows.*,
            case
                when is_stray
                then 'Adjustment'
                when charge_word = 'usage' or is_unused
                then 'Usage'
                when charge_word in ('purchase', 'refund')
                then 'Purchase'
                when charge_word = 'tax'
                then 'Tax'
                when charge_word = 'credit'
                then 'Credit'
                else 'Adjustment'
            end as charge_category,
            case when charge_word = 'refund' then 'Correction' end as charge_class,
            lower(replace(Frequency, ' ', '')) as frequency_word,
            lower(coalesce(PublisherType, '')) = 'marketplace' as is_marketplace,
            -- its own id says what a commitment is, else the pricing model
            case
                when role not in ('used', 'unused', 'commitment')
                then null
                when benefit_id like '%/microsoft.billingbenefits/%'
                then 'Savings Plan'
                when benefit_id like '%/microsoft.capacity/%'
                then 'Reservation'
                when pricing_word like 'savingsplan%' or charge_word like 'unusedsaving%'
                then 'Savings Plan'
                else 'Reservation'
            end as commitment_type,
            nullif(
                lower(regexp_replace(SubscriptionId, '^/subscriptions/', '')),
                '00000000-0000-0000-0000-000000000000'
            ) as subscription_id,
            lower(coalesce(Location, ResourceLocationNormalized, ResourceLocation)) as location_word
        from rows
    ),

    resources as (
        select
            kinds.*,
            case when commitment_type is not null then benefit_id end as commitment_id,
            case
                when charge_category = 'Usage'
                then case when is_unused then 'Unused' when role = 'used' then 'Used' end
            end as commitment_status,
            case
                when role in ('unused', 'commitment') then benefit_id else lower(ResourceId)
            end as resource,
            role in ('unused', 'commitment') and commitment_type = 'Reservation' as is_reserved,
            case
                when frequency_word = 'recurring'
                then 'Recurring'
                when frequency_word = 'usagebased' and charge_category <> 'Purchase'
                then 'Usage-Based'
                when frequency_word = 'onetime'
                then 'One-Time'
                when charge_category = 'Usage'
                then 'Usage-Based'
                when role = 'commitment'
                then 'Recurring'
                else 'One-Time'
            end as charge_frequency,
            case
                when charge_category not in ('Usage', 'Purchase')
                then null
                when role in ('used', 'unused')
                then 'Committed'
                when pricing_word = 'spot'
                then 'Dynamic'
                else 'Standard'
            end as pricing_category
        from kinds
    ),

    final as (
        select
            resources.*,
            {{
                hash_of(
                    [
                        "resource",
                        "ResourceName",
                        "ResourceType",
                        "ConsumedService",
                        "MeterCategory",
                        "ProductName",
                        "PublisherName",
                        "location_word",
                        "is_marketplace",
                        "is_reserved",
                    ]
                )
            }} as thing
        from resources
    )

select *
from final
