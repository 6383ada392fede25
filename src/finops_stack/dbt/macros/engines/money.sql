{#- Money: decimal(38, 15) everywhere. Fifteen places hold every value seen in a real bill. -#}
{% macro money(expression) -%}
    {{ return(adapter.dispatch("money", "finops")(expression)) }}
{%- endmacro %}

{% macro default__money(expression) -%} cast({{ expression }} as decimal(38, 15)){%- endmacro %}

{#- A quotient as money; null when the divisor is 0. Sixteen digits, as a double has. -#}
{% macro divide_money(dividend, divisor) -%}
    {{ return(adapter.dispatch("divide_money", "finops")(dividend, divisor)) }}
{%- endmacro %}

{% macro default__divide_money(dividend, divisor) -%}
    try_cast(
        cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0) as decimal(38, 15)
    )
{%- endmacro %}

{#- One value of a map column; null when the key is not there. -#}
{% macro map_value(map, key) -%}
    {{ return(adapter.dispatch("map_value", "finops")(map, key)) }}
{%- endmacro %}

{% macro default__map_value(map, key) -%} {{ map }} [{{ key }}]{%- endmacro %}
