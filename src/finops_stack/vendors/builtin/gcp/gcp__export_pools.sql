{#-
  One row per fee and covered row of the credit model, with the pool it is in and the pool's sums.

  A pool is what a commitment may cover: account, currency, hour, for resource commitments also region
  and family. It is narrowed to the project (resource) or the SKU that the fee names as its origin
  (spend), where every such part of it that has covered usage pays fees too: then the commitment is
  the project's own, or Google has attributed its fees.
-#}
{{ config(materialized="ephemeral") }}

with
    commitment_rows as (select * from {{ ref("gcp__export_commitment_rows") }}),

    credit_rows as (
        select
            commitment_rows.*,
            concat_ws(
                '|',
                billing_account_id,
                currency,
                cast(hour as varchar),
                category,
                case when category = 'Usage' then region || '|' || family end
            ) as wide_pool,
            coalesce(
                case
                    when category = 'Usage'
                    then project_id
                    when role = 'fee'
                    then origin_sku_id
                    else sku_id
                end,
                ''
            ) as part,
            coalesce(instance_id, credit_id, sku_id) as own_id,
            case when role = 'fee' then net_cost - offset_credit else 0 end as fee,
            case when role = 'covered' then - commitment_credit else 0 end as covered_cost,
            -- what is compared with what was bought: hours, or on-demand dollars (a fee's unit is
            -- one cent of them)
            case
                when role = 'fee' and category = 'Usage'
                then quantity
                when role = 'fee'
                then {{ divide_money("quantity", "100") }}
                else 0
            end as bought,
            case
                when role = 'covered' and category = 'Usage'
                then {{ share_of("quantity", "-commitment_credit", "cost") }}
                when role = 'covered'
                then {{ divide_money("-commitment_credit", "rate") }}
                else 0
            end as covered
        from commitment_rows
        where model = 'credit'
    ),

    parts as (
        select
            wide_pool,
            part,
            max(case when role = 'fee' then 1 else 0 end) as has_fee,
            max(case when role = 'covered' then 1 else 0 end) as has_covered
        from credit_rows
        group by wide_pool, part
    ),

    widths as (
        select wide_pool, min(case when has_covered > has_fee then 0 else 1 end) as is_narrow
        from parts
        group by wide_pool
    ),

    pooled as (
        select
            credit_rows.*,
            case
                when widths.is_narrow = 1
                then credit_rows.wide_pool || '|' || credit_rows.part
                else credit_rows.wide_pool
            end as pool
        from credit_rows
        inner join widths on credit_rows.wide_pool = widths.wide_pool
    ),

    sums as (
        select
            pool,
            count(*) as pool_rows,
            sum(fee) as pool_fee,
            sum(case when role = 'fee' then 1 else 0 end) as pool_fee_rows,
            sum(covered_cost) as pool_covered_cost,
            sum(bought) as pool_bought,
            sum(covered) as pool_covered
        from pooled
        group by pool
    ),

    fees_by_id as (
        select
            pool,
            own_id,
            row_number() over (partition by pool order by sum(fee) desc, own_id) as place
        from pooled
        where role = 'fee'
        group by pool, own_id
    ),

    final as (
        select
            pooled.*,
            fees_by_id.own_id as pool_id,
            sums.pool_fee,
            sums.pool_fee_rows,
            sums.pool_covered_cost,
            -- the part of the pool's fees that was used is used ÷ bought, at most all
            case
                when sums.pool_covered_cost <= 0 or sums.pool_covered <= 0
                then 0
                when sums.pool_bought > sums.pool_covered
                then sums.pool_covered
                else 1
            end as used,
            case
                when sums.pool_covered_cost > 0 and sums.pool_bought > sums.pool_covered
                then sums.pool_bought
                else 1
            end as bought_in_all
        from pooled
        inner join sums on pooled.pool = sums.pool
        left join fees_by_id on pooled.pool = fees_by_id.pool and fees_by_id.place = 1
    )

select *
from final
