-- line: one row per bill line, money exact.  Here the metered lines; 07 adds fees, 08 net and
-- taxes.
create or replace table line (
    line_key varchar, line_type varchar, account_id varchar,
    time_start timestamp, time_end timestamp, bill_type varchar, seller varchar,
    product_code varchar, product_name varchar, servicecode varchar, family varchar,
    usage_type varchar, operation varchar, unit varchar, instance_type varchar, factor double,
    region_code varchar, az varchar, resource_id varchar, sku_id varchar, rate_code varchar,
    qty decimal(18, 8), rate decimal(18, 10), cost decimal(18, 10),
    list_rate decimal(18, 10), list_cost decimal(18, 10), term varchar, fee_code varchar,
    text varchar, tags map(varchar, varchar), category map(varchar, varchar),
    attributes map(varchar, varchar), discountable boolean,
    sp_no int, sp_rate decimal(18, 6), sp_eff decimal(18, 8), sp_total decimal(18, 8),
    sp_used decimal(18, 8), sp_amortized decimal(18, 8), sp_recurring decimal(18, 8),
    ri_no int, ri_amortized decimal(18, 8), ri_recurring decimal(18, 8), ri_hours decimal(18, 8),
    ri_unused decimal(18, 8),
    split_parent varchar, split_usage double, split_reserved double, split_actual double,
    split_ratio double, split_cost decimal(18, 10), split_unused decimal(18, 10),
    split_net decimal(18, 10), split_net_unused decimal(18, 10),
    split_list decimal(18, 10), split_list_unused decimal(18, 10)
);

-- One row per resource: the slot's resource in its present life.
create or replace table resource as
with lives as (
    select distinct slot_id, generation from demand
),
hexed as (
    select
        s.slot_id,
        l.generation,
        s.resource,
        s.region_code,
        s.account_id,
        s.word,
        md5(getvariable('seed') || s.resource_key || '/' || l.generation) as h
    from lives l
    join slot s on s.slot_id = l.slot_id
    where s.resource is not null
)

select
    slot_id,
    generation,
    list_reduce(
        [
            {'k': '', 'v': resource},
            {'k': '{region}', 'v': coalesce(region_code, '')}, {'k': '{account}', 'v': account_id},
            {'k': '{name}', 'v': word}, {'k': '{hex}', 'v': '0' || left(h, 16)},
            {'k': '{hex6}', 'v': left(h, 6)}, {'k': '{hex8}', 'v': left(h, 8)},
            {'k': '{hex10}', 'v': left(h, 10)}, {'k': '{hex16}', 'v': left(h, 16)},
            {'k': '{hex32}', 'v': h}, {'k': '{HEX13}', 'v': upper(left(h, 13))},
            {'k': '{uuid}', 'v': concat_ws('-', h[1:8], h[9:12], h[13:16], h[17:20], h[21:32])}
        ],
        (acc, token) -> {'k': '', 'v': replace(acc.v, token.k, token.v)}
    ).v as resource_id
from hexed;

insert into line by name
with cut as (
    select slot_id, day, qty, 'Usage' as line_type, null as ri_no, null as sp_no,
        null as sp_rate, null as sp_eff
    from pool
    where qty > 0
    union all
    select slot_id, day, qty, 'DiscountedUsage', ri_no, null, null, null
    from ri_part
    where qty > 0
    union all
    select slot_id, day, qty, 'SavingsPlanCoveredUsage', null, sp_no, sp_rate, eff
    from sp_part
    union all
    -- usage that was metered late, known only to the restated bill
    select d.slot_id, d.day, round(d.qty * 0.4)::decimal(18, 8), 'Usage (late)', null, null, null,
        null
    from demand d
    join slot s on s.slot_id = d.slot_id
    join restatement r on s.product_code = r.late_product and day(d.day) = r.late_day
    where getvariable('restated') and d.qty >= 2
)

select
    concat_ws('/', '1', strftime(c.day, '%d'), lpad(c.slot_id::varchar, 5, '0'), c.line_type,
        c.sp_no) as line_key,
    replace(c.line_type, ' (late)', '') as line_type,
    s.account_id,
    c.day::timestamp as time_start,
    c.day::timestamp + interval 1 day as time_end,
    'Anniversary' as bill_type,
    if(s.family is null, s.attributes['seller'], null) as seller,
    s.product_code,
    s.product_name,
    coalesce(s.servicecode, s.product_code) as servicecode,
    s.family,
    s.usage_type,
    s.operation,
    s.unit,
    s.instance_type,
    s.factor,
    s.region_code,
    s.az,
    e.resource_id,
    s.sku_id,
    -- spot, free tier and marketplace have no price in the public list
    if(
        d.rate > 0 and s.shape <> 'spot' and s.family is not null,
        -- a reserved hour is priced by the reservation's offer
        if(c.ri_no is null, s.rate_code, replace(s.rate_code, '.JRTCKXETXF.', '.38NPMPTW36.')),
        null
    ) as rate_code,
    c.qty,
    if(c.ri_no is null, d.rate, 0) as rate,
    if(c.ri_no is null, round(d.rate * c.qty, 10), 0) as cost,
    if(d.rate > 0 and s.shape <> 'spot' and s.family is not null, s.list_rate, null) as list_rate,
    if(d.rate > 0 and s.shape <> 'spot' and s.family is not null,
        round(s.list_rate * c.qty, 10), null) as list_cost,
    case when s.shape = 'spot' then 'Spot' when c.ri_no is not null then 'Reserved'
        when d.rate > 0 and s.family is not null then 'OnDemand' end as term,
    case when c.ri_no is not null then s.instance_type || ' reserved instance applied'
        else '$' || regexp_replace(d.rate::varchar, '\.?0+$', '') || ' ' || s.text end
        || coalesce(' in ' || s.location, '') as text,
    s.tags,
    s.category,
    s.attributes,
    s.family is not null as discountable,
    c.sp_no,
    c.sp_rate,
    c.sp_eff,
    c.ri_no,
    r.upfront_per_hour * c.qty as ri_amortized,
    r.recurring_per_hour * c.qty as ri_recurring
from cut c
join demand d on d.slot_id = c.slot_id and d.day = c.day
join slot s on s.slot_id = c.slot_id
left join resource e on e.slot_id = d.slot_id and e.generation = d.generation
left join reservation r on r.ri_no = c.ri_no;
