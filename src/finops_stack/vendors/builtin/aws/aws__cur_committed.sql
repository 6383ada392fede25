{#- One row per charge, with the thing billed (aws__cur_items) and the commitment it touches. -#}
{{ config(materialized="ephemeral") }}

with
    charges as (select * from {{ ref("aws__cur_charges") }}),

    items as (select * from {{ ref("aws__cur_items") }}),

    commitments as (
        select
            charges.*,
            items.* exclude (item, service_name, service_category, service_subcategory),
            case
                when line_item_line_item_type = 'residue'
                then 'Savings Plans and reservations'
                else coalesce(items.service_name, 'AWS')
            end as service_name,
            coalesce(items.service_category, 'Other') as service_category,
            coalesce(items.service_subcategory, 'Other (Other)') as service_subcategory,
            -- on usage an id needs a status; a refund's text can name the plan where its ARN is
            -- blank
            case
                when commitment_status is null and charge_category <> 'Purchase'
                then null
                when savings_plan_savings_plan_a_r_n is not null
                then savings_plan_savings_plan_a_r_n
                when reservation_reservation_a_r_n is not null
                then reservation_reservation_a_r_n
                when rule_name = 'Refund, commitment fee'
                then
                    nullif(
                        trim(split_part(line_item_line_item_description, 'Savings Plan ID:', 2)), ''
                    )
            end as commitment_id,
            savings_plan_savings_plan_a_r_n is null
            and reservation_reservation_a_r_n is not null as is_reservation,
            -- one unit per reservation: normalised where its used rows are, and this row can tell
            case
                when commitment_status = 'Used' and line_item_normalization_factor > 0
                then line_item_normalized_usage_amount
                when commitment_status = 'Used' or not is_used_normalized
                then null
                when commitment_status = 'Unused'
                then nullif(reservation_unused_normalized_unit_quantity, 0)
                else nullif(reservation_total_reserved_normalized_units, 0)
            end as normalized_quantity
        from charges
        left join items on charges.item = items.item
    ),

    final as (
        select
            commitments.*,
            case
                when commitment_id is null
                then null
                when is_reservation and normalized_quantity is not null
                then normalized_quantity
                when is_reservation and commitment_status = 'Unused'
                then coalesce(reservation_unused_quantity, 0)
                when is_reservation and commitment_status is null
                then coalesce(reservation_total_reserved_units, line_item_usage_amount, 0)
                when is_reservation
                then coalesce(line_item_usage_amount, 0)
                -- a plan is measured in money, before the discounts of net columns
                when commitment_status = 'Used'
                then coalesce(savings_plan_savings_plan_effective_cost, 0)
                when commitment_status = 'Unused'
                then unused_commitment
                else unblended_cost
            end as commitment_quantity,
            case
                when commitment_id is null
                then null
                when not is_reservation
                then line_item_currency_code
                when normalized_quantity is not null
                then 'Normalized Hours'
                else unit
            end as commitment_unit
        from commitments
    )

select *
from final
