{#-
  One row per distinct thing billed, as rows describe it: service, region, unit, SKU properties.

  A bill has thousands of those and millions of rows, so words are looked up here once, not on each
  row. A description is known by its 64-bit hash, over the same columns as in aws__cur_metered and
  aws__cur_fees.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    services as (select * from {{ vocabulary("aws", "services") }}),

    regions as (select * from {{ vocabulary("aws", "regions") }}),

    units as (select * from {{ vocabulary("aws", "units") }}),

    items as (
        select
            {{
                hash_of(
                    [
                        "product",
                        "product_instance_type",
                        "product_product_family",
                        "product_region_code",
                        "product_from_region_code",
                        "bill_billing_entity",
                        "line_item_product_code",
                        "line_item_usage_type",
                        "line_item_availability_zone",
                        "pricing_unit",
                    ]
                )
            }} as item,
            any_value(product) as product,
            any_value(product_instance_type) as instance_type,
            any_value(product_product_family) as family,
            any_value(product_region_code) as region_code,
            any_value(product_from_region_code) as from_region_code,
            any_value(bill_billing_entity) as billing_entity,
            any_value(line_item_product_code) as product_code,
            any_value(line_item_usage_type) as usage_type,
            any_value(line_item_availability_zone) as zone,
            any_value(pricing_unit) as pricing_unit
        from source
        group by item
    ),

    words as (
        select
            items.*,
            coalesce(billing_entity = 'AWS Marketplace', false) as is_marketplace,
            coalesce(
                product_code = 'AmazonEC2'
                and (
                    contains(usage_type, 'EBS:')
                    or family
                    in ('Storage', 'Storage Snapshot', 'System Operation', 'Provisioned Throughput')
                ),
                false
            ) as is_block_storage,
            coalesce(
                region_code,
                {{ map_value("product", "'region'") }},
                from_region_code,
                rtrim(zone, 'abcdefghijklmnopqrstuvwxyz')
            ) as region_word,
            {{
                map_of(
                    [
                        ("'InstanceType'", "instance_type"),
                        ("'CoreCount'", map_value("product", "'vcpu'")),
                        ("'OperatingSystem'", map_value("product", "'operating_system'")),
                        ("'StorageClass'", map_value("product", "'storage_class'")),
                        ("'DiskType'", map_value("product", "'volume_api_name'")),
                        ("'x_Memory'", map_value("product", "'memory'")),
                        ("'x_Tenancy'", map_value("product", "'tenancy'")),
                        ("'x_DatabaseEngine'", map_value("product", "'database_engine'")),
                    ]
                )
            }} as sku_details
        from items
    ),

    final as (
        select
            words.item,
            words.is_marketplace,
            -- one name has one category, so EC2's disks are not named after EC2
            case
                when words.is_block_storage
                then services.service_name
                else
                    coalesce({{ map_value("words.product", "'product_name'") }}, words.product_code)
            end as service_name,
            coalesce(services.service_category, 'Other') as service_category,
            coalesce(services.service_subcategory, 'Other (Other)') as service_subcategory,
            case
                when lower(words.region_word) in ('global', 'any')
                then null
                else coalesce(regions.region_id, words.region_word)
            end as region_id,
            case
                when lower(words.region_word) in ('global', 'any')
                then null
                else coalesce(regions.region_name, words.region_word)
            end as region_name,
            -- some rows have a region where a zone should be
            case when right(words.zone, 1) between 'a' and 'z' then words.zone end as zone,
            coalesce(units.focus_unit, words.pricing_unit, 'Units') as unit,
            words.sku_details
        from words
        left join
            services
            on case
                when words.is_block_storage
                then 'AmazonEBS'
                when not words.is_marketplace
                then words.product_code
            end
            = services.product_code
        left join
            regions
            on coalesce(words.region_word, split_part(words.usage_type, '-', 1)) = regions.word
        left join units on words.pricing_unit = units.pricing_unit
    )

select *
from final
