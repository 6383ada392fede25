-- export: the bill as CUR 2.0 hands it out, 125 columns in name order.  Source: vendors/aws.md,
-- section 2.  The newer `tags` column is left out: it replaces resource_tags and cost_category.
-- Money leaves as double, rounded to 10 decimals before; rates leave as text.
create or replace macro iso(t) as strftime(t, '%Y-%m-%dT%H:%M:%S.000Z');

create or replace macro rate_text(x) as x::decimal(18, 10)::varchar;

-- a net figure, null in months before the contract
create or replace macro if_net(x) as if(edp() > 0, x, null)::double;

create or replace view export as
with joined as (
    select
        b.*,
        r.arn as ri_arn,
        r.units,
        r.payment_option as ri_payment,
        r.start_day as ri_start,
        r.end_day as ri_end,
        r.term_years as ri_years,
        r.upfront_per_hour,
        p.id as sp_id,
        p.offering,
        p.payment_option as sp_payment,
        p.term_years,
        p.start_day as sp_start,
        p.end_day as sp_end,
        p.region as sp_region,
        p.family as sp_family,
        a.name as account_name,
        g.location,
        if(b.seller is null, 'AWS', 'AWS Marketplace') as billing_entity,
        b.line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage',
            'SavingsPlanNegation') as metered,
        row_number() over (order by b.line_key) as n
    from bill b
    join account a on a.id = b.account_id
    left join region g on g.code = b.region_code
    left join reservation r on r.ri_no = b.ri_no
    left join savings_plan p on p.sp_no = b.sp_no
)

