{#-
  One row per commitment: what it cost in the month, on the effective-cost basis.

  Credit model: the fees of the pools that go by its id. Offset model: what its fees' offsets do not
  take back, and the cost of the usage priced in its model. In a closed month that is the sum of
  EffectiveCost over the commitment's used and unused rows. Promotions are payment, no price.
-#}
{{ config(materialized="bills") }}

with
    source as (
        select distinct x_SourceName, x_DeliveryId, delivery_period_start, delivered_at
        from {{ bill_rows() }}
    ),

    pools as (select * from {{ ref("gcp__export_pools") }}),

    offset_shares as (select * from {{ ref("gcp__export_offset_shares") }}),

    commitment_rows as (select * from {{ ref("gcp__export_commitment_rows") }}),

    costs as (
        select pool_id as commitment_id, fee as cost
        from pools
        where role = 'fee'
        union all
        -- a covered row's own cost beside its share of the fees
        select
            coalesce(instance_id, pool_id, own_id) as commitment_id,
            case
                when abs(cost) > abs(commitment_credit) and abs(cost + commitment_credit) > 0.000001
                then 0
                else net_cost
            end as cost
        from pools
        where role = 'covered' and pool_fee_rows > 0
        union all
        select offset_shares.commitment_id, commitment_rows.net_cost as cost
        from offset_shares
        inner join
            commitment_rows
            on offset_shares.x_SourceFile = commitment_rows.x_SourceFile
            and offset_shares.x_SourceRow = commitment_rows.x_SourceRow
    ),

    final as (
        select
            source.x_SourceName,
            source.x_DeliveryId,
            source.delivery_period_start as BillingPeriodStart,
            costs.commitment_id as CommitmentDiscountId,
            {{ money("sum(costs.cost)") }} as committed_cost,
            -- an invoice is out by about the fifth business day, late rows come for days
            source.delivered_at >= source.delivery_period_start + interval 45 day as is_closed
        from costs
        cross join source
        where costs.commitment_id is not null
        group by
            source.x_SourceName,
            source.x_DeliveryId,
            source.delivery_period_start,
            source.delivered_at,
            costs.commitment_id
    )

select *
from final
