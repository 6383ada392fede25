{#-
  One row per distinct set of labels and tags on a row: what they say, as FOCUS wants it.

  Sets are few and rows many, so lists are looked into here once, not on each row. A set is known
  by its 64-bit hash, over the same columns as in gcp__export_amounts.
-#}
{{ config(materialized="ephemeral") }}

{%- set labels_of_compute = [
    "machine_spec",
    "cores",
    "memory",
    "reservation_project_id",
    "reservation_name",
    "is_unused_reservation",
] -%}

{%- set lists = ["project_labels", "labels", "tags", "system_labels"] -%}

with
    source as (select * from {{ bill_rows() }}),

    sets as (
        select
            {{ hash_of(lists + ["consumption_model_description"]) }} as label_set,
            any_value(consumption_model_description) as consumption_model_description,
            {% for list in lists %}
                any_value({{ list }}) as {{ list }}{{ "," if not loop.last }}
            {% endfor %}
        from source
        group by {{ hash_of(lists + ["consumption_model_description"]) }}
    ),

    labels as (
        select
            sets.*,
            {% for name in labels_of_compute %}
                {{
                    record_at(
                        records_filter(
                            "system_labels", "r.key = 'compute.googleapis.com/" ~ name ~ "'"
                        ),
                        0,
                        "value",
                    )
                }} as {{ name }},
            {% endfor %}
            {{ records_map("system_labels", "key", "value") }} as system_map,
            {{
                merged_maps(
                    [
                        records_map("project_labels", "key", "value"),
                        records_map("labels", "key", "value"),
                        records_map("tags", "key", "value"),
                    ]
                )
            }} as focus_tags
        from sets
    ),

    final as (
        select
            label_set,
            reservation_project_id,
            reservation_name,
            is_unused_reservation,
            focus_tags,
            {{ merged_maps(["system_map"]) }} as system_label_map,
            {{
                map_of(
                    [
                        ("'InstanceType'", "machine_spec"),
                        ("'CoreCount'", "cores"),
                        ("'x_Memory'", "memory"),
                        ("'x_ConsumptionModel'", "consumption_model_description"),
                    ]
                )
            }} as sku_details
        from labels
    )

select *
from final
