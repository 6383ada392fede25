{#-
  One row per distinct thing charged for, as rows describe it: service, resource, region.

  A bill has thousands of those and millions of rows, so words are looked up here once, not on each
  row. A description is known by its hash, over the same columns as in azure__cost_charges.
-#}
{{ config(materialized="ephemeral") }}

with
    rows as (select * from {{ ref("azure__cost_charges") }}),

    services as (select * from {{ vocabulary("azure", "services") }}),

    regions as (select * from {{ vocabulary("azure", "regions") }}),

    resource_types as (select * from {{ vocabulary("azure", "resource_types") }}),

    things as (
        select
            thing,
            any_value(resource) as resource_id,
            any_value(ResourceName) as resource_name,
            lower(any_value(ResourceType)) as delivered_type,
            lower(any_value(ConsumedService)) as consumed_service,
            any_value(MeterCategory) as meter_category,
            any_value(ProductName) as product_name,
            any_value(PublisherName) as publisher_name,
            any_value(location_word) as location_word,
            any_value(is_marketplace) as is_marketplace,
            any_value(is_reserved) as is_reserved
        from rows
        group by thing
    ),

    -- …/providers/microsoft.sql/servers/s1/databases/d1 → microsoft.sql/servers/databases
    parsed as (
        select
            things.*,
            coalesce(
                rtrim(
                    regexp_replace(
                        nullif(regexp_extract(resource_id, '^.*/providers/([^/]+/.+)$', 1), ''),
                        '^([^/]+)/([^/]+)(?:/[^/]*)?(?:/([^/]+)/[^/]+)?(?:/([^/]+)/[^/]+)?(?:/.*)?$',
                        '\1/\2/\3/\4'
                    ),
                    '/'
                ),
                delivered_type
            ) as resource_type,
            nullif(regexp_extract(resource_id, '([^/]+)/?$', 1), '') as last_segment
        from things
    ),

    -- what is reserved gives a reservation's category; else the resource goes before the meter
    served as (
        select
            parsed.*,
            case
                when is_marketplace
                then coalesce(publisher_name, product_name, 'Azure Marketplace')
                when is_reserved and by_meter.service_name is not null
                then by_meter.service_name
                else
                    coalesce(
                        by_pair.service_name,
                        by_type.service_name,
                        by_consumed.service_name,
                        by_meter.service_name,
                        parsed.meter_category,
                        parsed.consumed_service,
                        parsed.publisher_name,
                        'Azure'
                    )
            end as service_name
        from parsed
        left join
            services as by_pair
            on parsed.consumed_service = by_pair.consumed_service
            and parsed.resource_type = by_pair.resource_type
        left join
            services as by_type
            on by_type.consumed_service is null
            and parsed.resource_type = by_type.resource_type
        left join
            services as by_consumed
            on by_consumed.resource_type is null
            and parsed.consumed_service = by_consumed.consumed_service
        left join services as by_meter on lower(parsed.meter_category) = by_meter.meter_category
    ),

    -- one name has one category, wherever the name comes from
    categories as (
        select
            service_name,
            any_value(service_category) as service_category,
            any_value(service_subcategory) as service_subcategory
        from services
        group by service_name
    ),

    final as (
        select
            served.thing,
            served.service_name,
            coalesce(categories.service_category, 'Other') as service_category,
            coalesce(categories.service_subcategory, 'Other (Other)') as service_subcategory,
            served.resource_id,
            case
                when served.resource_id is not null
                then lower(coalesce(served.resource_name, served.last_segment))
            end as resource_name,
            case
                when served.resource_id is not null
                then
                    coalesce(resource_types.display_name, served.resource_type, served.service_name)
            end as resource_type,
            served.resource_type as resource_type_word,
            coalesce(regions.region_id, served.location_word) as region_id,
            coalesce(regions.region_name, served.location_word) as region_name
        from served
        left join categories on served.service_name = categories.service_name
        left join resource_types on served.resource_type = resource_types.resource_type
        left join regions on served.location_word = regions.word
    )

select *
from final
