{{ config(materialized="view") }}

with
    costs as (select * from {{ ref("cost_by_day") }}),

    rates as (select * from {{ exchange_rates() }}),

    final as (
        select
            costs.x_SourceName,
            costs.x_DeliveryId,
            costs.BillingPeriodStart,
            costs.charge_date,
            costs.ServiceProviderName,
            costs.BillingAccountId,
            costs.BillingAccountName,
            costs.SubAccountId,
            costs.SubAccountName,
            costs.RegionId,
            costs.RegionName,
            costs.ServiceCategory,
            costs.ServiceSubcategory,
            costs.ServiceName,
            costs.ChargeCategory,
            costs.ChargeClass,
            costs.PricingCategory,
            costs.CommitmentDiscountStatus,
            costs.BillingCurrency,
            costs.charges,
            rates.to_currency as converted_currency,
            rates.rate as exchange_rate,
            {{ convert_money("costs.billed_cost", "rates.rate") }} as converted_billed_cost,
            {{ convert_money("costs.effective_cost", "rates.rate") }} as converted_effective_cost,
            {{ convert_money("costs.list_cost", "rates.rate") }} as converted_list_cost,
            {{ convert_money("costs.contracted_cost", "rates.rate") }} as converted_contracted_cost,
        from costs
        left join
            rates
            on costs.BillingCurrency = rates.from_currency
            and (costs.BillingPeriodStart = rates.month_start or rates.month_start is null)
    )

select *
from final
