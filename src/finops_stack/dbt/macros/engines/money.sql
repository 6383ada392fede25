{#- Money: decimal(38, 15) everywhere. Fifteen places hold every value seen in a real bill. -#}
{% macro money(expression) -%}
    {{ return(adapter.dispatch("money", "finops")(expression)) }}
{%- endmacro %}

{% macro default__money(expression) -%} cast({{ expression }} as decimal(38, 15)){%- endmacro %}

{#-
  A double as the short decimal it was written from: 123456.789, not 123456.789000000012288.
  Ten places cover nearly every value at a third of a percent of the cost of going by text.
-#}
{% macro money_from_double(expression) -%}
    {{ return(adapter.dispatch("money_from_double", "finops")(expression)) }}
{%- endmacro %}

{% macro default__money_from_double(expression) -%}
    case
        when
            abs({{ expression }}) < 900000
            and cast(try_cast({{ expression }} as decimal(18, 10)) as double) = {{ expression }}
        then cast(try_cast({{ expression }} as decimal(18, 10)) as decimal(38, 15))
        else
            coalesce(
                -- by way of 30 places: DuckDB 1.5.5 reads 8e-40 as 1e-15 where places are cut
                cast(
                    try_cast(cast({{ expression }} as varchar) as decimal(38, 30)) as decimal(
                        38, 15
                    )
                ),
                try_cast(cast({{ expression }} as varchar) as decimal(38, 15))
            )
    end
{%- endmacro %}

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
