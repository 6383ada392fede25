{#-
  One row per charge (raw row and part): the bill's own columns, its rule, the four costs.

  Which charge a line item becomes stands in vocabulary/rules.csv. This file says which rule a row
  falls under, and what that table's words (bill, list, covered, unused …) amount to.
-#}
{{ config(materialized="ephemeral") }}

with
    metered as (select * from {{ ref("aws__cur_metered") }}),

    fees as (select * from {{ ref("aws__cur_fees") }}),

    rules as (select * from {{ vocabulary("aws", "rules") }}),

    ruled_usage as (
        select
            metered.*,
            case
                when
                    line_item_line_item_type = 'Usage'
                    and (pricing_term = 'Spot' or contains(line_item_usage_type, 'SpotUsage'))
                then 'Usage, spot'
                else line_item_line_item_type
            end as rule_name
        from metered
    ),

    described_fees as (
        select
            fees.*,
            ends_with(line_type, 'Discount') as is_discount,
            reservation_reservation_a_r_n like '%:host-reservation/%' as is_dedicated_host,
            arn is not null
            or ends_with(coalesce(line_item_product_code, ''), 'SavingsPlans') as is_commitment,
            lower(
                concat_ws(
                    ' ', line_item_line_item_description, product_fee_code, line_item_product_code
                )
            ) as fee_words
        from fees
    ),

    ruled_fees as (
        select
            described_fees.*,
            case
                when line_type in ('Fee', 'RIFee') and is_dedicated_host
                then line_type || ', not amortised'
                when line_type = 'SavingsPlanRecurringFee' and unused_commitment <> 0
                then 'SavingsPlanRecurringFee, unused'
                when line_type = 'RIFee' and (unused_cost <> 0 or unused_quantity > 0)
                then 'RIFee, unused'
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
                    and (is_commitment or contains(line_item_product_code, 'Support'))
                then 'Refund, purchase'
                when is_discount and is_commitment
                then 'Discount, commitment'
                when is_discount
                then 'Discount'
                when
                    line_type in (
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
        from described_fees
        -- a discount that a net month's other rows already have
        where not (is_net and is_discount and bill_cost = 0)
    ),

    ruled as (
        select *
        from ruled_usage
        union all by name
        select *
        from ruled_fees
    ),

    final as (
        select
            ruled.*,
            rules.charge_category,
            rules.charge_frequency,
            rules.pricing_category,
            rules.commitment_status,
            coalesce(cast(residue_number as integer) - 1, cast(rules.part as integer)) as part,
            case rules.billed_cost when 'bill' then bill_cost else 0 end as billed_cost,
            case
                rules.effective_cost
                when 'bill'
                then bill_cost
                when 'covered'
                then covered_cost
                when 'unused'
                then unused_cost
                else 0
            end as effective_cost,
            case
                rules.list_cost
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
            case
                rules.contracted_cost
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
