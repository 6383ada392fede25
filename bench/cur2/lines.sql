-- One month's report lines, from {rows} rows asked for: view line, one row per line with every
-- figure the columns are written from. {base} metered lines come in groups of 20 slots (k):
-- 0, 1 covered by a savings plan; 2, 3 their negations; 4, 5 reserved; 6 spot; 7 marketplace.

create or replace macro rnd(a, b) as (hash(a, b, {seed}) % 1000003) / 1000003.0;

create or replace macro id13(h) as to_base((h >> 1)::bigint, 32, 13);

create or replace macro pick(r, salt, words) as words[1 + (rnd(r, salt) * 97)::int % len(words)];

create or replace macro span(t0, t1) as
    strftime(t0, '%Y-%m-%dT%H:%M:%SZ/') || strftime(t1, '%Y-%m-%dT%H:%M:%SZ');

create or replace table skus as
select row_number() over () - 1 as n, service as svc, family as fam, usage_type as ut,
    operation as op, unit, price::double as price, instance_type as itype, name as sname
from read_csv('{folder}/skus.csv', all_varchar = true, header = true);

create or replace table regions as
select row_number() over () - 1 as n, region, name as rname, coalesce(prefix, '') as ut_prefix
from read_csv('{folder}/regions.csv', all_varchar = true, header = true);

