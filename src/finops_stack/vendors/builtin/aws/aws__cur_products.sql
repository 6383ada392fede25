{#-
  One row per distinct product description: its name, its region, its properties as FOCUS has them.

  A bill describes its few products on every row; reading the description once per product, known
  by its 64-bit hash, spares taking a map apart on each row.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    products as (
        select
            hash(product, product_instance_type) as product_set,
            any_value(product) as product,
            any_value(product_instance_type) as instance_type
        from source
        group by hash(product, product_instance_type)
    ),

    properties as (
        select
            product_set,
            product,
            list_filter(
                [
                    {'key':'InstanceType', 'value':instance_type},
                    {'key':'CoreCount', 'value':{{ map_value("product", "'vcpu'") }}},
                    {
                        'key':'OperatingSystem',
                        'value':{{ map_value("product", "'operating_system'") }}
                    },
                    {'key':'StorageClass', 'value':{{ map_value("product", "'storage_class'") }}},
                    {'key':'DiskType', 'value':{{ map_value("product", "'volume_api_name'") }}},
                    {'key':'x_Memory', 'value':{{ map_value("product", "'memory'") }}},
                    {'key':'x_Tenancy', 'value':{{ map_value("product", "'tenancy'") }}},
                    {
                        'key':'x_DatabaseEngine',
                        'value':{{ map_value("product", "'database_engine'") }}
                    }
                ],
                lambda p:p.value is not null
            ) as known
        from products
    ),

    final as (
        select
            product_set,
            {{ map_value("product", "'product_name'") }} as product_name,
            {{ map_value("product", "'region'") }} as product_region,
            case when len(known) > 0 then map_from_entries(known) end as sku_details
        from properties
    )

select *
from final
