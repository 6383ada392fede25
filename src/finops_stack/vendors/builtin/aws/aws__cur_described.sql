{#- One row per charge, with what the bill says in its own words said in FOCUS's: service, region … -#}
{{ config(materialized="ephemeral") }}

with
    priced as (select * from {{ ref("aws__cur_priced") }}),

    tag_sets as (select * from {{ ref("aws__cur_tags") }}),

    products as (select * from {{ ref("aws__cur_products") }}),

    services as (select * from {{ vocabulary("aws", "services") }}),

    regions as (select * from {{ vocabulary("aws", "regions") }}),

    account_names as (select * from {{ account_names() }}),

    words as (
        select
            priced.*,
            products.product_name,
            products.sku_details,
            bill_billing_entity is not distinct from 'AWS Marketplace' as is_marketplace,
            case
                when
                    line_item_product_code = 'AmazonEC2'
                    and (
                        contains(coalesce(line_item_usage_type, ''), 'EBS:')
                        or coalesce(product_product_family, '') in (
                            'Storage',
                            'Storage Snapshot',
                            'System Operation',
                            'Provisioned Throughput'
                        )
                    )
                then 'AmazonEBS'
                when bill_billing_entity is distinct from 'AWS Marketplace'
                then line_item_product_code
            end as service_word,
            coalesce(
                product_region_code,
                products.product_region,
                product_from_region_code,
                rtrim(line_item_availability_zone, 'abcdefghijklmnopqrstuvwxyz')
            ) as region_word,
            case
                when commitment_id is not null and commitment_status is distinct from 'Used'
                then commitment_id
                else line_item_resource_id
            end as resource_id
        from priced
        left join products on priced.product_set = products.product_set
    ),

    final as (
        select
            words.*,
            -- one name has one category, so block storage is not named after EC2
            case
                when service_word = 'AmazonEBS' and line_item_product_code = 'AmazonEC2'
                then services.service_name
                when line_item_line_item_type = 'residue'
                then 'Savings Plans and reservations'
                else coalesce(product_name, line_item_product_code, 'AWS')
            end as service_name,
            coalesce(services.service_category, 'Other') as service_category,
            coalesce(services.service_subcategory, 'Other (Other)') as service_subcategory,
            case
                when lower(region_word) not in ('global', 'any') or region_word is null
                then coalesce(regions.region_id, region_word)
            end as region_id,
            case
                when lower(region_word) not in ('global', 'any') or region_word is null
                then coalesce(regions.region_name, region_word)
            end as region_name,
            case
                when right(line_item_availability_zone, 1) between 'a' and 'z'
                then line_item_availability_zone
            end as availability_zone,
            case
                when resource_id is null
                then null
                when resource_id like 'arn:%:s3:::%'
                then 'bucket'
                when starts_with(resource_id, 'arn:')
                then nullif(regexp_extract(resource_id, '^arn:(?:[^:]*:){4}/?([^:/]+)[:/]', 1), '')
                else
                    case
                        split_part(resource_id, '-', 1)
                        when 'i'
                        then 'instance'
                        when 'vol'
                        then 'volume'
                        when 'snap'
                        then 'snapshot'
                        when 'eni'
                        then 'network-interface'
                        when 'nat'
                        then 'natgateway'
                    end
            end as resource_word,
            nullif(
                case when resource_id = line_item_resource_id then tag_sets.name_tag end,
                resource_id
            ) as resource_name,
            tag_sets.focus_tags,
            case
                when cardinality(cost_category) > 0
                then cost_category
                else tag_sets.tagged_categories
            end as focus_categories,
            coalesce(
                line_item_usage_account_name, usage_names.account_name, line_item_usage_account_id
            ) as sub_account_name,
            coalesce(bill_payer_account_name, payer_names.account_name) as payer_name,
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
        left join services on words.service_word = services.product_code
        left join
            regions
            on coalesce(words.region_word, split_part(words.line_item_usage_type, '-', 1))
            = regions.word
        left join
            account_names as usage_names
            on words.line_item_usage_account_id = usage_names.account_id
        left join
            account_names as payer_names on words.bill_payer_account_id = payer_names.account_id
    )

select *
from final