-- what is metered: one row per resource r
create or replace table res as
select
    r, r % 20 as k,
    (100000000001 + hash(r // 20) % 12)::varchar as acct,
    map(['business_unit'], [case when rnd(r, 5) < .6 then 'retail' else 'media' end]) as bu_map,
    rnd(r, 6) * 3 as scale,
    skus.* exclude (n), regions.* exclude (n),
    upper(left(md5(concat(svc, ut, region)), 16)) as sku,
    r % 20 = 7 as mp,
    map(['product_name', 'region', 'servicename', 'group'], [sname, region, sname, fam]) as pmap,
    case
        when r % 20 in (4, 5, 6) or rnd(r, 8) < .55
        then map(['user_team', 'user_env', 'user_cost_center'], [
            pick(r, 11, ['platform', 'data', 'Checkout ', 'search', 'ml-research']),
            pick(r, 12, ['prod', 'staging', 'dev', 'Prod']),
            pick(r, 13, ['1001', '1002', '2040', 'O''Neil & Söhne, "x"'])])
        else map {}
    end::map(varchar, varchar) as tags,
    case when r % 20 < 2 then 'sp-' || lpad((r // 20 % {plans})::varchar, 4, '0') end as sp,
    case
        when r % 20 in (4, 5)
        then 'ri-' || (r % 20) || '-' || lpad((r // 20 % {plans})::varchar, 4, '0')
    end as ri,
    case when r // 20 % {plans} % 2 = 1 then .5e0 else 0e0 end as up,
    'acct-' || right(acct, 3) as acct_name,
    case when itype is not null then region || chr(97 + (hash(r) % 3)::int) end as az,
    case when itype is not null then 4e0 end as norm,
    case
        when r % 20 = 6 then round(price * .35, 6) when r % 20 in (4, 5) then 0e0 else price
    end as rate,
    rate::varchar as rate_s,
    case when r % 20 <> 7 then price::varchar end as price_s,
    upper(left(md5(sku), 20)) as rate_code,
    (hash(sku) % 1000000000)::varchar as rate_id,
    ut_prefix
    || case when r % 20 = 6 then replace(ut, 'BoxUsage', 'SpotUsage') else ut end as usage_type,
    '$' || price || ' per ' || unit || ' ' || ut || ' in ' || rname as descr,
    true as metered,
    case
        when r % 20 < 2 then 'SavingsPlanCoveredUsage' when r % 20 < 4 then 'SavingsPlanNegation'
        when r % 20 < 6 then 'DiscountedUsage' else 'Usage'
    end as lt,
    case
        when ri is not null then case when up > 0 then 'Partial Upfront' else 'No Upfront' end
    end as ri_option,
    case
        when r % 20 < 10 then 'i-' || left(md5(concat(r, '{seed}')), 17)
        else 'arn:aws:' || svc || ':' || region || ':' || acct || ':x-'
    end as rid
from range({groups} * 20) t(r)
join regions on regions.n = hash(r // 20) % (select count(*) from regions)
join skus on skus.n = case
    when r % 20 in (2, 3) then hash(r - 2) % 4 when r % 20 in (0, 1, 4, 6) then hash(r) % 4
    when r % 20 = 5 then 4 else hash(r) % (select count(*) from skus)
end;

create or replace table hour as
select h, {start} + to_hours(h) as t0, {start} + to_hours(h + 1) as t1, span(t0, t1) as span
from range({hours}) t(h);

create or replace table seq as
select j, j // 20 // {groups} as h, (j // 20 % {groups}) * 20 + j % 20 as r, j % 20 as k
from range({base}) t(j);

-- a negation (slots 2, 3) repeats the amount of the covered line it cancels (slots 0, 1)
create or replace view metered_line as
select
    j, res.* exclude (scale, up, sname, rid), h,
    case
        when k < 6 then round(.25 + .75 * rnd(case when k in (2, 3) then j - 2 else j end, 21), 6)
        when itype is not null then 1.0
        else round(scale * 10 * rnd(j, 22), 8)
    end as qty,
    round(rate * qty, 10) * case when k in (2, 3) then -1 else 1 end as cost,
    case
        when k < 2 then round(price * .66 * qty, 10) when k in (4, 5) then round(price * .6 * qty, 10)
    end as eff,
    up as ri_up, 0e0 as ri_fee, 0e0 as ri_used,
    up as sp_up, 0e0 as sp_commit, 0e0 as sp_used,
    t0, t1, span,
    case when k < 10 then rid else rid || id13(hash(r, h // 48)) end as rid
from seq join res using (r, k) join hour using (h);

-- a commitment is set just above the most its lines used in an hour, a reservation's fee above its month
create or replace table sp_use as
select sp, h, any_value(sp_up) as sp_up, sum(eff) as used
from metered_line where k < 2 group by all;

create or replace table sp_plan as
select sp, any_value(sp_up) as sp_up, round(max(used) * 1.03 + .005, 2) as sp_commit
from sp_use group by sp;

create or replace table ri_use as
select ri, any_value(ri_up) as ri_up, any_value(region) as region,
    sum(eff) as ri_used, round(sum(eff) * 1.07 + 1, 2) as ri_fee
from metered_line where k in (4, 5) group by ri;

create or replace table extra as from metered_line limit 0;

insert into extra by name
select p.*, coalesce(used, 0) as sp_used, 'SavingsPlanRecurringFee' as lt,
    sp_commit * (1 - p.sp_up) as cost, '3 year savings plan' as descr, hour.*
from sp_plan p cross join hour left join sp_use u on u.sp = p.sp and u.h = hour.h;

insert into extra by name
select ri_use.*, 'RIFee' as lt, ri_fee * (1 - ri_up) as cost,
    'Reserved instance monthly fee' as descr, {start} as t0, {end} as t1
from ri_use;

-- tax, credits, refunds, fees; whatever is left over is one-off usage
insert into extra by name
select
    (100000000001 + i % 12)::varchar as acct, l as lt, round(c * (20 + 80 * rnd(i, 31)), 2) as cost,
    l || ' line' as descr, {start} + to_days(i % 28) as t0, {start} + to_days(i % 28 + 1) as t1,
    l = 'Fee' and i % 2 = 0 as mp
from (
    select i, ['Tax', 'Credit', 'Refund', 'Fee', 'Usage'][x] as l, [.8, -1, -.3, 2, 1][x] as c
    from (
        select i::int as i, case when i >= 40 then 5 else 1 + i % 4 end::int as x
        from range({rows} - {base} - (select count(*) from extra)) g(i)
    )
);

create or replace view line as
from metered_line
union all by name
select
    e.* replace (
        {base} + e.rowid as j, coalesce(e.acct, '100000000001') as acct,
        coalesce(e.region, d.region) as region, false as metered, coalesce(e.mp, false) as mp,
        map {} as tags, 8 as k, 1e0 as qty, coalesce(e.span, span(e.t0, e.t1)) as span,
        e.lt || ':' || d.svc as usage_type,
        d.svc as svc, d.fam as fam, d.unit as unit, d.price as price, d.rname as rname,
        d.pmap as pmap, d.bu_map as bu_map,
        coalesce(sp_commit, 0) as sp_commit, coalesce(sp_used, 0) as sp_used,
        coalesce(ri_fee, 0) as ri_fee, coalesce(ri_used, 0) as ri_used
    )
from extra e, (from res where r = 0) d;
