-- bill: line with discount and net, plus negations and the net figures of commitments.
-- edp is the discount of this month, 0 before the contract; then every net column stays null.
create or replace macro edp() as getvariable('edp')::decimal(4, 3);

-- Commitments bought before the contract keep the upfront fee that was really paid.
create or replace table bill as
select
    b.*,
    case when edp() > 0 and discountable then round(cost * -edp(), 10) else 0 end::decimal(18, 10)
        as discount,
    (cost + discount)::decimal(18, 10) as net,
    (1 - edp())::decimal(6, 4) as keep,
    (p.upfront_share * if(p.bought_in_contract, keep, 1) + (1 - p.upfront_share) * keep)
        ::decimal(6, 4) as sp_keep,
    if(p.bought_in_contract, keep, 1)::decimal(6, 4) as sp_upfront_keep,
    if(r.bought_in_contract, keep, 1)::decimal(6, 4) as ri_upfront_keep,
    (sp_eff * sp_keep)::decimal(18, 10) as sp_net_eff,
    (ri_amortized * ri_upfront_keep)::decimal(18, 10) as ri_net_amortized,
    (ri_recurring * keep)::decimal(18, 10) as ri_net_recurring,
    (r.upfront_per_hour * ri_unused)::decimal(18, 8) as ri_unused_amortized,
    (r.recurring_per_hour * ri_unused)::decimal(18, 8) as ri_unused_recurring
from line b
left join savings_plan p on p.sp_no = b.sp_no
left join reservation r on r.ri_no = b.ri_no;

-- One negation per day, plan, account, usage type and zone: it cancels the covered lines of that
-- group.
insert into bill by name
select
    concat_ws('/', '8', strftime(time_start, '%d'), account_id, sp_no, usage_type, operation, az)
        as line_key,
    'SavingsPlanNegation' as line_type,
    account_id,
    time_start,
    any_value(time_end) as time_end,
    'Anniversary' as bill_type,
    any_value(product_code) as product_code,
    any_value(product_name) as product_name,
    any_value(servicecode) as servicecode,
    any_value(family) as family,
    usage_type,
    operation,
    any_value(unit) as unit,
    any_value(instance_type) as instance_type,
    any_value(factor) as factor,
    any_value(region_code) as region_code,
    az,
    any_value(sku_id) as sku_id,
    any_value(rate_code) as rate_code,
    sum(qty)::decimal(18, 8) as qty,
    any_value(rate) as rate,
    -sum(cost)::decimal(18, 10) as cost,
    -sum(discount)::decimal(18, 10) as discount,
    -sum(net)::decimal(18, 10) as net,
    'SavingsPlanNegation used by AccountId : ' || account_id || ' and UsageSku : '
        || any_value(sku_id) as text,
    any_value(attributes) as attributes,
    any_value(category) as category,
    true as discountable,
    sp_no
from bill
where line_type = 'SavingsPlanCoveredUsage'
group by time_start, account_id, sp_no, usage_type, operation, az;
