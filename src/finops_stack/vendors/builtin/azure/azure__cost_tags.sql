{#- One row per distinct text of tags. -#}
{{ config(materialized="ephemeral") }}

with
    source as (select distinct Tags as tags from {{ bill_rows() }} where Tags is not null),

    parsed as (select tags, {{ json_map("tags") }} as tag_map from source),

    final as (select tags, {{ map_if("true", "tag_map") }} as focus_tags from parsed)

select *
from final
