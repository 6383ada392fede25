{#-
  One row per raw row: its costs, its credits summed, its promotions set apart, its commitment.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    credit_types as (select * from {{ vocabulary("gcp", "credit_types") }}),

    kept as (
        select {{ list_of("credit_type", "credit_group <> 'promotion'") }} as kept_types
        from credit_types
    ),

    committed as (
        select *
        from {{ ref("gcp__export_credit_shares") }}
        union all
        select *
        from {{ ref("gcp__export_offset_shares") }}
    ),

    amounts as (
        select
            source.*,
            {{
                hash_of(
                    [
                        "source.project_labels",
                        "source.labels",
                        "source.tags",
                        "source.system_labels",
                        "source.consumption_model_description",
                    ]
                )
            }} as label_set,
            coalesce(source.cost, 0) as raw_cost,
            coalesce(source.cost_type, 'regular') = 'regular' as is_regular,
            {{ records_sum("source.credits", "amount") }} as all_credits,
            {{
                records_if(
                    "coalesce(source.cost_type, 'regular') = 'regular'",
                    records_filter(
                        "source.credits",
                        "not " ~ in_list("coalesce(r.type, '')", "kept.kept_types"),
                    ),
                )
            }} as promotions,
            coalesce(
                source.cost_at_list,
                {{
                    share_of(
                        "source.price_list_price",
                        "source.usage_amount_in_pricing_units",
                        "coalesce(nullif(source.price_pricing_unit_quantity, 0), 1)",
                    )
                }},
                source.cost,
                0
            ) as raw_list_cost,
            coalesce(source.cost_at_effective_price_default, source.cost, 0) as raw_contracted_cost
        from source
        cross join kept
    ),

    final as (
        select
            amounts.*,
            coalesce(committed.role, 'none') as role,
            committed.model,
            committed.category as commitment_category,
            committed.family,
            committed.commitment_id as own_commitment_id,
            committed.unused_id,
            committed.commitment_name,
            committed.commitment_credit,
            committed.covered_ratio,
            committed.fee_share,
            committed.offset_share,
            committed.unused_cost,
            committed.unused_quantity,
            committed.commitment_quantity as own_commitment_quantity,
            committed.unused_commitment,
            committed.remark,
            coalesce({{ records_count("promotions") }}, 0) as promotion_count,
            amounts.raw_cost
            + amounts.all_credits
            - coalesce({{ records_sum("promotions", "amount") }}, 0) as net_cost,
            -- a rest of a millionth is rounding: costs have six places
            coalesce(
                committed.role = 'covered'
                and committed.model = 'credit'
                and abs(amounts.raw_cost) > abs(committed.commitment_credit)
                and abs(amounts.raw_cost + committed.commitment_credit) > 0.000001,
                false
            ) as is_split,
            coalesce(committed.role = 'fee' and committed.unused_cost <> 0, false) as is_wasted
        from amounts
        left join
            committed
            on amounts.x_SourceFile = committed.x_SourceFile
            and amounts.x_SourceRow = committed.x_SourceRow
    )

select *
from final
