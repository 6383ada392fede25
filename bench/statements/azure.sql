-- Actual and amortised cost details side by side, nothing looked up, nothing checked.
with
    actual as (
        select * from read_csv('{files}/exports/*-actual/**/*.csv.gz', all_varchar = true)
    ),
    amortised as (
        select * from read_csv('{files}/exports/*-amortised/**/*.csv.gz', all_varchar = true)
    ),
    matched as (
        select
            coalesce(a.BillingAccountId, m.BillingAccountId) as BillingAccountId,
            coalesce(a.BillingAccountName, m.BillingAccountName) as BillingAccountName,
            coalesce(a.BillingCurrencyCode, m.BillingCurrencyCode) as BillingCurrency,
            strptime(coalesce(a.BillingPeriodStartDate, m.BillingPeriodStartDate), '%m/%d/%Y')
                as BillingPeriodStart,
            strptime(coalesce(a.BillingPeriodEndDate, m.BillingPeriodEndDate), '%m/%d/%Y')
                + interval 1 day as BillingPeriodEnd,
            strptime(coalesce(a.Date, m.Date), '%m/%d/%Y') as ChargePeriodStart,
            strptime(coalesce(a.Date, m.Date), '%m/%d/%Y') + interval 1 day as ChargePeriodEnd,
            coalesce(a.CostInBillingCurrency, '0')::decimal(38, 15) as BilledCost,
            coalesce(m.CostInBillingCurrency, '0')::decimal(38, 15) as EffectiveCost,
            coalesce(a.UnitPrice, m.UnitPrice)::decimal(38, 15) as ContractedUnitPrice,
            coalesce(a.PayGPrice, m.PayGPrice)::decimal(38, 15) as ListUnitPrice,
            coalesce(a.Quantity, m.Quantity)::decimal(38, 15) as Quantity,
            coalesce(a.UnitOfMeasure, m.UnitOfMeasure) as Unit,
            coalesce(a.ChargeType, m.ChargeType) as ChargeType,
            coalesce(a.Frequency, m.Frequency) as Frequency,
            coalesce(a.PricingModel, m.PricingModel) as PricingModel,
            coalesce(a.MeterCategory, m.MeterCategory) as ServiceName,
            coalesce(a.ServiceFamily, m.ServiceFamily) as ServiceCategory,
            coalesce(a.ProductName, m.ProductName) as ChargeDescription,
            coalesce(a.MeterId, m.MeterId) as SkuId,
            coalesce(a.PartNumber, m.PartNumber) as SkuPriceId,
            coalesce(a.ResourceId, m.ResourceId) as ResourceId,
            coalesce(a.ResourceName, m.ResourceName) as ResourceName,
            coalesce(a.ResourceLocationNormalized, m.ResourceLocationNormalized) as RegionId,
            coalesce(a.ResourceLocation, m.ResourceLocation) as RegionName,
            coalesce(a.SubscriptionId, m.SubscriptionId) as SubAccountId,
            coalesce(a.SubscriptionName, m.SubscriptionName) as SubAccountName,
            coalesce(a.PublisherName, m.PublisherName) as PublisherName,
            coalesce(a.benefitId, m.benefitId) as CommitmentDiscountId,
            coalesce(a.benefitName, m.benefitName) as CommitmentDiscountName,
            coalesce(a.Tags, m.Tags) as Tags
        from actual as a
        full join amortised as m
            on a.ResourceId = m.ResourceId and a.Date = m.Date and a.MeterId = m.MeterId
            and a.ChargeType = m.ChargeType
    )
select
    * exclude (Quantity, Unit, ChargeType, Frequency, PricingModel, Tags),
    ContractedUnitPrice * Quantity::double as ContractedCost,
    ListUnitPrice * Quantity::double as ListCost,
    Quantity as PricingQuantity,
    Quantity as ConsumedQuantity,
    Unit as PricingUnit,
    Unit as ConsumedUnit,
    case ChargeType when 'Purchase' then 'Purchase' when 'Tax' then 'Tax' else 'Usage' end
        as ChargeCategory,
    case Frequency when 'UsageBased' then 'Usage-Based' else Frequency end as ChargeFrequency,
    case PricingModel when 'OnDemand' then 'Standard' else 'Committed' end as PricingCategory,
    case
        when ChargeType = 'UnusedReservation' then 'Unused'
        when CommitmentDiscountId is not null then 'Used'
    end as CommitmentDiscountStatus,
    ('{{' || Tags || '}}')::json::map(varchar, varchar) as Tags,
    'Microsoft' as ProviderName,
    'Microsoft' as InvoiceIssuerName
from matched
