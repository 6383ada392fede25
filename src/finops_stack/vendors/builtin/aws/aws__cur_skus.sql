{#- One row per SKU: its properties, FOCUS's keys first. A property is null where any row lacks it. -#}
{{ config(materialized='ephemeral') }}

with
    source as (select * from {{ bill_rows() }}),

    skus as (
        select
            product_sku,
            [
                {'key': 'InstanceType', 'value': max(product_instance_type)},
                {'key': 'CoreCount', 'value': max({{ map_value('product', "'vcpu'") }})},
                {'key': 'OperatingSystem', 'value': max({{ map_value('product', "'operating_system'") }})},
                {'key': 'StorageClass', 'value': max({{ map_value('product', "'storage_class'") }})},
                {'key': 'DiskType', 'value': max({{ map_value('product', "'volume_api_name'") }})},
                {'key': 'x_Memory', 'value': max({{ map_value('product', "'memory'") }})},
                {'key': 'x_Tenancy', 'value': max({{ map_value('product', "'tenancy'") }})},
                {'key': 'x_DatabaseEngine', 'value': max({{ map_value('product', "'database_engine'") }})}
            ] as properties
        from source
        where product_sku is not null
        group by product_sku
    ),

    known as (
        select product_sku, list_filter(properties, lambda p: p.value is not null) as properties
        from skus
    ),

    final as (
        select
            product_sku,
            case when len(properties) > 0 then map_from_entries(properties) end as details
        from known
    )

select *
from final
