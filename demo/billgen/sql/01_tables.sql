-- The company as typed tables.  Each getvariable('…_json') is a list of objects from company.toml
-- or
-- skus.csv; the structure given to from_json is the contract: a missing key is null, a type is
-- fixed here.
-- A number in [0, 1) that depends on seed and key alone: md5, because hash() may change with
-- DuckDB.
create or replace macro draw(key) as
    (md5_number_lower(getvariable('seed') || '/' || key) % 1000003) / 1000003e0;

create or replace macro growth(pct, day) as
    pow(1 + pct / 100e0, date_diff('day', company().growth_epoch, day::date) / 30.4375);

create or replace macro company() as getvariable('company');

create or replace table company_row as
select unnest(from_json(getvariable('company_json'), '[{
    "name": "VARCHAR", "invoicing_entity": "VARCHAR",
    "payer_id": "VARCHAR", "payer_name": "VARCHAR", "growth_epoch": "DATE",
    "growth_pct_per_month": "DOUBLE", "vat_pct": "DECIMAL(5,2)", "support_pct": "DECIMAL(5,2)",
    "edp_pct": "DECIMAL(5,2)", "untagged_pct": "DOUBLE", "owner_key_pct": "DOUBLE"
}]')) as c;

set variable company = (select c from company_row)
;

create or replace table account as
select unnest(from_json(getvariable('account_json'), '[{
    "id": "VARCHAR", "name": "VARCHAR", "alias": "VARCHAR", "business_unit": "VARCHAR",
    "env": "VARCHAR", "env_spellings": ["VARCHAR"], "teams": ["VARCHAR"]
}]'), recursive := true);

create or replace table team as
select unnest(from_json(getvariable('team_json'), '[{
    "name": "VARCHAR", "cost_center": "VARCHAR", "spellings": ["VARCHAR"]
}]'), recursive := true);

-- weight_from and weight_to cut [0, 1) into one piece a region.
create or replace table region as
select
    *,
    (sum(weight) over (order by region_no) - weight) / sum(weight) over () as weight_from,
    sum(weight) over (order by region_no) / sum(weight) over () as weight_to
from (
    select unnest(from_json(getvariable('region_json'), '[{
        "region_no": "INTEGER", "code": "VARCHAR", "location": "VARCHAR", "classic": "VARCHAR",
        "new": "VARCHAR", "price_factor": "DECIMAL(9,4)", "weight": "DOUBLE"
    }]'), recursive := true)
);

create or replace table sku as
select unnest(from_json(getvariable('sku_json'), '[{
    "sku_no": "INTEGER", "product_code": "VARCHAR", "product_name": "VARCHAR",
    "servicecode": "VARCHAR", "family": "VARCHAR", "usage_type": "VARCHAR",
    "operation": "VARCHAR", "unit": "VARCHAR", "price": "DECIMAL(18,10)",
    "list_price": "DECIMAL(18,10)", "instance_type": "VARCHAR", "factor": "DOUBLE",
    "prefix": "VARCHAR", "shape": "VARCHAR", "slots": "INTEGER", "usd_month": "DOUBLE",
    "growth_pct": "DOUBLE", "accounts": ["VARCHAR"], "region": "VARCHAR", "resource": "VARCHAR",
    "life_days": "INTEGER", "savings_pct": "DECIMAL(5,2)", "attributes": "VARCHAR",
    "text": "VARCHAR"
}]'), recursive := true);

create or replace table product as
select product_code, any_value(product_name) as product_name
from sku
group by product_code;

create or replace table savings_plan as
select unnest(from_json(getvariable('savings_plan_json'), '[{
    "sp_no": "INTEGER", "id": "VARCHAR", "offering": "VARCHAR", "payment_option": "VARCHAR",
    "term_years": "INTEGER", "start_day": "DATE", "end_day": "DATE", "region": "VARCHAR",
    "family": "VARCHAR", "hourly_commitment": "DECIMAL(12,4)", "upfront_share": "DECIMAL(3,2)",
    "extra_discount_pct": "DECIMAL(5,2)", "usage_type": "VARCHAR", "bought_in_contract": "BOOLEAN"
}]'), recursive := true);

