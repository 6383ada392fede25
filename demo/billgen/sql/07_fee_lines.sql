-- Lines that no metered slot makes: commitment fees, subscriptions, contracts, spike, credits,
-- refunds.
create or replace macro month_start() as getvariable('month_start');

create or replace macro month_end() as getvariable('month_end');

insert into line by name
with used as (
    select sp_no, day, sum(eff)::decimal(18, 8) as usd
    from sp_part
    group by sp_no, day
)

select
    concat_ws('/', '2', 'sp', p.sp_no, strftime(c.day, '%d')) as line_key,
    'SavingsPlanRecurringFee' as line_type,
    company().payer_id as account_id,
    c.day::timestamp as time_start,
    c.day::timestamp + interval 1 day as time_end,
    'Anniversary' as bill_type,
    'ComputeSavingsPlans' as product_code,
    'Savings Plans for AWS Compute usage' as product_name,
    'ComputeSavingsPlans' as servicecode,
    p.offering as family,
    p.usage_type,
    upper(left(md5(p.usage_type), 16)) as sku_id,
    'Quantity' as unit,
    1 as qty,
    (p.hourly_commitment * 24 * (1 - p.upfront_share))::decimal(18, 8) as rate,
    (p.hourly_commitment * 24 * (1 - p.upfront_share))::decimal(18, 8) as cost,
    p.term_years || ' year ' || p.payment_option || ' ' || p.offering || ' recurring fee' as text,
    map {'product_name': 'Savings Plans for AWS Compute usage'} as attributes,
    map {'business_unit': 'Shared'} as category,
    true as discountable,
    p.sp_no,
    (p.hourly_commitment * 24)::decimal(18, 8) as sp_total,
    coalesce(u.usd, 0) as sp_used,
    (p.hourly_commitment * 24 * p.upfront_share)::decimal(18, 8) as sp_amortized,
    (p.hourly_commitment * 24 * (1 - p.upfront_share))::decimal(18, 8) as sp_recurring
from savings_plan p
join calendar c on c.day >= p.start_day and c.day < p.end_day
left join used u on u.sp_no = p.sp_no and u.day = c.day;

insert into line by name
select
    '3/spupfront/' || sp_no as line_key,
    'SavingsPlanUpfrontFee' as line_type,
    company().payer_id as account_id,
    start_day::timestamp as time_start,
    end_day::timestamp as time_end,
    'Purchase' as bill_type,
    'ComputeSavingsPlans' as product_code,
    'Savings Plans for AWS Compute usage' as product_name,
    'ComputeSavingsPlans' as servicecode,
    offering as family,
    usage_type,
    upper(left(md5(usage_type), 16)) as sku_id,
    'Quantity' as unit,
    1 as qty,
    (hourly_commitment * 24 * upfront_share * date_diff('day', start_day, end_day))::decimal(18, 8)
        as rate,
    rate as cost,
    term_years || ' year ' || payment_option || ' ' || offering || ' upfront fee' as text,
    map {'product_name': 'Savings Plans for AWS Compute usage'} as attributes,
    map {'business_unit': 'Shared'} as category,
    true as discountable,
    sp_no
from savings_plan
where upfront_share > 0 and start_day >= month_start()::date and start_day < month_end()::date;

-- RIFee: one line per reservation, all hours of the month; what was not used stands on it.
insert into line by name
with hours as (
    select
        r.ri_no,
        min(c.day) as first_day,
        (count(*) * 24 * any_value(r.units))::decimal(18, 8) as hours
    from reservation r
    join calendar c on c.day >= r.start_day and c.day < r.end_day
    group by r.ri_no
),
used as (
    select ri_no, sum(qty)::decimal(18, 8) as hours
    from ri_part
    group by ri_no
),
attributed as (
    select s.ri_no, min(s.slot_id) as slot_id
    from slot_reservation s
    group by s.ri_no
)

