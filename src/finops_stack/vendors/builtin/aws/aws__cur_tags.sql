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
            hash(tags, resource_tags) as tag_set,
            any_value(tags) as all_tags,
            any_value(resource_tags) as resource_tags
        from source
        group by hash(tags, resource_tags)
    ),

    -- the newer map holds all that the older one does
    delivered as (
        select
            tag_set,
            case when cardinality(all_tags) > 0 then all_tags else resource_tags end as tags
        from sets
    ),

    keys as (
        select
            tag_set,
            tags,
            list_sort(
                list_filter(map_keys(tags), lambda k: not starts_with(k, 'costCategory/'))
            ) as tag_keys,
            list_filter(map_keys(tags), lambda k:starts_with(k, 'costCategory/')) as category_keys
        from delivered
    ),

    stripped as (
        select
            keys.*,
            list_transform(
                tag_keys,
                lambda k: case
                    when starts_with(k, 'aws_')
                    then 'aws:' || substr(k, 5)
                    else regexp_replace(k, '^(resourceTags/user:|resourceTags/|user:|user_)', '')
                end
            ) as new_keys
        from keys
    ),

    -- of keys that became equal, the first (in order of the full keys) has the short name
    distinct_keys as (
        select
            stripped.* exclude (new_keys),
            list_transform(
                new_keys,
                lambda k,
                i: case when list_position(new_keys, k) < i then tag_keys[i] else k end
            ) as new_keys
        from stripped
    ),

    final as (
        select
            tag_set,
            case
                when len(tag_keys) > 0
                then
                    map(
                        case
                            when len(list_distinct(new_keys)) = len(new_keys)
                            then new_keys
                            else tag_keys
                        end,
                        list_transform(tag_keys, lambda k:{{ map_value("tags", "k") }})
                    )
            end as focus_tags,
            case
                when len(category_keys) > 0
                then
                    map(
                        list_transform(category_keys, lambda k:substr(k, 14)),
                        list_transform(category_keys, lambda k:{{ map_value("tags", "k") }})
                    )
            end as tagged_categories,
            coalesce(
                {{ map_value("tags", "'user_name'") }},
                {{ map_value("tags", "'user:Name'") }},
                {{ map_value("tags", "'resourceTags/Name'") }}
            ) as name_tag
        from distinct_keys
    )

select *
from final
