{#-
  One row per charge (raw row and part): the bill's own columns, the four costs, the quantities.

  Part 0 is the row itself; 1 the part of it that no commitment covers, or of a fee what covered
  nothing; 2 and on its promotions, one each, which are a form of payment and no price.
-#}
{{ config(materialized="ephemeral") }}

with
    amounts as (select * from {{ ref("gcp__export_amounts") }}),

    numbered as (
        select *
        from
            {{
                numbered(
                    "amounts",
                    "1 + promotion_count + case when is_split or is_wasted then 1 else 0 end",
                    "number",
                )
            }} as numbered_amounts
    ),

    places as (
        select
            numbered.*,
            case
                when number > 0 and not (is_split or is_wasted) then number + 1 else number
            end as part
        from numbered
    ),

    parts as (
        select
            places.*,
            role = 'fee' and part = 1 as is_unused,
            role = 'covered' and part = 0 as is_used,
            part >= 2 as is_promotion,
            case
                when part >= 2 then {{ record_at("promotions", "(part - 2)", "amount") }}
            end as promotion
        from places
    ),

    final as (
        select
            parts.*,
            case
                when not is_regular
                then raw_cost + all_credits
                when is_promotion
                then promotion
                when is_unused or (is_split and part = 0)
                then 0
                when role in ('fee', 'covered')
                then net_cost + offset_share
                else net_cost
            end as billed_cost,
            case
                when not is_regular
                then raw_cost + all_credits
                when is_promotion
                then promotion
                when is_unused
                then unused_cost
                when role = 'fee'
                then 0
                when is_split and part = 0
                then fee_share
                when is_used
                then net_cost + fee_share
                else net_cost
            end as effective_cost,
            {% for cost in ["list", "contracted"] %}
                case
                    when not is_regular
                    then raw_cost + all_credits
                    when is_promotion
                    then promotion
                    when is_unused
                    then 0
                    when is_split and part = 0
                    then {{ times_ratio("raw_" ~ cost ~ "_cost", "covered_ratio") }}
                    when is_split
                    then
                        raw_{{ cost }}_cost
                        - {{ times_ratio("raw_" ~ cost ~ "_cost", "covered_ratio") }}
                    else raw_{{ cost }}_cost
                end as {{ cost }}_cost,
            {% endfor %}
            {% for amount in ["usage_amount", "usage_amount_in_pricing_units"] %}
                case
                    when is_split and part = 0
                    then {{ times_ratio(amount, "covered_ratio") }}
                    when is_split
                    then {{ amount }} - {{ times_ratio(amount, "covered_ratio") }}
                    when is_unused
                    then unused_quantity
                    else {{ amount }}
                end as part_{{ amount }},
            {% endfor %}
            case
                when is_unused
                then unused_id
                when part = 0 and role <> 'none'
                then own_commitment_id
            end as commitment_id,
            case
                when is_unused
                then unused_commitment
                when part = 0 and role <> 'none'
                then own_commitment_quantity
            end as commitment_quantity
        from parts
    )

select *
from final