select
    '4/ri/' || r.ri_no as line_key,
    'RIFee' as line_type,
    company().payer_id as account_id,
    h.first_day::timestamp as time_start,
    month_end() as time_end,
    'Anniversary' as bill_type,
    s.product_code,
    s.product_name,
    s.servicecode,
    s.family,
    r.fee_usage_type as usage_type,
    s.operation,
    s.unit,
    s.instance_type,
    s.factor,
    s.region_code,
    s.sku_id,
    h.hours as qty,
    r.recurring_per_hour as rate,
    r.recurring_per_hour * h.hours as cost,
    s.instance_type || ' reserved instance, ' || r.payment_option || ', monthly fee for '
        || r.units || ' units' as text,
    s.attributes,
    map {'business_unit': 'Shared'} as category,
    'Reserved' as term,
    true as discountable,
    r.ri_no,
    r.upfront_per_hour * h.hours as ri_amortized,
    r.recurring_per_hour * h.hours as ri_recurring,
    h.hours as ri_hours,
    h.hours - coalesce(u.hours, 0) as ri_unused
from reservation r
join hours h on h.ri_no = r.ri_no
join attributed a on a.ri_no = r.ri_no
join slot s on s.slot_id = a.slot_id
left join used u on u.ri_no = r.ri_no;

insert into line by name
select
    '5/riupfront/' || ri_no as line_key,
    'Fee' as line_type,
    company().payer_id as account_id,
    start_day::timestamp as time_start,
    end_day::timestamp as time_end,
    'Purchase' as bill_type,
    k.product_code,
    k.product_name,
    k.product_code as servicecode,
    fee_usage_type as usage_type,
    operation,
    upper(left(md5(fee_usage_type), 16)) as sku_id,
    region as region_code,
    'Quantity' as unit,
    units as qty,
    (upfront_per_hour * 24 * date_diff('day', start_day, end_day))::decimal(18, 8) as rate,
    rate * units as cost,
    'Sign up charge for subscription: ' || arn as text,
    map {'business_unit': 'Shared'} as category,
    map {'product_name': k.product_name, 'region': region} as attributes,
    true as discountable,
    ri_no
from reservation r
join product k on k.product_code = r.product_code
where upfront_per_hour > 0 and start_day >= month_start()::date and start_day < month_end()::date;

insert into line by name
with due as (
    select f.*, month_start() + to_days(f.day - 1) as day_start
    from fee f
    where f.months is null or list_contains(f.months, getvariable('month_index'))
)

select
    '6/fee/' || lpad(fee_no::varchar, 3, '0') as line_key,
    line_type,
    a.id as account_id,
    if(term_months is null and line_type = 'FlatRateSubscription', month_start(), day_start)
        as time_start,
    case
        when line_type = 'FlatRateSubscription' then month_end()
        when term_months is null then day_start + interval 1 day
        else day_start + to_months(term_months)
    end as time_end,
    if(line_type = 'Fee', 'Purchase', 'Anniversary') as bill_type,
    seller,
    product_code,
    product_name,
    product_code as servicecode,
    usage_type,
    upper(left(md5(product_code || usage_type), 16)) as sku_id,
    fee_code,
    if(seller is null, 'Quantity', 'Units') as unit,
    1 as qty,
    amount as rate,
    amount as cost,
    text,
    map {'product_name': product_name} as attributes,
    if(business_unit <> '', map {'business_unit': business_unit}, null) as category,
    seller is null and product_code <> 'AmazonRegistrar' as discountable
from due
join account a on a.alias = due.account;

-- The spike: the same job kind, running day and night, without a tag.
insert into line by name
with job as (
    select
        s.*,
        unnest(range(s.jobs)) as job_no,
        getvariable('month_start')::date + s.first_day - 1 as first
    from spike s
    where s.month = getvariable('month_index')
),
job_day as (
    select *, unnest(range(days))::int as d from job
)

