{#-
  One row per raw row of the offset model that gives an offset (fee) or gets some (covered usage).

  An offset goes to the first rung of the ladder that has covered usage, there to each row by its
  cost; rounding goes to the row with the largest cost. Those without any such usage are not here.
-#}
{{ config(materialized="ephemeral") }}

with
    rungs as (select * from {{ ref("gcp__export_offset_rungs") }}),

    covered_pools as (
        select rung, pool, sum(cost) as pool_cost
        from rungs
        where role = 'covered'
        group by rung, pool
        having sum(cost) <> 0
    ),

    found as (
        select
            rungs.*,
            covered_pools.pool_cost,
            row_number() over (
                partition by rungs.x_SourceFile, rungs.x_SourceRow order by rungs.rung
            ) as place
        from rungs
        inner join
            covered_pools on rungs.rung = covered_pools.rung and rungs.pool = covered_pools.pool
        where rungs.role = 'fee'
    ),

    moved as (
        select
            rung,
            pool,
            own_id,
            pool_cost,
            sum(offset_credit) as offset_credit,
            row_number() over (partition by rung, pool order by sum(offset_credit), own_id) as place
        from found
        where place = 1
        group by rung, pool, own_id, pool_cost
    ),

    pools as (
        select
            rung,
            pool,
            pool_cost,
            sum(offset_credit) as pool_offset,
            max(case when place = 1 then own_id end) as pool_id
        from moved
        group by rung, pool, pool_cost
    ),

    shares as (
        select
            rungs.x_SourceFile,
            rungs.x_SourceRow,
            pools.rung,
            pools.pool,
            pools.pool_id,
            pools.pool_offset,
            {{ share_of("pools.pool_offset", "rungs.cost", "pools.pool_cost") }} as share,
            row_number() over (
                partition by pools.rung, pools.pool
                order by rungs.cost desc, rungs.x_SourceFile, rungs.x_SourceRow
            ) as place
        from rungs
        inner join pools on rungs.rung = pools.rung and rungs.pool = pools.pool
        where rungs.role = 'covered'
    ),

    exact as (
        select
            shares.*,
            case
                when place = 1
                then share + pool_offset - sum(share) over (partition by rung, pool)
                else share
            end as exact_share
        from shares
    ),

    received as (
        select x_SourceFile, x_SourceRow, sum(exact_share) as offset_share, min(pool_id) as pool_id
        from exact
        group by x_SourceFile, x_SourceRow
    ),

    final as (
        select x_SourceFile, x_SourceRow, offset_share, pool_id
        from received
        union all
        select x_SourceFile, x_SourceRow, - offset_credit as offset_share, own_id as pool_id
        from found
        where place = 1
    )

select *
from final
