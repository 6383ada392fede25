{#-
  One row per fee and covered row of the offset model: which of the fees' offsets move onto it.

  On a fee an offset that moves away has its sign turned; one that nothing takes stays.
-#}
{{ config(materialized="ephemeral") }}

with
    commitment_rows as (select * from {{ ref("gcp__export_commitment_rows") }}),

    moves as (select * from {{ ref("gcp__export_offset_moves") }}),

    offset_rows as (
        select
            commitment_rows.*,
            coalesce(moves.offset_share, 0) as offset_share,
            moves.pool_id,
            coalesce(instance_id, credit_id, sku_id) as own_id
        from commitment_rows
        left join
            moves
            on commitment_rows.x_SourceFile = moves.x_SourceFile
            and commitment_rows.x_SourceRow = moves.x_SourceRow
        where commitment_rows.model = 'offset'
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
                when role = 'fee'
                then own_id
                else coalesce(instance_id, pool_id, consumption_model_id)
            end as commitment_id,
            case when role = 'fee' then own_id end as unused_id,
            commitment_name,
            {{ money("0") }} as commitment_credit,
            null as covered_ratio,
            {{ money("0") }} as fee_share,
            offset_share,
            case when role = 'fee' then net_cost else {{ money("0") }} end as unused_cost,
            {{ share_of("quantity", "net_cost", "(net_cost - offset_credit)") }} as unused_quantity,
            {{ divide_money("cost", "rate") }} as commitment_quantity,
            {{ divide_money("cost + offset_credit", "rate") }} as unused_commitment,
            case
                when role = 'fee' and offset_credit <> 0 and offset_share = 0
                then 'offset stays on its fee'
                when role = 'covered' and pool_id is null and cost <> 0
                then 'no offset in this bill'
            end as remark,
            case when role = 'fee' then offset_credit else cost end as remarked
        from offset_rows
    )

select *
from final
