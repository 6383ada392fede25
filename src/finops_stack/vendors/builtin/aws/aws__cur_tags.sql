{#-
  One row per distinct set of tags: its keys as FOCUS wants them, and what else the set tells.

  Sets are few and rows many, so keys are renamed here once, not on each row. A set is known by
  its 64-bit hash: joining on the maps themselves takes twice as long.
  Users' keys lose their prefix, AWS's own get aws:, account tags and the like keep theirs.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    sets as (
        select
            {{ hash_of(["tags", "resource_tags"]) }} as tag_set,
            any_value(tags) as all_tags,
            any_value(resource_tags) as resource_tags
        from source
        group by {{ hash_of(["tags", "resource_tags"]) }}
    ),

    -- the newer map holds all that the older one does
    delivered as (
        select
            tag_set,
            case when {{ map_size("all_tags") }} > 0 then all_tags else resource_tags end as tags
        from sets
    ),

    final as (
        select
            tag_set,
            {{
                map_renamed(
                    "tags",
                    "case when starts_with(k, 'aws_') then 'aws:' || substr(k, 5)"
                    " else regexp_replace(k, '^(resourceTags/user:|resourceTags/|user:|user_)', '')"
                    " end",
                    "not starts_with(k, 'costCategory/')",
                )
            }} as focus_tags,
            {{ map_renamed("tags", "substr(k, 14)", "starts_with(k, 'costCategory/')") }}
            as tagged_categories,
            coalesce(
                {{ map_value("tags", "'user_name'") }},
                {{ map_value("tags", "'user:Name'") }},
                {{ map_value("tags", "'resourceTags/Name'") }}
            ) as name_tag
        from delivered
    )

select *
from final
