-- The sums a converter must find, from the exact lines and not from the written files.
-- billed: what is paid.  effective: fees that pay for later usage count 0, usage takes its part.
create or replace table judged as
select
    line_type,
    product_code,
    operation,
    cost,
    net,
    if(edp() > 0, net, cost) as billed,
    case
        when line_type = 'DiscountedUsage' then if(edp() > 0, ri_net_amortized + ri_net_recurring,
            ri_amortized + ri_recurring)
        when line_type = 'SavingsPlanCoveredUsage' then if(edp() > 0, sp_net_eff, sp_eff)
        when line_type in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
        when line_type = 'SavingsPlanRecurringFee'
            then (sp_total - sp_used) * if(edp() > 0, sp_keep, 1)
        when line_type = 'RIFee' then if(edp() > 0,
            ri_unused_amortized * ri_upfront_keep + ri_unused_recurring * keep,
            ri_unused_amortized + ri_unused_recurring)
        when line_type = 'Fee' and ri_no is not null then 0
        when edp() > 0 then net
        else cost
    end::decimal(38, 10) as effective
from bill;
