{#-
  A view is replaced by one statement: one snapshot, and at no moment is the view not there.

  dbt's own way (make a copy, rename twice, drop the old one with cascade) fails in DuckLake,
  which knows no cascade, as soon as the view exists: every run after the first. A view whose text
  has not changed is left alone; its comment tells (0.1 s a view and run).
-#}
{% macro view_text_of(target) %}
    {%- set found = run_query(
        "select comment from duckdb_views() where database_name = "
        ~ text_literal(target.database)
        ~ " and schema_name = "
        ~ text_literal(target.schema)
        ~ " and view_name = "
        ~ text_literal(target.identifier)
    ) -%}
    {{ return(found.rows[0][0] if found.rows | length else none) }}
{% endmacro %}

{% materialization view, adapter = "duckdb" %}
    {%- set target = this.incorporate(type="view") -%}
    {%- set text = "text " ~ local_md5(sql) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if view_text_of(target) == text -%}
        {%- call noop_statement("main", message="UNCHANGED") -%}
        -- {{ target }} is as it was
        {%- endcall -%}
    {%- else -%}
        {%- call statement("main") -%}
            create or replace view {{ target }} as (
            {{ sql }}
            )
        {%- endcall -%}
        {%- do run_query("comment on view " ~ target ~ " is " ~ text_literal(text)) -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
