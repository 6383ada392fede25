{#- One row per charge, with what the bill says in its own words said in FOCUS's: account, tags … -#}
{{ config(materialized="ephemeral") }}

with
    priced as (select * from {{ ref("aws__cur_priced") }}),

    tag_sets as (select * from {{ ref("aws__cur_tags") }}),

    account_names as (select * from {{ account_names() }}),

    resources as (
        select
            priced.*,
            case
                when commitment_id is not null and commitment_status is distinct from 'Used'
                then commitment_id
                else line_item_resource_id
            end as resource_id
        from priced
    ),

    words as (
        select
            resources.*,
            -- arn:partition:service:region:account:type/id, or :type:id, or the id alone
            case when starts_with(resource_id, 'arn:') then resource_id end as arn
        from resources
    ),

    final as (
        select
            words.*,
            case
                when resource_id is null
                then null
                when starts_with(resource_id, 'i-')
                then 'instance'
                when starts_with(resource_id, 'vol-')
                then 'volume'
                when starts_with(resource_id, 'snap-')
                then 'snapshot'
                when starts_with(resource_id, 'eni-')
                then 'network-interface'
                when starts_with(resource_id, 'nat-')
                then 'natgateway'
                when arn like 'arn:%:s3:::%'
                then 'bucket'
                when starts_with(split_part(arn, ':', 6), '/')
                then split_part(split_part(arn, ':', 6), '/', 2)
                when contains(split_part(arn, ':', 6), '/')
                then split_part(split_part(arn, ':', 6), '/', 1)
                when split_part(arn, ':', 7) <> ''
                then split_part(arn, ':', 6)
                else coalesce(product_product_family, line_item_product_code)
            end as resource_type,
            nullif(
                case when resource_id = line_item_resource_id then tag_sets.name_tag end,
                resource_id
            ) as resource_name,
            tag_sets.focus_tags,
            case
                when {{ map_size("cost_category") }} > 0
                then cost_category
                else tag_sets.tagged_categories
            end as focus_categories,
            coalesce(
                line_item_usage_account_name, usage_names.account_name, line_item_usage_account_id
            ) as sub_account_name,
            coalesce(
                bill_invoicing_entity,
                case when is_marketplace then bill_billing_entity else line_item_legal_entity end,
                bill_billing_entity,
                'AWS'
            ) as invoice_issuer,
            -- a correction of a month that was invoiced before, not of this one
            case
                when
                    line_item_usage_start_date
                    < coalesce(bill_billing_period_start_date, delivery_period_start)
                    and (
                        line_item_line_item_type in ('Refund', 'Credit')
                        or bill_bill_type = 'Refund'
                    )
                then 'Correction'
            end as charge_class,
            case
                when is_marketplace
                then coalesce(line_item_legal_entity, 'AWS Marketplace')
                else 'AWS'
            end as service_provider,
            case
                when capacity_reservation_capacity_reservation_arn is null
                then null
                when capacity_reservation_capacity_reservation_status in ('Used', 'Unused')
                then capacity_reservation_capacity_reservation_status
                when regexp_matches(line_item_usage_type, 'UnusedBox|UnusedDed')
                then 'Unused'
            end as capacity_status
        from words
        left join tag_sets on words.tag_set = tag_sets.tag_set
        left join
            account_names as usage_names
            on words.line_item_usage_account_id = usage_names.account_id
    )

select *
from final
