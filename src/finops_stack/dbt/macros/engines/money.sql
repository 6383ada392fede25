{#- Money: decimal(38, 15) everywhere. Fifteen places hold every value seen in a real bill. -#}
{% macro money(expression) -%}
    {{ return(adapter.dispatch("money", "finops")(expression)) }}
{%- endmacro %}

{% macro default__money(expression) -%} cast({{ expression }} as decimal(38, 15)){%- endmacro %}

{#-
  A quotient as money; null when the divisor is 0. Sixteen digits, as a double has; where eight
  places are the same to its last digit, those: 411522.63 and not 411522.629999999975424.
-#}
{% macro divide_money(dividend, divisor) -%}
    {{ return(adapter.dispatch("divide_money", "finops")(dividend, divisor)) }}
{%- endmacro %}

{% macro default__divide_money(dividend, divisor) -%}
    {%- set quotient -%}
        (cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0))
    {%- endset -%}
    case
        when
            abs(cast(try_cast({{ quotient }} as decimal(18, 8)) as double) - {{ quotient }})
            <= 4e-16 * abs({{ quotient }})
        then cast(try_cast({{ quotient }} as decimal(18, 8)) as decimal(38, 15))
        else try_cast({{ quotient }} as decimal(38, 15))
    end
{%- endmacro %}

{#-
  An amount in another currency. Ten places of the amount and twelve of the rate leave sixteen
  digits before the point; a sum of rounded amounts may differ from a rounded sum in the tenth place.
-#}
{% macro convert_money(amount, rate) -%}
    {{ return(adapter.dispatch("convert_money", "finops")(amount, rate)) }}
{%- endmacro %}

{% macro default__convert_money(amount, rate) -%}
    cast(
        cast({{ amount }} as decimal(38, 10))
        * cast({{ rate }} as decimal(24, 12)) as decimal(38, 15)
    )
{%- endmacro %}

{#- Money as text, without zeros at its end: 0.05, 100, 0. -#}
{% macro money_text(amount) -%}
    {{ return(adapter.dispatch("money_text", "finops")(amount)) }}
{%- endmacro %}

{% macro default__money_text(amount) -%}
    rtrim(rtrim(cast({{ amount }} as varchar), '0'), '.')
{%- endmacro %}

{#- One value of a map column; null when the key is not there. -#}
{% macro map_value(map, key) -%}
    {{ return(adapter.dispatch("map_value", "finops")(map, key)) }}
{%- endmacro %}

{% macro default__map_value(map, key) -%} {{ map }} [{{ key }}]{%- endmacro %}

{#-
  A product as money. decimal(38, 15) times itself has 30 places and overflows past 8 digits before
  the point, so each factor is first cast down to as many places as it really has: exact where the
  places of both fit in 15 together, else sixteen digits, as a double has.
-#}
{% macro multiply_money(left, right) -%}
    {{ return(adapter.dispatch("multiply_money", "finops")(left, right)) }}
{%- endmacro %}

{% macro default__multiply_money(left, right) -%}
    {%- set a, b = money(left) | trim, money(right) | trim -%}
    (
        case
            {%- for (places_a, places_b) in [
                ["decimal(20, 8)", "decimal(18, 7)"],
                ["decimal(18, 15)", "decimal(20, 0)"],
                ["decimal(20, 0)", "decimal(18, 15)"],
                ["decimal(19, 11)", "decimal(19, 4)"],
            ] %}
                when
                    try_cast({{ a }} as {{ places_a }}) = {{ a }}
                    and try_cast({{ b }} as {{ places_b }}) = {{ b }}
                then
                    cast(
                        cast({{ a }} as {{ places_a }})
                        * cast({{ b }} as {{ places_b }}) as decimal(38, 15)
                    )
            {%- endfor %}
            else cast(cast({{ a }} as double) * cast({{ b }} as double) as decimal(38, 15))
        end
    )
{%- endmacro %}
