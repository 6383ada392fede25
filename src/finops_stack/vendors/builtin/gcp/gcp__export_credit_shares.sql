{#-
  One row per fee and covered row of the credit model: what of the fees it bears, and what is unused.

  Fees × the used part go to the covered rows of the pool by their credits; the rest of each fee is
  unused. Both add up to the fees exactly: rounding goes to the row with the largest credit.
-#}
{{ config(materialized="ephemeral") }}

with
    pools as (select * from {{ ref("gcp__export_pools") }}),

    used_fees as (
        select
            pools.*,
            case
                when role = 'fee' then {{ share_of("fee", "used", "bought_in_all") }} else 0
            end as used_fee
        from pools
    ),

    totals as (
        select
            used_fees.*,
            sum(used_fee) over (partition by pool) as pool_used_fee,
            case
                when role = 'covered'
                then
                    row_number() over (
                        partition by pool, role
                        order by covered_cost desc, x_SourceFile, x_SourceRow
                    )
            end as place
        from used_fees
    ),

    shares as (
        select
            totals.*,
            case
                when role = 'covered' and pool_covered_cost > 0
                then {{ share_of("pool_used_fee", "covered_cost", "pool_covered_cost") }}
                else 0
            end as share
        from totals
    ),

    exact as (
        select
            shares.*,
            case
                when place = 1 and pool_covered_cost > 0
                then pool_used_fee - sum(share) over (partition by pool)
                else 0
            end as rounding
        from shares
    ),

    final as (
        select
            x_SourceFile,
            x_SourceRow,
            billing_account_id,
            currency,
            role,
            model,
            category,
            family,
            case
                when role = 'fee' then own_id else coalesce(instance_id, pool_id, own_id)
            end as commitment_id,
            case when role = 'fee' then coalesce(pool_id, own_id) end as unused_id,
            commitment_name,
            commitment_credit,
            case
                when role = 'covered' then {{ ratio("-commitment_credit", "cost") }}
            end as covered_ratio,
            case when role = 'covered' then share + rounding else {{ money("0") }} end as fee_share,
            {{ money("0") }} as offset_share,
            fee - used_fee as unused_cost,
            quantity
            - coalesce({{ share_of("quantity", "used", "bought_in_all") }}, 0) as unused_quantity,
            case when role = 'fee' then bought else covered end as commitment_quantity,
            bought
            - coalesce({{ share_of("bought", "used", "bought_in_all") }}, 0) as unused_commitment,
            case
                when role = 'covered' and pool_fee_rows = 0 then 'no fee in this bill'
            end as remark,
            commitment_credit as remarked
        from exact
    )

select *
from final
