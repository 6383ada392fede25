-- part: demand cut into what reservations took (ri_no) and what is left.
-- A reservation serves its slots in a fixed order until the day's hours are used up.
create or replace table ri_day as
select
    r.ri_no,
    c.day,
    -- on one day in six some units stand idle, whatever the demand
    round(r.units * 24 * case when draw('idle/' || r.arn || '/' || c.day) < 0.16
        then 0.9 else 1 end, 4)::decimal(18, 8) as usable_hours
from reservation r
join calendar c on c.day >= r.start_day and c.day < r.end_day;

create or replace table ri_part as
with ranked as (
    select
        d.slot_id,
        d.day,
        d.qty,
        i.ri_no,
        i.usable_hours,
        sum(d.qty) over (
            partition by i.ri_no, d.day order by d.slot_id rows unbounded preceding
        ) - d.qty as taken_before
    from demand d
    join slot_reservation s on s.slot_id = d.slot_id
    join ri_day i on i.ri_no = s.ri_no and i.day = d.day
)

select
    slot_id,
    day,
    ri_no,
    greatest(0, least(qty, usable_hours - taken_before))::decimal(18, 8) as qty
from ranked
where usable_hours > taken_before;

create or replace table pool as
select
    d.slot_id,
    d.day,
    (d.qty - coalesce(p.qty, 0))::decimal(18, 8) as qty
from demand d
left join ri_part p on p.slot_id = d.slot_id and p.day = d.day;

create or replace table sp_part (
    slot_id int, day date, sp_no int, sp_rate decimal(18, 6), qty decimal(18, 8), eff decimal(18, 8)
);
