{#-
  One row per raw row that is not metered usage, and per residue, as if the bill had a row for it.

  A residue is what covered rows and negations leave over. Rows of both come in one order of
  columns; those that a residue lacks are the bill's own, of a row that is not there.
-#}
{{ config(materialized="ephemeral") }}

{%- set other = [
    "x_SourceName",
    "x_DeliveryId",
    "delivery_period_start",
    "delivery_period_end",
    "bill_payer_account_id",
    "bill_invoicing_entity",
    "line_item_currency_code",
    "line_item_line_item_type",
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "product",
    "resource_tags",
    "tags",
] %}

with
    source as (
        select *
        from {{ bill_rows() }}
        where
            line_item_line_item_type is null
            or line_item_line_item_type
            not in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation')
    ),

    residues as (select * from {{ ref("aws__cur_residues") }}),

    bill as (
        select
            source.* exclude ({{ other | join(", ") }}),
            {% for column in other[:10] %} source.{{ column }}, {% endfor %}
            cast(null as decimal(38, 15)) as residue,
            cast(null as bigint) as residue_number,
            {{ hash_of(["tags", "resource_tags"]) }} as tag_set,
            {{
                hash_of(
                    [
                        "product",
                        "product_instance_type",
                        "product_product_family",
                        "product_region_code",
                        "product_from_region_code",
                        "bill_billing_entity",
                        "line_item_product_code",
                        "line_item_usage_type",
                        "line_item_availability_zone",
                        "pricing_unit",
                    ]
                )
            }} as item
        from source
    ),

    nothing as (select * from source where false),

    final as (
        select *
        from bill
        union all
        select
            nothing.* exclude ({{ other | join(", ") }}),
            {% for column in other[:7] %} residues.{{ column }}, {% endfor %}
            'residue' as line_item_line_item_type,
            residues.residue as line_item_unblended_cost,
            residues.residue as line_item_net_unblended_cost,
            residues.residue,
            residues.residue_number,
            null as tag_set,
            null as item
        from residues
        left join nothing on residues.residue_number = nothing.x_SourceRow
    )

select *
from final
