{#- One row per distinct AdditionalInfo: properties of the SKU, capacity reservation, size ratio. -#}
{{ config(materialized="ephemeral") }}

{%- set focus_key -%}
    case
        when e.key in ('VCPUs', 'VCores')
        then 'CoreCount'
        when e.key in ('ServiceType', 'ServerSku')
        then 'InstanceType'
        when e.key = 'ImageType'
        then 'OperatingSystem'
        else 'x_' || e.key
    end
{%- endset %}

with
    source as (
        select distinct AdditionalInfo as additional_info
        from {{ bill_rows() }}
        where AdditionalInfo is not null
    ),

    parsed as (select additional_info, {{ json_map("additional_info") }} as details from source),

    listed as (select parsed.*, {{ map_records("details", focus_key) }} as properties from parsed),

    final as (
        select
            additional_info,
            lower(
                nullif({{ map_value("details", "'VMCapacityReservationId'") }}, '')
            ) as capacity_id,
            try_cast(
                {{ map_value("details", "'RINormalizationRatio'") }} as decimal(38, 15)
            ) as size_ratio,
            case
                when {{ records_count("properties") }} > 0
                then {{ records_map("properties", "k", "v") }}
            end as sku_details
        from listed
    )

select *
from final
