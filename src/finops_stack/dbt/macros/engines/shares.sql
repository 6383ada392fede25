{#-
  The part of an amount that goes with part ÷ whole, as money; null when the whole is 0. Multiplied
  before it is divided, and rounded to 12 places, so that no digit is one the double made up.
-#}
{% macro share_of(amount, part, whole) -%}
    {%- set product = "cast(" ~ amount ~ " as double) * cast(" ~ part ~ " as double)" -%}
    {{ money("round(" ~ divide_money(product, whole) ~ ", 12)") }}
{%- endmacro %}
