{#-
  One row per raw row that becomes a charge, of both exports of the month, with its costs.

  A charge stands in the actual export or in the amortised one, never in both: usage that a
  commitment covers and what of it nobody used come from the amortised, all else from the actual.
-#}
{{ config(materialized="ephemeral") }}

with
    source as (select * from {{ bill_rows() }}),

    -- read apart: DuckDB keeps a relation that is used twice whole, a third of this model's time
    every_row as (select * from {{ bill_rows() }}),

    -- one row: which exports the bill has, and whether they differ in what they round
    parts as (
        select
            max(case when delivery_part = 'amortised' then 1 else 0 end) = 1 as has_amortised,
            max(case when delivery_part = 'amortised' then 0 else 1 end) = 1 as has_actual,
            coalesce(
                sum(
                    case
                        when lower(ChargeType) <> 'roundingadjustment'
                        then 0
                        when delivery_part = 'amortised'
                        then - CostInBillingCurrency
                        else CostInBillingCurrency
                    end
                ),
                0
            )
            <> 0 as is_rounding_unequal
        from every_row
    ),

    renamed as (
        select
            source.*,
            source.delivery_part is not distinct from 'amortised' as is_amortised_row,
            parts.has_amortised,
            parts.has_actual,
            parts.is_rounding_unequal,
            coalesce(source.CostInBillingCurrency, 0) as cost,
            coalesce(lower(replace(source.ChargeType, ' ', '')), 'usage') as charge_word,
            lower(replace(source.PricingModel, ' ', '')) as pricing_word,
            lower(coalesce(source.BenefitId, source.ReservationId)) as benefit_id,
            -- the agreement with prices in one currency and the bill in another
            source.AccountName is null
            and source.OfferId is null
            and coalesce(source.PricingCurrency, '') <> '' as is_two_currency
        from source
        cross join parts
    ),

    words as (
        select
            renamed.*,
            starts_with(charge_word, 'unused') as is_unused,
            case
                when pricing_word is not null
                then pricing_word in ('reservation', 'reservations', 'savingsplan', 'savingsplans')
                else benefit_id is not null
            end as is_commitment
        from renamed
    ),

    roles as (
        select
            words.*,
            case
                when is_unused
                then 'unused'
                when is_commitment and charge_word = 'usage'
                then 'used'
                when is_commitment and charge_word in ('purchase', 'refund')
                then 'commitment'
                when charge_word = 'roundingadjustment' and is_rounding_unequal
                then 'rounding'
                else 'own'
            end as role,
            has_amortised and has_actual as is_pair
        from words
    ),

    kept as (
        select *
        from roles
        where
            not is_pair
            or role = 'rounding'
            or (is_amortised_row = (role in ('used', 'unused')))
            -- a cost that ought to be 0 is still part of the invoice
            or (not is_amortised_row and cost <> 0)
    ),

    final as (
        select
            kept.*,
            is_pair and not is_amortised_row and role in ('used', 'unused') as is_stray,
            -- the other row of the two has the list and contracted cost
            is_pair
            and (
                (role = 'rounding' and is_amortised_row)
                or (role in ('used', 'unused') and not is_amortised_row)
            ) as is_other_half,
            case when is_pair and is_amortised_row then 0 else cost end as billed_cost,
            case
                when
                    is_pair
                    and not is_amortised_row
                    and role in ('used', 'unused', 'commitment', 'rounding')
                then 0
                else cost
            end as effective_cost,
            case
                when is_pair
                then null
                when has_actual
                then 'actual export only: EffectiveCost is BilledCost'
                else 'amortised export only: BilledCost is EffectiveCost'
            end as amortization
        from kept
    )

select *
from final
