{#-
  One row per rung of a ladder of keys, and fee with an offset or covered row of the offset model.

  An offset belongs to the usage its fee paid for: that of the same commitment, hour, SKU and
  project. The rungs widen that key step by step; the last two are for usage that names no commitment.
-#}
{{ config(materialized="ephemeral") }}

{%- set ladder = [
    "concat_ws('|', place_in_time, own_key, sku, project)",
    "concat_ws('|', place_in_time, own_key, sku)",
    "concat_ws('|', place_in_time, own_key)",
    "concat_ws('|', place_in_time, own_key_or_none, sku)",
    "concat_ws('|', place_in_time, own_key_or_none)",
] %}

with
    commitment_rows as (select * from {{ ref("gcp__export_commitment_rows") }}),

    offset_rows as (
        select
            commitment_rows.*,
            concat_ws('|', billing_account_id, currency, cast(hour as varchar)) as place_in_time,
            -- in the standard export no row names its commitment
            coalesce(instance_id, '-') as own_key,
            case
                when role = 'covered' then coalesce(instance_id, '-') else '-'
            end as own_key_or_none,
            coalesce(case when role = 'fee' then origin_sku_id else sku_id end, '') as sku,
            coalesce(project_id, '') as project,
            coalesce(instance_id, credit_id, sku_id) as own_id
        from commitment_rows
        where model = 'offset'
    ),

    -- one row per rung and fee with an offset, or covered row
    final as (
        {%- for key in ladder %}
            select
                x_SourceFile,
                x_SourceRow,
                role,
                cost,
                offset_credit,
                own_id,
                {{ loop.index }} as rung,
                {{ key }} as pool
            from offset_rows
            where role = 'covered' or offset_credit <> 0 {{ "union all" if not loop.last }}
        {%- endfor %}
    )

select *
from final
