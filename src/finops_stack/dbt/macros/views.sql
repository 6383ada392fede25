{#-
  A view is replaced by one statement: one snapshot, and at no moment is the view not there.

  dbt's own way (make a copy, rename twice, drop the old one with cascade) fails in DuckLake,
  which knows no cascade, as soon as the view exists: every run after the first.
-#}
{% materialization view, adapter = 'duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        create or replace view {{ target }} as (
            {{ sql }}
        )
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
