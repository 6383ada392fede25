{#- Whether a condition holds for any row, for all rows; those where it is null do not count. -#}
{% macro any_true(condition) -%}
    {{ return(adapter.dispatch("any_true", "finops")(condition)) }}
{%- endmacro %}

{% macro default__any_true(condition) -%} bool_or({{ condition }}){%- endmacro %}

{% macro all_true(condition) -%}
    {{ return(adapter.dispatch("all_true", "finops")(condition)) }}
{%- endmacro %}

{% macro default__all_true(condition) -%} bool_and({{ condition }}){%- endmacro %}
