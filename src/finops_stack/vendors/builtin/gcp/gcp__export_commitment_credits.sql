{#-
  One row per raw row that may have to do with a commitment, with its credits summed by group.

  That is: rows with credits, rows priced in a consumption model, and fees.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (
        select *
        from {{ bill_rows() }}
        where
            coalesce(cost_type, 'regular') = 'regular'
            and (
                {{ records_count("credits") }} > 0
                or consumption_model_id is not null
                or sku_description like 'Commitment%'
            )
    ),

    credit_types as (select * from {{ vocabulary("gcp", "credit_types") }}),

    groups as (
        select
            {{ list_of("credit_type", "credit_group = 'commitment'") }} as commitment_types,
            {{ list_of("credit_type", "credit_group = 'offset'") }} as offset_types,
            {{ list_of("credit_type", "credit_group <> 'promotion'") }} as kept_types
        from credit_types
    ),

    renamed as (
        select
            x_SourceFile,
            x_SourceRow,
            billing_account_id,
            currency,
            coalesce(usage_start_time, delivery_period_start) as started_at,
            project_id,
            sku_id,
            coalesce(location_region, '') as region,
            -- some rows say subscriptions/<id>, some the id alone
            nullif(regexp_replace(subscription_instance_id, '^.*/', ''), '') as instance_id,
            {{
                record_at(
                    records_filter("labels", "r.key = 'goog-originating-sku-id'"), 0, "value"
                )
            }} as origin_sku_id,
            lower(coalesce(sku_description, '')) as words,
            coalesce(sku_description like 'Commitment%', false) as is_fee,
            -- Google's example queries for commitments: the id of the Default consumption model
            coalesce(
                consumption_model_id <> '7754-699E-0EBF'
                and consumption_model_description is distinct from 'Default',
                false
            ) as is_in_model,
            consumption_model_id,
            consumption_model_description,
            coalesce(cost, 0) as raw_cost,
            usage_amount_in_pricing_units as quantity,
            coalesce(nullif(currency_conversion_rate, 0), 1) as rate,
            {{ records_filter("credits", in_list("r.type", "commitment_types")) }}
            as commitment_credits,
            {{ records_filter("credits", in_list("r.type", "offset_types")) }} as offset_credits,
            {{ records_filter("credits", in_list("r.type", "kept_types")) }} as kept_credits
        from source
        cross join groups
    ),

    final as (
        select
            renamed.*,
            {{ records_sum("commitment_credits", "amount") }} as commitment_credit,
            {{ records_sum("offset_credits", "amount") }} as offset_credit,
            {{ records_sum("kept_credits", "amount") }} as kept_credit,
            {{ record_at("commitment_credits", 0, "type") }} as commitment_credit_type,
            coalesce(
                {{ record_at("commitment_credits", 0, "id") }},
                {{ record_at("offset_credits", 0, "id") }}
            ) as credit_id,
            coalesce(
                {{ record_at("commitment_credits", 0, "full_name") }},
                {{ record_at("commitment_credits", 0, "name") }},
                {{ record_at("offset_credits", 0, "full_name") }},
                {{ record_at("offset_credits", 0, "name") }}
            ) as credit_name
        from renamed
    )

select *
from final
