{#- What models read that is no model: the bill, words of files, rates, and which bill it is. -#}
{% macro bill_rows() %} bill_rows{% endmacro %}

{#- The bill that is being converted, in tables that hold many. -#}
{% macro this_bill(relation) -%}
    (
        select *
        from {{ relation }}
        where x_SourceName = {{ this_source() }} and BillingPeriodStart = {{ this_period_start() }}
    )
{%- endmacro %}

{% macro this_source() -%} {{ return(adapter.dispatch("this_source", "finops")()) }} {%- endmacro %}

{% macro default__this_source() -%} getvariable('bill_source'){%- endmacro %}

{% macro this_period_start() -%}
    {{ return(adapter.dispatch("this_period_start", "finops")()) }}
{%- endmacro %}

{% macro default__this_period_start() -%} getvariable('bill_period_start'){%- endmacro %}

{#- A file of a vendor's folder, all text. Names, not SQL: so they are passed by name. -#}
{% macro vocabulary(vendor, file) -%}
    {{ return(adapter.dispatch("vocabulary", "finops")(vendor=vendor, file=file)) }}
{%- endmacro %}

{% macro default__vocabulary(vendor, file) -%}
    read_csv('vocabulary/{{ vendor }}/{{ file }}.csv', {{ small_csv() }})
{%- endmacro %}

{#- DuckDB's own buffers would take 32 MB of the memory limit for each small file. -#}
{% macro small_csv() -%}
    all_varchar = true, header = true, max_line_size = 65536, buffer_size = 131072
{%- endmacro %}

{% macro account_names() -%}
    {{ return(adapter.dispatch("account_names", "finops")()) }}
{%- endmacro %}

{% macro default__account_names() -%}
    read_csv('vocabulary/account_names.csv', {{ small_csv() }})
{%- endmacro %}

{#- The user's rates into one reporting currency, by billing period: written before each run. -#}
{% macro exchange_rates() -%}
    {{ return(adapter.dispatch("exchange_rates", "finops")()) }}
{%- endmacro %}

{% macro default__exchange_rates() -%} lake.ops.exchange_rates{%- endmacro %}
