{#-
  One row per charge, with what its labels and tags say, and the resource it is for.
-#}
{{ config(materialized="ephemeral") }}

with
    described as (select * from {{ ref("gcp__export_described") }}),

    label_sets as (select * from {{ ref("gcp__export_label_sets") }}),

    with_labels as (
        select
            described.*,
            label_sets.focus_tags,
            label_sets.system_label_map,
            label_sets.sku_details,
            label_sets.reservation_project_id,
            label_sets.reservation_name,
            label_sets.is_unused_reservation,
            -- the purchase of a commitment, and what of it covered nothing: the resource is itself
            coalesce(role = 'fee' and part in (0, 1), false) as is_commitment_itself
        from described
        left join label_sets on described.label_set = label_sets.label_set
    ),

    final as (
        select
            with_labels.*,
            case
                when is_commitment_itself
                then commitment_id
                else coalesce(resource_global_name, resource_name)
            end as resource,
            case
                when is_commitment_itself
                then 'Commitment'
                -- //compute.googleapis.com/projects/p/zones/z/instances/1: host and collection
                when resource_global_name like '//%/%/%'
                then
                    split_part(resource_global_name, '/', 3)
                    || '/'
                    || split_part(resource_global_name, '/', -2)
                else service_description
            end as resource_type,
            reservation_name is not null and is_priced and not is_commitment_itself as is_reserved,
            concat_ws('/', reservation_project_id, reservation_name) as reservation,
            case
                when is_unused_reservation = 'true' then 'Unused' else 'Used'
            end as reservation_status
        from with_labels
    )

select *
from final
