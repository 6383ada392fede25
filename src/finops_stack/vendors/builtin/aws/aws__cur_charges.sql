{#-
  One row per charge (raw row and part): the bill's own columns, its rule, the four costs.

  Which charge a line item becomes stands in vocabulary/rules.csv. This file says which rule a row
  falls under, and what that table's words (bill, list, covered, unused …) amount to.
-#}
{{ config(materialized='ephemeral') }}

with
    amounts as (select * from {{ ref('aws__cur_amounts') }}),

    rules as (select * from {{ vocabulary('aws', 'rules') }}),

    -- left out: discounts inside net costs, split rows
    kept as (
        select
            amounts.*,
            coalesce(
                unused_cost <> 0
                or (
                    line_type = 'RIFee'
                    and coalesce(
                        reservation_unused_quantity, reservation_unused_normalized_unit_quantity
                    )
                    > 0
                ),
                false
            ) as has_unused,
            lower(
                case
                    when line_type in ('Fee', 'Refund')
                    then
                        concat_ws(
                            ' ',
                            line_item_line_item_description,
                            product_fee_code,
                            line_item_product_code
                        )
                end
            ) as fee_words
        from amounts
        where
            not (is_net and bill_cost = 0 and ends_with(line_type, 'Discount'))
            and not (
                split_line_item_parent_resource_id is not null
                and line_type = 'Usage'
                and unblended_cost = 0
                and bill_cost = 0
                and public_cost is null
            )
    ),

    ruled as (
        select
            kept.*,
            case
                when
                    line_type = 'Usage'
                    and (pricing_term = 'Spot' or contains(line_item_usage_type, 'SpotUsage'))
                then 'Usage, spot'
                when line_type in ('Fee', 'RIFee') and is_dedicated_host
                then line_type || ', not amortised'
                when line_type in ('SavingsPlanRecurringFee', 'RIFee') and has_unused
                then line_type || ', unused'
                when line_type = 'Fee' and reservation_reservation_a_r_n is not null
                then 'Fee, reservation'
                when line_type = 'Fee' and regexp_matches(fee_words, 'month|support|subscription')
                then 'Fee, recurring'
                when
                    line_type = 'Refund'
                    and (
                        contains(fee_words, 'fee for savings plan')
                        or (
                            reservation_reservation_a_r_n is not null
                            and regexp_matches(fee_words, 'sign.?up|up.?front')
                        )
                    )
                then 'Refund, commitment fee'
                when
                    line_type = 'Refund'
                    and (
                        arn is not null
                        or ends_with(line_item_product_code, 'SavingsPlans')
                        or contains(line_item_product_code, 'Support')
                    )
                then 'Refund, purchase'
                when
                    ends_with(line_type, 'Discount')
                    and (arn is not null or ends_with(line_item_product_code, 'SavingsPlans'))
                then 'Discount, commitment'
                when ends_with(line_type, 'Discount')
                then 'Discount'
                when
                    line_type in (
                        'Usage',
                        'DiscountedUsage',
                        'SavingsPlanCoveredUsage',
                        'SavingsPlanRecurringFee',
                        'SavingsPlanUpfrontFee',
                        'RIFee',
                        'Fee',
                        'FlatRateSubscription',
                        'Tax',
                        'Credit',
                        'Refund',
                        'residue'
                    )
                then line_type
                else 'unknown type'
            end as rule_name
        from kept
    ),

    final as (
        select
            ruled.*,
            rules.charge_category,
            rules.charge_frequency,
            rules.pricing_category,
            rules.commitment_status,
            case
                when line_type = 'residue'
                then cast(residue_number - 1 as integer)
                else cast(rules.part as integer)
            end as part,
            {{ money("case rules.billed_cost when 'bill' then bill_cost else 0 end") }}
            as billed_cost,
            case rules.effective_cost
                when 'bill'
                then bill_cost
                when 'covered'
                then covered_cost
                when 'unused'
                then unused_cost
                else 0
            end as effective_cost,
            case rules.list_cost
                when 'list'
                then coalesce(public_cost, unblended_cost)
                when 'list or effective'
                then coalesce(public_cost, covered_cost)
                when 'unblended'
                then unblended_cost
                when 'bill'
                then bill_cost
                else 0
            end as list_cost,
            case rules.contracted_cost
                when 'bill'
                then bill_cost
                when 'list or effective'
                then coalesce(public_cost, covered_cost)
                when 'bill or unblended'
                then coalesce(nullif(bill_cost, 0), unblended_cost)
                else 0
            end as contracted_cost
        from ruled
        inner join rules on ruled.rule_name = rules.rule
    )

select *
from final