create or replace table reservation as
select unnest(from_json(getvariable('reservation_json'), '[{
    "ri_no": "INTEGER", "arn": "VARCHAR", "product_code": "VARCHAR", "usage_type": "VARCHAR",
    "operation": "VARCHAR", "fee_usage_type": "VARCHAR", "region": "VARCHAR", "units": "INTEGER",
    "payment_option": "VARCHAR", "term_years": "INTEGER", "start_day": "DATE",
    "end_day": "DATE",
    "recurring_per_hour": "DECIMAL(9,4)", "upfront_per_hour": "DECIMAL(9,4)",
    "bought_in_contract": "BOOLEAN"
}]'), recursive := true);

create or replace table fee as
select unnest(from_json(getvariable('fee_json'), '[{
    "fee_no": "INTEGER", "line_type": "VARCHAR", "account": "VARCHAR", "product_code": "VARCHAR",
    "product_name": "VARCHAR", "usage_type": "VARCHAR", "fee_code": "VARCHAR", "text": "VARCHAR",
    "seller": "VARCHAR", "amount": "DECIMAL(18,2)", "day": "INTEGER", "term_months": "INTEGER",
    "months": ["INTEGER"]
}]'), recursive := true);

-- One row per credit, month and product.
create or replace table credit as
select unnest(from_json(getvariable('credit_json'), '[{
    "account": "VARCHAR", "name": "VARCHAR", "product_code": "VARCHAR", "month": "INTEGER",
    "amount": "DECIMAL(18,2)"
}]'), recursive := true);

create or replace table refund as
select unnest(from_json(getvariable('refund_json'), '[{
    "account": "VARCHAR", "product_code": "VARCHAR", "text": "VARCHAR",
    "amount": "DECIMAL(18,2)", "months": ["INTEGER"], "months_back": "INTEGER", "day": "INTEGER"
}]'), recursive := true);

create or replace table spike as
select unnest(from_json(getvariable('spike_json'), '[{
    "month": "INTEGER", "first_day": "INTEGER", "days": "INTEGER", "account": "VARCHAR",
    "region": "VARCHAR", "product_code": "VARCHAR", "usage_type": "VARCHAR",
    "operation": "VARCHAR", "instance_type": "VARCHAR", "family": "VARCHAR",
    "price": "DECIMAL(18,10)", "jobs": "INTEGER", "text": "VARCHAR"
}]'), recursive := true);

create or replace table restatement as
select unnest(from_json(getvariable('restatement_json'), '[{
    "changed_product": "VARCHAR", "changed_first_day": "INTEGER", "changed_days": "INTEGER",
    "changed_factor": "DOUBLE", "late_product": "VARCHAR", "late_day": "INTEGER",
    "refund_account": "VARCHAR", "refund_product": "VARCHAR", "refund_text": "VARCHAR",
    "refund_amount": "DECIMAL(18,2)", "credit_account": "VARCHAR", "credit_product": "VARCHAR",
    "credit_name": "VARCHAR", "credit_amount": "DECIMAL(18,2)"
}]'), recursive := true);

create or replace table cluster as
select unnest(from_json(getvariable('cluster_json'), '[{
    "name": "VARCHAR", "account": "VARCHAR", "region": "VARCHAR", "instance_type": "VARCHAR",
    "nodes": "INTEGER", "pods_per_node": "INTEGER", "cpu_share": "DECIMAL(3,2)"
}]'), recursive := true);

create or replace table workload as
select unnest(from_json(getvariable('workload_json'), '[{
    "workload_no": "INTEGER", "namespace": "VARCHAR", "workload": "VARCHAR", "team": "VARCHAR"
}]'), recursive := true);
