-- VAT: one line per account, product and seller, on what is really paid, in whole cents.
insert into bill by name
with base as (
    select
        account_id,
        product_code,
        seller,
        any_value(product_name) as product_name,
        round(sum(net) * company().vat_pct / 100, 2)::decimal(18, 2) as amount
    from bill
    group by account_id, product_code, seller
)

select
    concat_ws('/', 'a', account_id, product_code, seller) as line_key,
    'Tax' as line_type,
    account_id,
    month_start() as time_start,
    month_end() as time_end,
    'Anniversary' as bill_type,
    seller,
    product_code,
    product_name,
    product_code as servicecode,
    1 as qty,
    amount as cost,
    0 as discount,
    amount as net,
    'Tax for product code ' || product_code || ' VAT ' || company().vat_pct::int || '%' as text,
    map {'product_name': product_name} as attributes,
    false as discountable
from base
where amount <> 0;
