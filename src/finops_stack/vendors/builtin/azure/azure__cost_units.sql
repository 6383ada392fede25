{#- One row per unit of measure in the bill, such as '10K' or '100 Hours', in block and unit. -#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    units as (select * from {{ vocabulary("azure", "units") }}),

    measures as (
        select distinct UnitOfMeasure as unit_of_measure, trim(UnitOfMeasure) as word
        from source
        where UnitOfMeasure is not null
    ),

    -- '10K Widgets': a number, K M B T as powers of 1000 unless they begin a word, the thing
    -- counted
    parsed as (
        select
            measures.*,
            units.block_size,
            units.focus_unit,
            nullif(regexp_extract(word, '^([0-9]+)', 1), '') as digits,
            regexp_extract(word, '^[0-9]+([KMBT]?)([^A-Za-z]|$)', 1) as power,
            trim(regexp_replace(word, '^[0-9]+([KMBT]([^A-Za-z]|$))?', '\2')) as thing
        from measures
        left join units on measures.word = units.unit_of_measure
    ),

    counted as (
        select
            parsed.*,
            cast(coalesce(block_size, digits, '1') as bigint) * case
                when block_size is not null
                then 1
                when power = 'K'
                then 1000
                when power = 'M'
                then 1000000
                when power = 'B'
                then 1000000000
                when power = 'T'
                then 1000000000000
                else 1
            end as block
        from parsed
    ),

    final as (
        select
            unit_of_measure,
            {{ money("block") }} as block,
            cast(block as varchar) as block_word,
            coalesce(
                focus_unit,
                case when starts_with(thing, '/') then 'Units' || thing end,
                nullif(thing, ''),
                'Units'
            ) as unit,
            focus_unit is not null as is_known_unit
        from counted
    )

select *
from final