select
    concat_ws('/', '1', strftime(first + d, '%d'), 'spike', job_no) as line_key,
    'Usage' as line_type,
    a.id as account_id,
    (first + d)::timestamp as time_start,
    (first + d)::timestamp + interval 1 day as time_end,
    'Anniversary' as bill_type,
    j.product_code,
    k.product_name,
    j.product_code as servicecode,
    family,
    r.new || usage_type as usage_type,
    operation,
    'Hrs' as unit,
    instance_type,
    j.region as region_code,
    'arn:aws:sagemaker:' || j.region || ':' || a.id || ':training-job/sweep-' || left(md5(
        getvariable('seed') || 'spike' || job_no), 8) as resource_id,
    upper(left(md5(j.product_code || usage_type || j.region), 16)) as sku_id,
    sku_id || '.JRTCKXETXF.' || upper(left(md5(price::varchar), 10)) as rate_code,
    if(d = 0, 13.5, 24)::decimal(18, 8) as qty,
    price as rate,
    round(price * qty, 10) as cost,
    price as list_rate,
    round(price * qty, 10) as list_cost,
    'OnDemand' as term,
    '$' || regexp_replace(price::varchar, '\.?0+$', '') || ' ' || text || ' in ' || r.location
        as text,
    map {'product_name': k.product_name, 'region': j.region, 'component': 'Training'} as attributes,
    map {'business_unit': a.business_unit, 'environment': a.env} as category,
    true as discountable
from job_day j
join account a on a.alias = j.account
join region r on r.code = j.region
join product k on k.product_code = j.product_code;

-- Credits and refunds: whole sums, no resource, no discount.
insert into line by name
with adjustment as (
    select 'Credit' as line_type, account, product_code, name as text, -amount as amount,
        month_start() as time_start, month_end() as time_end
    from credit
    where month = getvariable('month_index')
    union all
    select 'Refund', account, product_code, text, amount,
        month_start() - to_months(months_back) + to_days(day - 1),
        month_start() - to_months(months_back) + to_days(day)
    from refund
    where list_contains(months, getvariable('month_index'))
    union all
    select 'Refund', refund_account, refund_product, refund_text, refund_amount,
        month_start() + to_days(17), month_start() + to_days(18)
    from restatement
    where getvariable('restated')
    union all
    select 'Credit', credit_account, credit_product, credit_name, credit_amount,
        month_start(), month_end()
    from restatement
    where getvariable('restated')
)

select
    concat_ws('/', '7', line_type, text, j.product_code) as line_key,
    line_type,
    a.id as account_id,
    time_start,
    time_end,
    if(line_type = 'Refund', 'Refund', 'Anniversary') as bill_type,
    j.product_code,
    k.product_name,
    j.product_code as servicecode,
    0 as qty,
    0 as rate,
    amount as cost,
    text,
    map {'product_name': k.product_name} as attributes,
    if(business_unit <> '', map {'business_unit': business_unit}, null) as category,
    false as discountable
from adjustment j
join account a on a.alias = j.account
join product k on k.product_code = j.product_code;

-- Support: a part of the month's usage of AWS's own services; recomputed when the month is
-- restated.
insert into line by name
with base as (
    select round(sum(cost) * company().support_pct / 100, 2)::decimal(18, 2) as amount
    from line
    where discountable and line_type in ('Usage', 'SavingsPlanRecurringFee', 'RIFee')
)

select
    '6/support' as line_key,
    'Fee' as line_type,
    company().payer_id as account_id,
    month_start() as time_start,
    month_end() as time_end,
    'Anniversary' as bill_type,
    'AWSSupportBusiness' as product_code,
    'AWS Support (Business)' as product_name,
    'AWSSupportBusiness' as servicecode,
    'Dollar' as usage_type,
    upper(left(md5('AWSSupportBusiness'), 16)) as sku_id,
    'SupportBusiness' as fee_code,
    'Dollar' as unit,
    1 as qty,
    amount as rate,
    amount as cost,
    'AWS Support (Business) monthly fee, ' || company().support_pct::int || '% of monthly AWS usage'
        as text,
    map {'product_name': 'AWS Support (Business)'} as attributes,
    map {'business_unit': 'Shared'} as category,
    true as discountable
from base;
