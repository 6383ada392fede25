{#- One row per payer: what only the whole bill can tell about each of its rows. -#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    account_names as (select * from {{ account_names() }}),

    payers as (
        select
            bill_payer_account_id,
            max(bill_payer_account_name) as bill_payer_account_name,
            -- net costs count for all of a payer's month or for none of it
            coalesce({{ any_true("line_item_net_unblended_cost <> 0") }}, false) as is_net,
            -- AWS fills the invoice's number in when the month is final
            coalesce(
                {{
                    any_true(
                        "bill_invoice_id is null"
                        " and line_item_line_item_type in ('Usage', 'Fee', 'Tax')"
                    )
                }},
                false
            ) as is_open
        from source
        group by bill_payer_account_id
    ),

    final as (
        select
            payers.bill_payer_account_id,
            coalesce(payers.bill_payer_account_name, account_names.account_name) as payer_name,
            payers.is_net,
            payers.is_open
        from payers
        left join account_names on payers.bill_payer_account_id = account_names.account_id
    )

select *
from final
