{#- One row per charge of AWS's own FOCUS export, with what FOCUS asks for and AWS leaves out. -#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    services as (select * from {{ vocabulary("aws", "services") }}),

    regions as (select * from {{ vocabulary("aws", "regions") }}),

    account_names as (select * from {{ account_names() }}),

    words as (
        select
            source.*,
            ChargeCategory = 'Tax' as is_tax,
            ChargeCategory in ('Usage', 'Purchase') as is_priced,
            -- one name has one category; AWS's own disks have EC2's name and Storage's category
            coalesce(
                ServiceName = 'Amazon Elastic Compute Cloud' and ServiceCategory = 'Storage', false
            ) as is_block_storage,
            -- the seller is a Marketplace seller or one of AWS's own companies
            coalesce(
                not regexp_matches(PublisherName, '^(Amazon|AWS|AMCS|AISPL)'), false
            ) as is_marketplace,
            coalesce(ListCost, BilledCost, 0) as list_cost,
            coalesce(ContractedCost, BilledCost, 0) as contracted_cost,
            case when ChargeCategory <> 'Tax' then PricingQuantity end as quantity,
            case
                when lower(RegionId) not in ('global', 'any', 'external') then RegionId
            end as region_word,
            coalesce(CapacityReservationStatus in ('Used', 'Unused'), false) as is_capacity_known
        from source
    ),

    final as (
        select
            words.*,
            case
                when is_block_storage then 'Amazon Elastic Block Store' else ServiceName
            end as service_name,
            coalesce(
                words.ServiceSubcategory,
                case when is_block_storage then 'Block Storage' end,
                case
                    when services.service_category = words.ServiceCategory
                    then services.service_subcategory
                end,
                'Other (' || words.ServiceCategory || ')'
            ) as service_subcategory,
            coalesce(regions.region_name, RegionName, region_word) as region_name,
            coalesce(SubAccountName, usage_names.account_name, SubAccountId) as sub_account_name,
            coalesce(BillingAccountName, payer_names.account_name) as billing_account_name,
            case
                when is_tax
                then null
                when is_priced
                then coalesce(SkuId, SkuMeter, x_UsageType, x_ServiceCode, ServiceName)
                else SkuId
            end as sku_id,
            case
                when is_tax
                then null
                when is_priced
                then coalesce(SkuPriceId, SkuId, SkuMeter, x_UsageType, x_ServiceCode, ServiceName)
                else SkuPriceId
            end as sku_price_id,
            case
                when is_tax
                then null
                when ListUnitPrice >= 0 and ListCost is not null
                then ListUnitPrice
                when is_priced and sign(list_cost) * sign(quantity) >= 0
                then {{ divide_money("list_cost", "quantity") }}
            end as list_price,
            case
                when is_tax
                then null
                when ContractedUnitPrice >= 0 and ContractedCost is not null
                then ContractedUnitPrice
                when is_priced and sign(contracted_cost) * sign(quantity) >= 0
                then {{ divide_money("contracted_cost", "quantity") }}
            end as contracted_price,
            coalesce(
                ResourceType,
                nullif(regexp_extract(ResourceId, '^arn:(?:[^:]*:){4}/?([^:/]+)[:/]', 1), ''),
                case
                    split_part(ResourceId, '-', 1)
                    when 'i'
                    then 'instance'
                    when 'vol'
                    then 'volume'
                    when 'snap'
                    then 'snapshot'
                end,
                x_ServiceCode,
                ServiceName
            ) as resource_type,
            -- users' keys lose their prefix, unless that makes two of them equal
            {{
                map_renamed(
                    "Tags", "case when starts_with(k, 'user:') then substr(k, 6) else k end"
                )
            }} as focus_tags,
            coalesce(PricingCurrency, BillingCurrency) as pricing_currency,
            coalesce(PricingCurrency = BillingCurrency, true) as is_one_currency,
            coalesce(EffectiveCost, BilledCost, 0) as effective_cost
        from words
        left join services on words.x_ServiceCode = services.product_code
        left join regions on words.region_word = regions.word
        left join account_names as usage_names on words.SubAccountId = usage_names.account_id
        left join account_names as payer_names on words.BillingAccountId = payer_names.account_id
    )

select *
from final
