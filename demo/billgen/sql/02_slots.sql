-- slot: one row per place where a SKU can run, the same for every month.  A fleet SKU (no
-- usd_month)
-- grows by more slots, a metered SKU by larger amounts; the resource in a slot is replaced over
-- time.
create or replace table slot as
with spread as (
    select
        *,
        usd_month is not null or shape = 'free' as metered,
        unnest(range(case
            when usd_month is not null or shape = 'free' then slots
            -- room for 27 months of growth at 2 %
            else ceil(slots * 1.7)::int + 1
        end))::int as slot_no
    from sku
),
placed as (
    select
        s.*,
        a.id as account_id,
        a.env,
        a.env_spellings,
        a.business_unit,
        -- rows of one resource share the key: the storage and the requests of one bucket
        concat_ws('/', s.product_code, a.alias, s.slot_no, coalesce(
            s.instance_type || s.operation,
            case when s.product_code = 'AmazonEC2' and s.family = 'Data Transfer'
                then 'm6i.largeRunInstances' end,
            regexp_extract(s.attributes, 'volume_api_name=(\w+)', 1)
        )) as resource_key,
        concat_ws('/', s.sku_no, s.slot_no) as slot_key,
        a.teams[1 + (draw('team/' || s.sku_no || '/' || s.slot_no) * len(a.teams))::int
            % len(a.teams)] as team_name
    from spread s
    join account a on a.alias = s.accounts[1 + s.slot_no % len(s.accounts)]
),
located as (
    select
        p.*,
        r.code as region_code,
        r.location,
        case p.prefix when 'classic' then r.classic when 'new' then r.new else '' end as ut_prefix,
        coalesce(r.price_factor, 1) as price_factor,
        case
            when p.family = 'Compute Instance' and p.product_code = 'AmazonEC2'
                then r.code || chr(97 + (draw('az/' || p.resource_key) * 2)::int % 2)
        end as az
    from placed p
    left join region r
        on p.prefix <> 'none'
        and case
            when p.region is not null then r.code = p.region
            else draw('region/' || p.resource_key) >= r.weight_from
                and draw('region/' || p.resource_key) < r.weight_to
        end
),
priced as (
    select
        *,
        case when price >= 0.01
            then round(price * price_factor, 4)
            else round(price * price_factor, 10)
        end::decimal(18, 10) as rate,
        case when coalesce(list_price, price) >= 0.01
            then round(coalesce(list_price, price) * price_factor, 4)
            else round(coalesce(list_price, price) * price_factor, 10)
        end::decimal(18, 10) as list_rate,
        upper(left(md5(concat_ws('|', product_code, usage_type, operation, region_code)), 16))
            as sku_id,
        draw('tag/' || resource_key) * 100 as tag_draw,
        draw('spelling/' || resource_key) as spelling_draw,
        getvariable('words')[1 + (draw('word/' || resource_key) * 997)::int
            % len(getvariable('words'))] || '-' || left(md5(resource_key), 3) as word
    from located
),
tagged as (
    select
        p.*,
        -- the first spelling is the usual one (7 of 10)
        case when spelling_draw < 0.7 then t.spellings[1]
            else t.spellings[2 + (spelling_draw * 1000)::int % 2] end as team_spelling,
        env_spellings[1 + (spelling_draw * 10007)::int % len(env_spellings)] as env_spelling,
        t.cost_center
    from priced p
    join team t on t.name = p.team_name
)

select
    row_number() over (order by sku_no, slot_no)::int as slot_id,
    * exclude (region, usage_type, team_name, env, env_spellings, accounts, ut_prefix, attributes),
    ut_prefix || usage_type as usage_type,
    usage_type as bare_usage_type,
    sku_id || '.JRTCKXETXF.' || upper(left(md5(rate::varchar), 10)) as rate_code,
    case when business_unit <> ''
        then map {'business_unit': business_unit, 'environment': env}
        else map {}::map(varchar, varchar)
    end as category,
    case when resource is null or tag_draw < company().untagged_pct
        then map {}::map(varchar, varchar)
        else map_from_entries(list_filter([
            {'k': case when tag_draw < company().untagged_pct + company().owner_key_pct
                then 'user_owner_team' else 'user_team' end, 'v': team_spelling},
            {'k': 'user_env', 'v': case when draw('env/' || resource_key) < 0.88
                then env_spelling end},
            {'k': 'user_cost_center', 'v': case when draw('cc/' || resource_key) < 0.7
                then cost_center end},
            {'k': 'user_name', 'v': case when resource not like 'arn:%' then word end}
        ], x -> x.v is not null))
    end::map(varchar, varchar) as tags,
    map_from_entries(list_concat(
        [{'k': 'product_name', 'v': product_name}, {'k': 'servicename', 'v': product_name}],
        case when region_code is null then [] else [{'k': 'region', 'v': region_code}] end,
        case when attributes is null then [] else list_transform(
            string_split(attributes, '|'),
            a -> {'k': split_part(a, '=', 1), 'v': split_part(a, '=', 2)}) end
    ))::map(varchar, varchar) as attributes
from tagged
order by slot_id;

-- Slots of one reservation, or under a savings plan.  A plan of one family and region comes first.
create or replace table slot_reservation as
select s.slot_id, r.ri_no
from slot s
join reservation r
    on r.product_code = s.product_code
    and r.usage_type = s.bare_usage_type
    and r.operation = s.operation
    and r.region = s.region_code;

create or replace table slot_savings_plan as
select
    s.slot_id,
    p.sp_no,
    round(s.rate * (100 - s.savings_pct - p.extra_discount_pct) / 100, 6)::decimal(18, 6) as sp_rate
from slot s
join savings_plan p
    on s.savings_pct is not null
    and (p.region = 'Any' or p.region = s.region_code)
    and (p.family is null or starts_with(s.instance_type, p.family || '.'));
