{#- Entries of a map; 0 or null of one without any. -#}
{% macro map_size(map) -%} {{ return(adapter.dispatch("map_size", "finops")(map)) }} {%- endmacro %}

{% macro default__map_size(map) -%} cardinality({{ map }}) {%- endmacro %}

{#- A map where the condition holds; null where not, or where it has no entry. -#}
{% macro map_if(condition, map) -%}
    {{ return(adapter.dispatch("map_if", "finops")(condition, map)) }}
{%- endmacro %}

{% macro default__map_if(condition, map) -%}
    case when {{ condition }} and {{ map_size(map) }} > 0 then {{ map }} end
{%- endmacro %}

{#-
  A map under new names of its keys, as an expression of `k` says, of those keys for which the
  condition holds; null when none is left. A name that another key has already, or that a key
  before it (in the order of their texts) gets, is not taken: that key keeps its own.
-#}
{% macro map_renamed(map, name, condition=none) -%}
    {{ return(adapter.dispatch("map_renamed", "finops")(map, name, condition)) }}
{%- endmacro %}

{% macro default__map_renamed(map, name, condition=none) -%}
    {%- set keys = "map_keys(" ~ map ~ ")" -%}
    {%- if condition -%}
        {%- set keys = "list_filter(" ~ keys ~ ", lambda k: " ~ condition ~ ")" -%}
    {%- endif -%}
    {%- set sorted = "list_sort(" ~ keys ~ ")" -%}
    {%- set names = "list_transform(" ~ keys ~ ", lambda k: " ~ name ~ ")" -%}
    {%- set sorted_names = "list_transform(" ~ sorted ~ ", lambda k: " ~ name ~ ")" -%}
    {#- names that differ, as nearly always, need no sorting -#}
    case
        when coalesce(len({{ keys }}), 0) = 0
        then null
        when len(list_distinct({{ names }})) = len({{ keys }})
        then map({{ names }}, list_transform({{ keys }}, lambda k:{{ map }} [k]))
        else
            map(
                list_transform(
                    {{ sorted }},
                    lambda k,
                    i: case
                        when
                            list_position({{ sorted_names }}, {{ name }}) = i
                            and ({{ name }} = k or not list_contains({{ sorted }}, {{ name }}))
                        then {{ name }}
                        else k
                    end
                ),
                list_transform({{ sorted }}, lambda k:{{ map }} [k])
            )
    end
{%- endmacro %}
