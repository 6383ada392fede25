{#-
  One row per raw row that is not metered (fees, taxes, credits, refunds, discounts, types nobody
  knows yet), and one per residue; with the part of a commitment's fee that covered nothing.
-#}
{{ config(materialized="ephemeral") }}

with
    all_rows as (select * from {{ ref("aws__cur_fee_rows") }}),

    payers as (select * from {{ ref("aws__cur_payers") }}),

    plans as (select * from {{ ref("aws__cur_plans") }}),

    amounts as (
        select
            all_rows.*,
            payers.is_net,
            payers.payer_name,
            coalesce(plans.is_used_normalized, false) as is_used_normalized,
            coalesce(plans.is_total_trusted, true) as is_total_trusted,
            coalesce(line_item_line_item_type, 'none') as line_type,
            coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as arn,
            coalesce(line_item_unblended_cost, 0) as unblended_cost,
            -- a price in another currency is no list cost of this bill
            case
                when coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code
                then nullif(pricing_public_on_demand_cost, 0)
            end as public_cost,
            -- a discount's empty net cost is 0, any other row's is its unblended cost
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
            coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
            + coalesce(savings_plan_recurring_commitment_for_billing_period, 0) as commitment,
            coalesce(
                savings_plan_net_amortized_upfront_commitment_for_billing_period,
                savings_plan_amortized_upfront_commitment_for_billing_period,
                0
            ) + coalesce(
                savings_plan_net_recurring_commitment_for_billing_period,
                savings_plan_recurring_commitment_for_billing_period,
                0
            ) as net_commitment
        from all_rows
        inner join payers on all_rows.bill_payer_account_id = payers.bill_payer_account_id
        left join
            plans
            on coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) = plans.arn
    ),

    unused as (
        select
            amounts.*,
            case
                when line_type <> 'SavingsPlanRecurringFee' or is_to_come
                then 0
                when is_total_trusted
                then
                    coalesce(savings_plan_total_commitment_to_date, 0)
                    - coalesce(savings_plan_used_commitment, 0)
                else commitment - coalesce(savings_plan_used_commitment, 0)
            end as unused_commitment,
            case
                when line_type <> 'RIFee'
                then 0
                else
                    coalesce(
                        case
                            when is_net
                            then reservation_net_unused_amortized_upfront_fee_for_billing_period
                        end,
                        reservation_unused_amortized_upfront_fee_for_billing_period,
                        0
                    ) + coalesce(
                        case when is_net then reservation_net_unused_recurring_fee end,
                        reservation_unused_recurring_fee,
                        0
                    )
            end as unused_reservation,
            coalesce(
                reservation_unused_quantity, reservation_unused_normalized_unit_quantity, 0
            ) as unused_quantity
        from amounts
    ),

    -- the plan's discount is that of its fee: net over plain, multiplied before it is divided
    final as (
        select
            unused.*,
            case
                when line_type = 'RIFee'
                then unused_reservation
                when not is_net or commitment = 0 or commitment = net_commitment
                then unused_commitment
                else
                    {{
                        divide_money(
                            "cast(unused_commitment as double) * cast(net_commitment as double)",
                            "commitment",
                        )
                    }}
            end as unused_cost
        from unused
    )

select *
from final
