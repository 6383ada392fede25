{#-
  One row per raw row that pays for a commitment (fee) or is covered by one, with its credits by group.

  Two models stand side by side in one table, told apart row by row. `credit`: covered usage has a
  credit that takes back its on-demand cost. `offset`: covered usage is priced in the commitment's
  consumption model, and the fee has credits that take back its used part.
-#}
{{ config(materialized="ephemeral") }}

with
    summed as (select * from {{ ref("gcp__export_commitment_credits") }}),

    roles as (
        select
            summed.*,
            date_trunc('hour', started_at) as hour,
            raw_cost + kept_credit as net_cost,
            case
                when is_fee
                then 'fee'
                -- a commitment's credit that takes nothing back covers nothing
                when
                    sign(commitment_credit) * sign(raw_cost) < 0
                    or (commitment_credit = 0 and is_in_model)
                then 'covered'
            end as role,
            case
                when is_fee and words like 'commitment v1%'
                then 'Usage'
                when commitment_credit_type = 'COMMITTED_USAGE_DISCOUNT'
                then 'Usage'
                else 'Spend'
            end as category,
            -- our ruling: a resource commitment's family is core or memory, by its words
            case
                when words like '% ram %' or words like '% ram'
                then 'memory'
                when words like '%core%' or words like '%cpu%'
                then 'core'
                when words like '%memory%'
                then 'memory'
                else 'other'
            end as family,
            max(case when is_fee and offset_credit <> 0 then 1 else 0 end) over (
                partition by
                    billing_account_id,
                    coalesce(instance_id, x_SourceFile || ':' || cast(x_SourceRow as varchar))
            )
            = 1 as has_offsets
        from summed
        -- the others have no role: leave them out before the window holds them all in memory
        where is_fee or is_in_model or commitment_credit <> 0
    ),

    final as (
        select
            x_SourceFile,
            x_SourceRow,
            billing_account_id,
            currency,
            hour,
            project_id,
            sku_id,
            region,
            instance_id,
            origin_sku_id,
            role,
            category,
            family,
            case
                when not is_fee and commitment_credit <> 0
                then 'credit'
                when not is_fee or (category = 'Spend' and has_offsets)
                then 'offset'
                else 'credit'
            end as model,
            coalesce(credit_id, credit_name) as credit_id,
            coalesce(
                credit_name, case when is_in_model then consumption_model_description end
            ) as commitment_name,
            consumption_model_id,
            raw_cost as cost,
            net_cost,
            commitment_credit,
            offset_credit,
            quantity,
            rate
        from roles
        where role is not null
    )

select *
from final
