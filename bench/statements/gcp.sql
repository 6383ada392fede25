-- The detailed export, credits taken off in the same row, nothing looked up, nothing checked.
select
    billing_account_id as BillingAccountId,
    currency as BillingCurrency,
    strptime(invoice.month, '%Y%m') as BillingPeriodStart,
    strptime(invoice.month, '%Y%m') + interval 1 month as BillingPeriodEnd,
    usage_start_time::timestamp as ChargePeriodStart,
    usage_end_time::timestamp as ChargePeriodEnd,
    cost::decimal(38, 15)
    + coalesce(list_sum(list_transform(credits, lambda c: c.amount)), 0)::decimal(38, 15)
        as BilledCost,
    cost::decimal(38, 15)
    + coalesce(list_sum(list_transform(credits, lambda c: c.amount)), 0)::decimal(38, 15)
        as EffectiveCost,
    cost::decimal(38, 15) as ContractedCost,
    cost_at_list::decimal(38, 15) as ListCost,
    price.effective_price::decimal(38, 15) as ContractedUnitPrice,
    price.list_price::decimal(38, 15) as ListUnitPrice,
    usage.amount_in_pricing_units::decimal(38, 15) as PricingQuantity,
    usage.pricing_unit as PricingUnit,
    usage.amount::decimal(38, 15) as ConsumedQuantity,
    usage.unit as ConsumedUnit,
    case cost_type when 'tax' then 'Tax' when 'adjustment' then 'Adjustment' else 'Usage' end
        as ChargeCategory,
    'Usage-Based' as ChargeFrequency,
    'Standard' as PricingCategory,
    service.description as ServiceName,
    sku.description as ChargeDescription,
    sku.id as SkuId,
    sku.id as SkuPriceId,
    resource.global_name as ResourceId,
    resource.name as ResourceName,
    location.region as RegionId,
    location.region as RegionName,
    location.zone as AvailabilityZone,
    project.id as SubAccountId,
    project.name as SubAccountName,
    map_from_entries(list_transform(labels, lambda l: struct_pack(k := l.key, v := l.value))) as Tags,
    'Google Cloud' as ProviderName,
    'Google Cloud' as PublisherName,
    'Google Cloud' as InvoiceIssuerName
from read_parquet('{files}/**/*.parquet')
