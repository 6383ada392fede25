{#-
  One row per payer, currency and check of what the bill says of itself; `holds` is the answer.

  No check changes a figure: the bill stays the sum of its unblended, or in a net month net, costs.
-#}
{{ config(materialized="bills") }}

with
    source as (select * from {{ bill_rows() }}),

    payers as (select * from {{ ref("aws__cur_payers") }}),

    residues as (select * from {{ ref("aws__cur_residues") }}),

    totals as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            bill_payer_account_id,
            line_item_currency_code,
            count(*) as raw_rows,
            count(*) filter (line_item_line_item_type like '%Discount') as discount_rows,
            sum(coalesce(line_item_unblended_cost, 0)) as unblended,
            sum(
                case
                    when line_item_line_item_type like '%Discount'
                    then coalesce(line_item_net_unblended_cost, 0)
                    else coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
                end
            ) as net,
            sum(coalesce(discount_total_discount, 0)) as discounts
        from source
        group by
            x_SourceName,
            x_DeliveryId,
            delivery_period_start,
            bill_payer_account_id,
            line_item_currency_code
    ),

    judged as (
        select
            totals.*,
            payers.is_net,
            coalesce(residues.residue, 0) as residue,
            totals.raw_rows * 0.000001 as allowance
        from totals
        inner join payers on totals.bill_payer_account_id = payers.bill_payer_account_id
        left join
            residues
            on totals.bill_payer_account_id = residues.bill_payer_account_id
            and totals.line_item_currency_code is not distinct from residues.line_item_currency_code
    ),

    checks as (
        select
            judged.*,
            'discount rows: net costs add up to unblended costs' as check_name,
            net as found,
            unblended as expected
        from judged
        where is_net and discount_rows > 0
        union all
        select
            judged.*,
            'no discount rows: unblended costs and discounts add up to net costs' as check_name,
            net as found,
            unblended + discounts as expected
        from judged
        where is_net and discount_rows = 0
        union all
        select
            judged.*,
            'discounts are inside net costs, so the export has to have those' as check_name,
            discounts as found,
            0 as expected
        from judged
        where not is_net and discount_rows = 0
        union all
        select
            judged.*,
            'covered rows, negations and reserved usage come out at 0' as check_name,
            residue as found,
            0 as expected
        from judged
    ),

    final as (
        select
            x_SourceName,
            x_DeliveryId,
            delivery_period_start as BillingPeriodStart,
            bill_payer_account_id as BillingAccountId,
            line_item_currency_code as BillingCurrency,
            check_name,
            {{ money("found") }} as found,
            {{ money("expected") }} as expected,
            abs(found - expected) <= allowance as holds
        from checks
    )

select *
from final
