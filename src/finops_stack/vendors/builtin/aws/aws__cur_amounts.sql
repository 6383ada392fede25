{#- One row per raw row, and one per payer for its residue: what the row cost, what it left unused. -#}
{{ config(materialized='ephemeral') }}

with
    payers as (select * from {{ ref('aws__cur_payers') }}),

    plans as (select * from {{ ref('aws__cur_plans') }}),

    residues as (select * from {{ ref('aws__cur_residues') }}),

    -- three kinds of rows; what only fees have is read for those few
    all_rows as (
        select
            * exclude (
                product,
                resource_tags,
                tags,
                reservation_net_unused_amortized_upfront_fee_for_billing_period,
                reservation_net_unused_recurring_fee,
                reservation_total_reserved_normalized_units,
                reservation_total_reserved_units,
                reservation_unused_amortized_upfront_fee_for_billing_period,
                reservation_unused_normalized_unit_quantity,
                reservation_unused_quantity,
                reservation_unused_recurring_fee,
                savings_plan_amortized_upfront_commitment_for_billing_period,
                savings_plan_net_amortized_upfront_commitment_for_billing_period,
                savings_plan_net_recurring_commitment_for_billing_period,
                savings_plan_recurring_commitment_for_billing_period,
                savings_plan_total_commitment_to_date,
                savings_plan_used_commitment
            ),
            hash(tags, resource_tags) as tag_set,
            {{ map_value('product', "'product_name'") }} as product_name,
            {{ map_value('product', "'region'") }} as product_region
        from {{ bill_rows() }}
        where
            line_item_line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
        union all by name
        select
            * exclude (product, resource_tags, tags),
            hash(tags, resource_tags) as tag_set,
            {{ map_value('product', "'product_name'") }} as product_name,
            {{ map_value('product', "'region'") }} as product_region
        from {{ bill_rows() }}
        where
            coalesce(line_item_line_item_type, 'none') not in (
                'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation'
            )
        union all by name
        select
            * exclude (residue),
            'residue' as line_item_line_item_type,
            residue as line_item_unblended_cost,
            residue as line_item_net_unblended_cost
        from residues
    ),

    amounts as (
        select
            all_rows.*,
            payers.is_net,
            coalesce(plans.is_used_normalized, false) as is_used_normalized,
            coalesce(plans.is_total_trusted, true) as is_total_trusted,
            coalesce(line_item_line_item_type, 'none') as line_type,
            coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as arn,
            coalesce(line_item_unblended_cost, 0) as unblended_cost,
            nullif(pricing_public_on_demand_cost, 0) as public_cost,
            -- net costs count for all of a payer's month or for none of it
            case
                when not payers.is_net
                then coalesce(line_item_unblended_cost, 0)
                when ends_with(line_item_line_item_type, 'Discount')
                then coalesce(line_item_net_unblended_cost, 0)
                else coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
            end as bill_cost,
            -- an export made before the hour began knows nothing of its use
            payers.is_open
            and delivered_at >= delivery_period_start
            and delivered_at < line_item_usage_start_date as is_to_come,
            reservation_reservation_a_r_n like '%:host-reservation/%' as is_dedicated_host
        from all_rows
        inner join payers on all_rows.bill_payer_account_id = payers.bill_payer_account_id
        left join
            plans
            on coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) = plans.arn
    ),

    -- of a savings plan's fee, what covered nothing; before the discount in net columns
    commitments as (
        select
            amounts.*,
            case
                when line_type <> 'SavingsPlanRecurringFee' or is_to_come
                then 0
                when is_total_trusted
                then
                    coalesce(savings_plan_total_commitment_to_date, 0)
                    - coalesce(savings_plan_used_commitment, 0)
                else
                    coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                    + coalesce(savings_plan_recurring_commitment_for_billing_period, 0)
                    - coalesce(savings_plan_used_commitment, 0)
            end as unused_commitment,
            case
                when line_type = 'SavingsPlanRecurringFee'
                then
                    coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                    + coalesce(savings_plan_recurring_commitment_for_billing_period, 0)
            end as commitment,
            case
                when line_type = 'SavingsPlanRecurringFee' and is_net
                then
                    coalesce(
                        savings_plan_net_amortized_upfront_commitment_for_billing_period,
                        savings_plan_amortized_upfront_commitment_for_billing_period,
                        0
                    ) + coalesce(
                        savings_plan_net_recurring_commitment_for_billing_period,
                        savings_plan_recurring_commitment_for_billing_period,
                        0
                    )
            end as net_commitment
        from amounts
    ),

    final as (
        select
            commitments.*,
            coalesce(
                case
                    when line_type = 'DiscountedUsage' and is_net
                    then coalesce(reservation_net_effective_cost, reservation_effective_cost)
                    when line_type = 'DiscountedUsage'
                    then reservation_effective_cost
                    when line_type = 'SavingsPlanCoveredUsage' and is_net
                    then
                        coalesce(
                            savings_plan_net_savings_plan_effective_cost,
                            savings_plan_savings_plan_effective_cost
                        )
                    when line_type = 'SavingsPlanCoveredUsage'
                    then savings_plan_savings_plan_effective_cost
                end,
                0
            ) as covered_cost,
            case
                when net_commitment = commitment or commitment = 0
                then unused_commitment
                when net_commitment is not null
                then {{
                        divide_money(
                            'cast(unused_commitment as double) * cast(net_commitment as double)',
                            'commitment',
                        )
                    }}
                when line_type = 'RIFee' and is_net
                then
                    coalesce(
                        reservation_net_unused_amortized_upfront_fee_for_billing_period,
                        reservation_unused_amortized_upfront_fee_for_billing_period,
                        0
                    ) + coalesce(
                        reservation_net_unused_recurring_fee, reservation_unused_recurring_fee, 0
                    )
                when line_type = 'RIFee'
                then
                    coalesce(reservation_unused_amortized_upfront_fee_for_billing_period, 0)
                    + coalesce(reservation_unused_recurring_fee, 0)
                else unused_commitment
            end as unused_cost
        from commitments
    )

select *
from final
