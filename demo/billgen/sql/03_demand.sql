-- demand: one row per slot and day of the month, before any commitment is used.
-- qty is in the SKU's unit; hours have 4 decimals so that reservation rates (4) stay exact in 8.
create or replace table calendar as
select
    d::date as day,
    isodow(d) >= 6 as weekend,
    date_diff('day', date '2020-01-01', d::date) as day_no
from range(getvariable('month_start'), getvariable('month_end'), interval 1 day) t(d);

create or replace table demand as
with running as (
    select
        s.slot_id,
        s.slot_key,
        s.resource_key,
        s.shape,
        s.metered,
        s.unit,
        s.price,
        s.rate,
        s.usd_month,
        s.slots,
        s.life_days,
        c.day,
        c.day_no,
        c.weekend,
        s.product_code,
        growth(coalesce(s.growth_pct, company().growth_pct_per_month), c.day) as grown,
        0.4 + 1.2 * draw('weight/' || s.slot_key) as weight,
        draw('day/' || s.slot_key || '/' || c.day) as x,
        -- the whole company has good and bad days
        0.97 + 0.06 * draw('company day/' || c.day) as company_day
    from slot s
    cross join calendar c
    where
        (s.metered or s.slot_no + draw('birth/' || s.sku_no) < s.slots
            * growth(coalesce(s.growth_pct, company().growth_pct_per_month), c.day))
        and (s.shape <> 'monthly' or c.day = getvariable('month_start')::date)
),
shaped as (
    select
        *,
        case shape
            when 'always' then 1
            when 'spot' then case when x < 0.25 then 0 else 0.3 + 0.7 * x end
            when 'office' then case when weekend then 0.05 + 0.15 * x else 0.42 + 0.2 * x end
            when 'shop' then case when weekend then 0.58 + 0.15 * x else 0.82 + 0.15 * x end
            when 'batch' then case when x < 0.45 then 0 else 0.2 + 0.75 * x end
        end as fleet_share,
        case shape
            when 'shop' then case when weekend then 0.80 else 1.06 end * (0.93 + 0.14 * x)
            when 'office' then case when weekend then 0.22 else 1.3 end * (0.85 + 0.3 * x)
            when 'batch' then case when x < 0.4 then 0 else 0.6 + 1.5 * x end
            when 'monthly' then 30.4
            else 0.99 + 0.02 * x
        end as metered_share
    from running
),
measured as (
    select
        s.*,
        case
            when shape = 'free' then 1000 * weight * (0.5 + x)
            when not metered then 24 * fleet_share
            else usd_month / 30.4 / slots * weight * grown * metered_share / price
                * case when shape = 'flat' then 1 else company_day end
        end
        -- what the restated bill corrects
        * case when getvariable('restated')
            and product_code = r.changed_product
            and day(s.day) >= r.changed_first_day
            and day(s.day) < r.changed_first_day + r.changed_days
            then r.changed_factor else 1 end as amount
    from shaped s
    cross join restatement r
)

select
    slot_id,
    slot_key,
    day,
    case when life_days is null then 0
        else (day_no + (draw('life/' || resource_key) * life_days)::int)  -- life_days
    end as generation,
    case
        when shape = 'spot' then round(
            price * (0.85 + 0.3 * draw('spot/' || product_code || price || day)), 4)
        else rate
    end::decimal(18, 10) as rate,
    case
        -- requests and tokens are counted, the rest is measured
        when price < 0.0001 and unit <> 'Lambda-GB-Second' then round(amount)
        else round(amount, 4)
    end::decimal(18, 8) as qty
from measured
where amount > 0.00005
order by slot_id, day;
