{#- One row per raw row of aws__cur_fees, and the rule of vocabulary/rules.csv it falls under. -#}
{{ config(materialized="ephemeral") }}

with
    fees as (select * from {{ ref("aws__cur_fees") }}),

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

    final as (
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
    )

select *
from final
