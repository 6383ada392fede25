{#- One row per savings plan and reservation: what only the rows it covers can tell about its fee. -#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    named as (
        select
            coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as arn,
            line_item_line_item_type as line_type,
            savings_plan_used_commitment as used,
            savings_plan_savings_plan_effective_cost as effective_cost,
            line_item_normalization_factor as normalization_factor
        from source
        where
            savings_plan_savings_plan_a_r_n is not null or reservation_reservation_a_r_n is not null
    ),

    final as (
        select
            arn,
            -- the hours' totals are whole when what the fee rows call used is what was covered
            abs(
                coalesce(sum(used) filter (line_type = 'SavingsPlanRecurringFee'), 0)
                - coalesce(sum(effective_cost) filter (line_type = 'SavingsPlanCoveredUsage'), 0)
            )
            <= 0.000001 * count(*) as is_total_trusted,
            coalesce(
                {{ any_true("line_type = 'DiscountedUsage' and normalization_factor > 0") }}, false
            ) as is_used_normalized
        from named
        group by arn
    )

select *
from final
