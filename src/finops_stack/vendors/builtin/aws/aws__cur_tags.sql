{#-
  One row per distinct set of tags, as delivered: its keys as FOCUS wants them.

  Sets are few and rows many, so keys are renamed here once, not on each row.
  Users' keys lose their prefix, AWS's own get aws:, account tags and the like keep theirs.
-#}
{{ config(materialized='ephemeral') }}

with
    source as (select * from {{ bill_rows() }}),

    -- the newer map holds all the older ones do
    sets as (
        select distinct case when cardinality(tags) > 0 then tags else resource_tags end as raw_tags
        from source
    ),

    keys as (
        select
            raw_tags,
            list_sort(
                list_filter(map_keys(raw_tags), lambda k: not starts_with(k, 'costCategory/'))
            ) as tag_keys,
            list_filter(
                map_keys(raw_tags), lambda k: starts_with(k, 'costCategory/')
            ) as category_keys
        from sets
        where cardinality(raw_tags) > 0
    ),

    stripped as (
        select
            raw_tags,
            tag_keys,
            category_keys,
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
            raw_tags,
            tag_keys,
            category_keys,
            list_transform(
                new_keys,
                lambda k, i: case when list_position(new_keys, k) < i then tag_keys[i] else k end
            ) as new_keys
        from stripped
    ),

    final as (
        select
            raw_tags,
            case
                when len(tag_keys) > 0
                then
                    map(
                        case
                            when len(list_distinct(new_keys)) = len(new_keys)
                            then new_keys
                            else tag_keys
                        end,
                        list_transform(tag_keys, lambda k: {{ map_value('raw_tags', 'k') }})
                    )
            end as focus_tags,
            case
                when len(category_keys) > 0
                then
                    map(
                        list_transform(category_keys, lambda k: substr(k, 14)),
                        list_transform(category_keys, lambda k: {{ map_value('raw_tags', 'k') }})
                    )
            end as focus_categories
        from distinct_keys
    )

select *
from final