select
    n,
    bill_type as bill_bill_type,
    billing_entity as bill_billing_entity,
    month_end()::timestamp_ms as bill_billing_period_end_date,
    month_start()::timestamp_ms as bill_billing_period_start_date,
    -- empty while the month is open
    if(getvariable('is_open'), '', concat(
        if(bill_type = 'Refund', 'EUCNGB', if(seller is null, 'EUINGB', 'MPINGB')),
        strftime(month_start(), '%y'), '-', 1000000 + md5_number_lower(concat_ws('/',
            getvariable('seed'), month_start(), bill_type, billing_entity)) % 9000000
    )) as bill_invoice_id,
    company().invoicing_entity as bill_invoicing_entity,
    company().payer_id as bill_payer_account_id,
    company().payer_name as bill_payer_account_name,
    coalesce(category, map {}::map(varchar, varchar)) as cost_category,
    if(discount <> 0, map {'edp_discount': discount::double}, map {}::map(varchar, double))
        ::map(varchar, double) as discount,
    if_net(0) as discount_bundled_discount,
    if_net(discount) as discount_total_discount,
    left(md5(concat_ws('/', getvariable('execution_id'), line_key))
        || md5(line_key || getvariable('execution_id')), 52) as identity_line_item_id,
    strftime(time_start, '%Y-%m-%dT%H:%M:%SZ') || '/' || strftime(time_end, '%Y-%m-%dT%H:%M:%SZ')
        as identity_time_interval,
    az as line_item_availability_zone,
    cost::double as line_item_blended_cost,
    rate_text(rate) as line_item_blended_rate,
    'USD' as line_item_currency_code,
    coalesce(seller, company().invoicing_entity) as line_item_legal_entity,
    text as line_item_line_item_description,
    line_type as line_item_line_item_type,
    if_net(net) as line_item_net_unblended_cost,
    if(edp() > 0, rate_text(if(discountable, rate * (1 - edp()), rate)), null)
        as line_item_net_unblended_rate,
    if(metered, factor, null)::double as line_item_normalization_factor,
    if(metered, factor * qty, null)::double as line_item_normalized_usage_amount,
    coalesce(operation, '') as line_item_operation,
    product_code as line_item_product_code,
    coalesce(resource_id, '') as line_item_resource_id,
    if(line_type = 'Tax', 'VAT', '') as line_item_tax_type,
    cost::double as line_item_unblended_cost,
    rate_text(rate) as line_item_unblended_rate,
    account_id as line_item_usage_account_id,
    account_name as line_item_usage_account_name,
    qty::double as line_item_usage_amount,
    time_end::timestamp_ms as line_item_usage_end_date,
    time_start::timestamp_ms as line_item_usage_start_date,
    coalesce(usage_type, '') as line_item_usage_type,
    'USD' as pricing_currency,
    ri_years || 'yr' as pricing_lease_contract_length,
    if(ri_no is null, null, 'standard') as pricing_offering_class,
    coalesce(list_cost, 0)::double as pricing_public_on_demand_cost,
    coalesce(rate_text(list_rate), '') as pricing_public_on_demand_rate,
    ri_payment as pricing_purchase_option,
    rate_code as pricing_rate_code,
    (md5_number_lower(rate_code) % 9000000000 + 1000000000)::varchar as pricing_rate_id,
    term as pricing_term,
    unit as pricing_unit,
    coalesce(attributes, map {}::map(varchar, varchar)) as product,
    null::varchar as product_comment,
    fee_code as product_fee_code,
    if(fee_code is null, null, text) as product_fee_description,
    if(servicecode = 'AWSDataTransfer', location, null) as product_from_location,
    if(servicecode = 'AWSDataTransfer', 'AWS Region', null) as product_from_location_type,
    if(servicecode = 'AWSDataTransfer', region_code, null) as product_from_region_code,
    case left(instance_type, 1) when 'm' then 'General purpose' when 't' then 'General purpose'
        when 'c' then 'Compute optimized' when 'r' then 'Memory optimized'
        when 'i' then 'Storage optimized' when 'g' then 'GPU instance' end
        as product_instance_family,
    instance_type as product_instance_type,
    null::varchar as product_instancesku,
    location as product_location,
    if(location is null, null, 'AWS Region') as product_location_type,
    operation as product_operation,
    unit as product_pricing_unit,
    family as product_product_family,
    region_code as product_region_code,
    servicecode as product_servicecode,
    sku_id as product_sku,
    if(attributes['transfer_type'] like '%Outbound' and servicecode = 'AWSDataTransfer',
        'External', null) as product_to_location,
    if(servicecode = 'AWSDataTransfer', 'Other', null) as product_to_location_type,
    null::varchar as product_to_region_code,
    usage_type as product_usagetype,
    if(line_type = 'DiscountedUsage', ri_amortized, 0)::double
        as reservation_amortized_upfront_cost_for_usage,
    if(line_type = 'RIFee', ri_amortized, 0)::double
        as reservation_amortized_upfront_fee_for_billing_period,
    null::varchar as reservation_availability_zone,
    if(line_type = 'DiscountedUsage', ri_amortized + ri_recurring, 0)::double
        as reservation_effective_cost,
    if(line_type = 'DiscountedUsage', null, iso(ri_end)) as reservation_end_time,
    if(ri_no is null, null, 'Original') as reservation_modification_status,
    if_net(if(line_type = 'DiscountedUsage', ri_net_amortized, 0))
        as reservation_net_amortized_upfront_cost_for_usage,
    if_net(if(line_type = 'RIFee', ri_net_amortized, 0))
        as reservation_net_amortized_upfront_fee_for_billing_period,
    if_net(if(line_type = 'DiscountedUsage', ri_net_amortized + ri_net_recurring, 0))
        as reservation_net_effective_cost,
    if_net(if(line_type = 'DiscountedUsage', ri_net_recurring, 0))
        as reservation_net_recurring_fee_for_usage,
    if_net(if(line_type = 'RIFee', ri_unused_amortized * ri_upfront_keep, 0))
        as reservation_net_unused_amortized_upfront_fee_for_billing_period,
    if_net(if(line_type = 'RIFee', ri_unused_recurring * keep, 0))
        as reservation_net_unused_recurring_fee,
    if_net(if(line_type = 'RIFee', upfront_per_hour * 24 * date_diff('day', ri_start, ri_end) * units * ri_upfront_keep, 0))
        as reservation_net_upfront_value,
    if(line_type = 'RIFee', factor::int, null)::varchar
        as reservation_normalized_units_per_reservation,
    if(line_type = 'RIFee', units, null)::varchar as reservation_number_of_reservations,
    if(line_type = 'DiscountedUsage', ri_recurring, 0)::double
        as reservation_recurring_fee_for_usage,
    ri_arn as reservation_reservation_a_r_n,
    if(line_type = 'DiscountedUsage', null, iso(ri_start)) as reservation_start_time,
    (md5_number_lower(ri_arn) % 9000000000 + 1000000000)::varchar as reservation_subscription_id,
    if(line_type = 'RIFee', (ri_hours * factor)::bigint, null)::varchar
        as reservation_total_reserved_normalized_units,
    if(line_type = 'RIFee', ri_hours::bigint, null)::varchar as reservation_total_reserved_units,
    if(line_type = 'RIFee', '1', null) as reservation_units_per_reservation,
    if(line_type = 'RIFee', ri_unused_amortized, 0)::double
        as reservation_unused_amortized_upfront_fee_for_billing_period,
    if(line_type = 'RIFee', ri_unused * factor, 0)::double
        as reservation_unused_normalized_unit_quantity,
    if(line_type = 'RIFee', ri_unused, 0)::double as reservation_unused_quantity,
    if(line_type = 'RIFee', ri_unused_recurring, 0)::double as reservation_unused_recurring_fee,
    if(line_type = 'RIFee', upfront_per_hour * 24 * date_diff('day', ri_start, ri_end) * units, 0)::double
        as reservation_upfront_value,
    coalesce(tags, map {}::map(varchar, varchar)) as resource_tags,
    coalesce(sp_amortized, 0)::double
        as savings_plan_amortized_upfront_commitment_for_billing_period,
    iso(sp_end) as savings_plan_end_time,
    sp_family as savings_plan_instance_type_family,
    if_net(coalesce(sp_amortized * sp_upfront_keep, 0))
        as savings_plan_net_amortized_upfront_commitment_for_billing_period,
    if_net(coalesce(sp_recurring * keep, 0))
        as savings_plan_net_recurring_commitment_for_billing_period,
    if_net(coalesce(sp_net_eff, 0)) as savings_plan_net_savings_plan_effective_cost,
    offering as savings_plan_offering_type,
    sp_payment as savings_plan_payment_option,
    term_years || 'yr' as savings_plan_purchase_term,
    coalesce(sp_recurring, 0)::double
        as savings_plan_recurring_commitment_for_billing_period,
    sp_region as savings_plan_region,
    'arn:aws:savingsplans::' || company().payer_id || ':savingsplan/' || sp_id
        as savings_plan_savings_plan_a_r_n,
    coalesce(sp_eff, 0)::double as savings_plan_savings_plan_effective_cost,
    coalesce(sp_rate, 0)::double as savings_plan_savings_plan_rate,
    iso(sp_start) as savings_plan_start_time,
    coalesce(sp_total, 0)::double as savings_plan_total_commitment_to_date,
    coalesce(sp_used, 0)::double as savings_plan_used_commitment,
    split_actual as split_line_item_actual_usage,
    if_net(split_net) as split_line_item_net_split_cost,
    if_net(split_net_unused) as split_line_item_net_unused_cost,
    split_parent as split_line_item_parent_resource_id,
    split_list::double as split_line_item_public_on_demand_split_cost,
    split_list_unused::double as split_line_item_public_on_demand_unused_cost,
    split_reserved as split_line_item_reserved_usage,
    split_cost::double as split_line_item_split_cost,
    split_usage as split_line_item_split_usage,
    split_ratio as split_line_item_split_usage_ratio,
    split_unused::double as split_line_item_unused_cost
from joined;
