{#-
  The text of a JSON object as a map; null when it is no object. Some exports leave its braces off:
  `"a": "b","c": "d"`. Nested values stay JSON text; of two values of one key the first counts.
-#}
{% macro json_map(text) -%}
    {{ return(adapter.dispatch("json_map", "finops")(text)) }}
{%- endmacro %}

{% macro default__json_map(text) -%}
    {%- set whole -%}
        case when starts_with(ltrim({{ text }}), '{') then {{ text }} else '{' || {{ text }} || '}' end
    {%- endset -%}
    {%- set map -%} try_cast(try_cast({{ whole }} as json) as map(varchar, varchar)) {%- endset -%}
    case
        when len(list_distinct(map_keys({{ map }}))) = cardinality({{ map }})
        then {{ map }}
        else
            map_from_entries(
                list_filter(
                    map_entries({{ map }}),
                    lambda e,
                    i:list_position(map_keys({{ map }}), e.key) = i
                )
            )
    end
{%- endmacro %}

{#-
  A map's entries as records k, v, each key as an expression of `e.key` says; a key without value
  is left out. With records_map they become a map again.
-#}
{% macro map_records(map, key) -%}
    {{ return(adapter.dispatch("map_records", "finops")(map, key)) }}
{%- endmacro %}

{% macro default__map_records(map, key) -%}
    list_transform(
        list_filter(map_entries({{ map }}), lambda e:e.value <> ''),
        lambda e: {'k':{{ key }}, 'v':e.value}
    )
{%- endmacro %}
