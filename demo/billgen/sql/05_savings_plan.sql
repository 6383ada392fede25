-- Run once per plan, in the order of use: takes from pool what plan number sp_no can pay for.
-- eff has 8 decimals so that a discount of 6 % or half of it is exact in 10.
insert into sp_part
with budget as (
    select
        p.sp_no,
        c.day,
        -- some hours of the day have too little usage, more of them on weekends
        round(p.hourly_commitment * 24 * case
            when c.weekend then 0.90 + 0.08 * draw('unused/' || p.id || '/' || c.day)
            when draw('unused/' || p.id || '/' || c.day) < 0.4
                then 0.96 + 0.04 * draw('less/' || p.id || '/' || c.day)
            else 1
        end, 4)::decimal(18, 8) as usd
    from savings_plan p
    join calendar c on c.day >= p.start_day and c.day < p.end_day
    where p.sp_no = getvariable('sp_no')
),
ranked as (
    select
        o.slot_id,
        o.day,
        o.qty,
        s.sp_no,
        s.sp_rate,
        b.usd,
        round(s.sp_rate * o.qty, 8)::decimal(18, 8) as eff,
        (sum(round(s.sp_rate * o.qty, 8)) over (
            -- the best discount first, as the provider does
            partition by o.day order by l.savings_pct desc, o.slot_id rows unbounded preceding
        ))::decimal(18, 8) as eff_sum
    from pool o
    join slot l on l.slot_id = o.slot_id
    join slot_savings_plan s on s.slot_id = o.slot_id and s.sp_no = getvariable('sp_no')
    join budget b on b.day = o.day
    where o.qty > 0
),
taken as (
    select
        * exclude (qty, eff),
        case when eff_sum <= usd then qty
            -- 8 decimals: the money left is then met exactly
            else (usd - (eff_sum - eff)) / sp_rate
        end::decimal(18, 8) as qty
    from ranked
    where eff_sum - eff < usd
)

select slot_id, day, sp_no, sp_rate, qty, round(sp_rate * qty, 8)::decimal(18, 8) as eff
from taken
where qty > 0;

create or replace table pool as
select o.slot_id, o.day, (o.qty - coalesce(p.qty, 0))::decimal(18, 8) as qty
from pool o
left join sp_part p
    on p.slot_id = o.slot_id and p.day = o.day and p.sp_no = getvariable('sp_no');
