{#- A UTC timestamp as the clock of a time zone shows it, such as 'America/Los_Angeles'. -#}
{% macro clock_in(timestamp, zone) -%}
    {{ return(adapter.dispatch("clock_in", "finops")(timestamp, zone)) }}
{%- endmacro %}

{% macro default__clock_in(timestamp, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ timestamp }}))
{%- endmacro %}
