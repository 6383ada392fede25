{#- One row per charge of Microsoft's own FOCUS export, with ids, names and words put right. -#}
{{ config(materialized="ephemeral") }}

with
    priced as (select * from {{ ref("azure__export_priced") }}),

    tag_sets as (select * from {{ ref("azure__cost_tags") }}),

    services as (
        select
            service_name,
            any_value(service_category) as service_category,
            any_value(service_subcategory) as service_subcategory
        from {{ vocabulary("azure", "services") }}
        group by service_name
    ),

    account_names as (select * from {{ account_names() }}),

    words as (
        select
            priced.*,
            tag_sets.focus_tags,
            regexp_extract(BillingAccountId, '([^/]+)/?$', 1) as account_id,
            nullif(
                lower(regexp_extract(SubAccountId, '([^/]+)/?$', 1)),
                '00000000-0000-0000-0000-000000000000'
            ) as subscription_id,
            coalesce(
                lower(ResourceId),
                case when is_unused or is_commitment_purchase then commitment_id end
            ) as resource,
            case
                when PublisherName = 'Microsoft Corporation'
                then 'Microsoft'
                when PublisherName is null and not is_marketplace
                then 'Microsoft'
                else PublisherName
            end as publisher_name,
            coalesce(
                ServiceName,
                case when is_marketplace then PublisherName end,
                x_SkuMeterSubcategory,
                PublisherName,
                'Azure'
            ) as service_name
        from priced
        left join tag_sets on priced.Tags = tag_sets.tags
    ),

    final as (
        select
            words.*,
            coalesce(ServiceCategory, services.service_category, 'Other') as service_category,
            case
                when ServiceSubcategory = 'Quantum'
                then 'Quantum Compute'
                when ServiceCategory = 'Migration' and ServiceSubcategory = 'Data Transfer'
                then 'Data Migration'
                when ServiceSubcategory is not null
                then ServiceSubcategory
                when
                    coalesce(ServiceCategory, services.service_category) = services.service_category
                then services.service_subcategory
                else 'Other (' || coalesce(ServiceCategory, 'Other') || ')'
            end as service_subcategory,
            coalesce(BillingAccountName, payer_names.account_name) as billing_account_name,
            coalesce(
                BillingAccountType,
                case
                    when BillingAccountId ilike '%/billingprofiles/%'
                    then 'Billing Profile'
                    else 'Billing Account'
                end
            ) as billing_account_type,
            coalesce(SubAccountName, usage_names.account_name, subscription_id) as sub_account_name,
            case
                when ChargeFrequency = 'Usage-Based' and ChargeCategory <> 'Purchase'
                then 'Usage-Based'
                when ChargeFrequency in ('Recurring', 'One-Time')
                then ChargeFrequency
                when is_commitment_purchase
                then 'Recurring'
                when ChargeCategory = 'Usage'
                then 'Usage-Based'
                else 'One-Time'
            end as charge_frequency,
            case
                when not is_priced
                then null
                when is_commitment_purchase
                then 'Standard'
                else coalesce(PricingCategory, 'Standard')
            end as pricing_category,
            case
                when capacity_id is null
                then null
                when
                    lower(x_ResourceType)
                    = 'microsoft.compute/capacityreservationgroups/capacityreservations'
                then 'Unused'
                else 'Used'
            end as capacity_status
        from words
        left join services on words.service_name = services.service_name
        left join account_names as usage_names on words.subscription_id = usage_names.account_id
        left join account_names as payer_names on words.account_id = payer_names.account_id
    )

select *
from final
