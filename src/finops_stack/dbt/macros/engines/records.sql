{#-
  Lists of records (struct with named fields): summed, filtered, looked into, without making rows
  of them. A condition names the record `r`: records_sum("credits", "amount", "r.type = 'X'").
-#}
{#- Records for which the condition holds. -#}
{% macro records_filter(records, condition) -%}
    {{ return(adapter.dispatch("records_filter", "finops")(records, condition)) }}
{%- endmacro %}

{% macro default__records_filter(records, condition) -%}
    list_filter({{ records }}, lambda r:{{ condition }})
{%- endmacro %}

{#- The records where a condition of the row holds; none, or null, where not. -#}
{% macro records_if(condition, records) -%}
    {{ return(adapter.dispatch("records_if", "finops")(condition, records)) }}
{%- endmacro %}

{% macro default__records_if(condition, records) -%}
    case when {{ condition }} then {{ records }} end
{%- endmacro %}

{#- Sum of a money field over the records for which the condition holds; 0 when there are none. -#}
{% macro records_sum(records, field, condition=none) -%}
    {{ return(adapter.dispatch("records_sum", "finops")(records, field, condition)) }}
{%- endmacro %}

{% macro default__records_sum(records, field, condition=none) -%}
    {%- set kept = records_filter(records, condition) if condition else records -%}
    case
        when len({{ records }}) > 0
        then
            coalesce(
                {{ money("list_sum(list_transform(" ~ kept ~ ", lambda r:r." ~ field ~ "))") }}, 0
            )
        else 0
    end
{%- endmacro %}

{#- One field of the record at a place (from 0); null when there is none. -#}
{% macro record_at(records, place, field) -%}
    {{ return(adapter.dispatch("record_at", "finops")(records, place, field)) }}
{%- endmacro %}

{% macro default__record_at(records, place, field) -%}
    ({{ records }})[{{ place }} + 1].{{ field }}
{%- endmacro %}

{% macro records_count(records) -%}
    {{ return(adapter.dispatch("records_count", "finops")(records)) }}
{%- endmacro %}

{% macro default__records_count(records) -%} len({{ records }}){%- endmacro %}

{#- A map of two text fields. Of records with one key the first counts; no value is 'true'. -#}
{% macro records_map(records, key, value) -%}
    {{ return(adapter.dispatch("records_map", "finops")(records, key, value)) }}
{%- endmacro %}

{% macro default__records_map(records, key, value) -%}
    {%- set keys = "list_transform(" ~ records ~ ", lambda r:r." ~ key ~ ")" -%}
    {%- set first = (
        "r." ~ key ~ " is not null and list_position(" ~ keys ~ ", r." ~ key ~ ") = i"
    ) -%}
    {%- set values = "lambda r:coalesce(nullif(r." ~ value ~ ", ''), 'true')" -%}
    case
        when len({{ records }}) = 0
        then cast(map() as map(varchar, varchar))
        when len(list_distinct({{ keys }})) = len({{ records }})
        then map({{ keys }}, list_transform({{ records }}, {{ values }}))
        else
            map_from_entries(
                list_transform(
                    list_filter({{ records }}, lambda r, i:{{ first }}),
                    lambda r: {'k':r.{{ key }}, 'v':coalesce(nullif(r.{{ value }}, ''), 'true')}
                )
            )
    end
{%- endmacro %}

{#- The records as JSON text, as delivered; null when there are none. -#}
{% macro records_json(records) -%}
    {{ return(adapter.dispatch("records_json", "finops")(records)) }}
{%- endmacro %}

{% macro default__records_json(records) -%}
    case when len({{ records }}) > 0 then cast(to_json({{ records }}) as varchar) end
{%- endmacro %}

{#- One map of one or several; where they share a key, the later one counts. Null when all are empty. -#}
{% macro merged_maps(maps) -%}
    {{ return(adapter.dispatch("merged_maps", "finops")(maps)) }}
{%- endmacro %}

{% macro default__merged_maps(maps) -%}
    case
        when
            {% for map in maps %} cardinality({{ map }}){{ " + " if not loop.last }}{% endfor %} > 0
        then
            {% if maps | length > 1 %} map_concat({{ maps | join(", ") }})
            {% else %} {{ maps[0] }}
            {% endif %}
    end
{%- endmacro %}

{#- The values of a column in one list, those for which the condition holds. An aggregate. -#}
{% macro list_of(expression, condition) -%}
    {{ return(adapter.dispatch("list_of", "finops")(expression, condition)) }}
{%- endmacro %}

{% macro default__list_of(expression, condition) -%}
    list({{ expression }}) filter (where {{ condition }})
{%- endmacro %}

{% macro in_list(value, list) -%}
    {{ return(adapter.dispatch("in_list", "finops")(value, list)) }}
{%- endmacro %}

{% macro default__in_list(value, list) -%} list_contains({{ list }}, {{ value }}){%- endmacro %}

{#- A relation with a row for each number from 0 below the count, which gets a column of its own. -#}
{% macro numbered(relation, count, name) -%}
    {{ return(adapter.dispatch("numbered", "finops")(relation, count, name)) }}
{%- endmacro %}

{#- In the select: a cross join would first gather all rows, at twice the time. -#}
{% macro default__numbered(relation, count, name) -%}
    (select *, unnest(range({{ count }})) as {{ name }} from {{ relation }})
{%- endmacro %}

{#- A map of (key, expression) pairs whose expression is not null; null when none is. -#}
{% macro map_of(pairs) -%} {{ return(adapter.dispatch("map_of", "finops")(pairs)) }} {%- endmacro %}

{% macro default__map_of(pairs) -%}
    case
        when coalesce({{ pairs | map(attribute=1) | join(", ") }}) is not null
        then
            map_from_entries(
                list_filter(
                    [
                        {%- for key, value in pairs %}
                            {'k':{{ key }}, 'v':{{ value }}}{{ ", " if not loop.last }}
                        {%- endfor %}
                    ],
                    lambda r:r.v is not null
                )
            )
    end
{%- endmacro %}

{#- One number for the values of several columns, lists included; equal values give equal numbers. -#}
{% macro hash_of(columns) -%}
    {{ return(adapter.dispatch("hash_of", "finops")(columns)) }}
{%- endmacro %}

{% macro default__hash_of(columns) -%} hash({{ columns | join(", ") }}){%- endmacro %}
