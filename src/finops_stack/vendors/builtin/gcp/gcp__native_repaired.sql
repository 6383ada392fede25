{#-
  One row per row of Google's FOCUS table or view: kinds of charge, quantities, tags put right.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    credit_types as (select * from {{ vocabulary("gcp", "credit_types") }}),

    groups as (
        select {{ list_of("credit_type", "credit_group = 'commitment'") }} as commitment_types
        from credit_types
    ),

    words as (
        select
            source.*,
            coalesce(ChargeDescription like 'Commitment%', false) as is_fee,
            coalesce(
                x_ConsumptionModelId <> '7754-699E-0EBF'
                and x_ConsumptionModelDescription is distinct from 'Default',
                false
            ) as is_in_model,
            {{ records_filter("x_Credits", in_list("r.Type", "groups.commitment_types")) }}
            as commitment_credits,
            coalesce(BilledCost, 0) as billed_cost,
            coalesce(EffectiveCost, BilledCost, 0) as effective_cost,
            coalesce(ListCost, BilledCost, 0) as list_cost,
            coalesce(ContractedCost, BilledCost, 0) as contracted_cost,
            nullif(regexp_replace(x_SubscriptionInstanceId, '^.*/', ''), '') as instance_id,
            -- the older view has the billing account where the project should be
            coalesce(
                x_ProjectId, case when SubAccountId <> BillingAccountId then SubAccountId end
            ) as project_id,
            {{ records_map("x_SystemLabels", "Key", "Value") }} as system_map,
            {{
                merged_maps(
                    [
                        records_map("x_ProjectLabels", "Key", "Value"),
                        records_map("x_Labels", "Key", "Value"),
                        records_map("x_Tags", "Key", "Value"),
                    ]
                )
            }} as focus_tags
        from source
        cross join groups
    ),

    kinds as (
        select
            words.*,
            -- the older view writes them in lower case, and knows a kind "error"
            case
                when is_fee and lower(ChargeCategory) in ('usage', 'purchase')
                then 'Purchase'
                when lower(ChargeCategory) in ('usage', 'purchase', 'tax', 'credit')
                then upper(substr(ChargeCategory, 1, 1)) || lower(substr(ChargeCategory, 2))
                else 'Adjustment'
            end as charge_category,
            not is_fee and (is_in_model or {{ records_count("commitment_credits") }} > 0) as is_used
        from words
    ),

    final as (
        select
            kinds.*,
            charge_category in ('Usage', 'Purchase') as is_priced,
            charge_category = 'Usage' and is_used as is_covered,
            (charge_category = 'Usage' and is_used)
            or (charge_category = 'Purchase' and is_fee) as is_committed,
            case
                when charge_category not in ('Usage', 'Purchase')
                then null
                when PricingQuantity <> 0 or (PricingQuantity = 0 and list_cost = 0)
                then PricingQuantity
                when contracted_cost < 0
                then -1
                else 1
            end as quantity
        from kinds
    )

select *
from final
