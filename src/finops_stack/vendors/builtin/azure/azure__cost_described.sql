{#- One row per charge, with what the bill says in its own words said in FOCUS's. -#}
{{ config(materialized="ephemeral") }}

with
    measured as (select * from {{ ref("azure__cost_measured") }}),

    things as (select * from {{ ref("azure__cost_things") }}),

    tag_sets as (select * from {{ ref("azure__cost_tags") }}),

    account_names as (select * from {{ account_names() }}),

    accounts as (
        select
            measured.*,
            regexp_extract(
                case
                    when is_two_currency
                    then
                        coalesce(
                            BillingProfileId,
                            BillingAccountId,
                            account,
                            CustomerTenantId,
                            subscription_id
                        )
                    else coalesce(BillingAccountId, account, CustomerTenantId, subscription_id)
                end,
                '([^/]+)/?$',
                1
            ) as billing_account_id,
            case
                when is_two_currency and BillingProfileId is not null
                then 'Billing Profile'
                when BillingAccountId is not null or account is not null
                then 'Billing Account'
                when CustomerTenantId is not null
                then 'Customer'
                else 'Subscription'
            end as billing_account_type
        from measured
    ),

    final as (
        select
            accounts.*,
            things.* exclude (thing),
            tag_sets.focus_tags,
            coalesce(
                case
                    when is_two_currency and BillingProfileId is not null
                    then BillingProfileName
                    else BillingAccountName
                end,
                payer_names.account_name
            ) as billing_account_name,
            coalesce(
                SubscriptionName, usage_names.account_name, subscription_id
            ) as sub_account_name,
            case
                when PublisherName in ('Microsoft Corporation', 'Microsoft')
                then 'Microsoft'
                when PublisherName is null and not is_marketplace
                then 'Microsoft'
                else PublisherName
            end as publisher_name,
            case
                when charge_category = 'Tax'
                then null
                when is_two_currency
                then coalesce(ProductId, MeterId)
                else MeterId
            end as sku_id,
            case
                when not is_priced or MeterId is null
                then null
                when is_two_currency
                then ProductId || '_' || MeterId
                else
                    concat_ws(
                        '_',
                        MeterId,
                        OfferId,
                        case
                            when role <> 'commitment'
                            then 'Consumption'
                            when commitment_type = 'Savings Plan'
                            then 'SavingsPlan'
                            else 'ReservedInstance'
                        end
                    )
            end as sku_price_id,
            case
                when regexp_matches(Term, '^[0-9]+$')
                then cast(Term as integer)
                when regexp_matches(Term, '^P[0-9]+Y$')
                then 12 * cast(regexp_extract(Term, '([0-9]+)', 1) as integer)
                when regexp_matches(Term, '^P[0-9]+M$')
                then cast(regexp_extract(Term, '([0-9]+)', 1) as integer)
            end as term_months,
            coalesce(
                ProductName, MeterName, concat_ws(', ', service_name, ChargeType)
            ) as description,
            coalesce(BenefitName, ReservationName) as commitment_name,
            case
                when commitment_id is null
                then null
                when commitment_type = 'Savings Plan'
                then 'Spend'
                else 'Usage'
            end as commitment_category,
            case
                when capacity_id is null
                then null
                when
                    resource_type_word
                    = 'microsoft.compute/capacityreservationgroups/capacityreservations'
                then 'Unused'
                else 'Used'
            end as capacity_status,
            case
                when lower(ResourceGroup) in ('others', 'not applicable')
                then null
                else lower(ResourceGroup)
            end as resource_group
        from accounts
        left join things on accounts.thing = things.thing
        left join tag_sets on accounts.Tags = tag_sets.tags
        left join account_names as usage_names on accounts.subscription_id = usage_names.account_id
        left join
            account_names as payer_names on accounts.billing_account_id = payer_names.account_id
    )

select *
from final
