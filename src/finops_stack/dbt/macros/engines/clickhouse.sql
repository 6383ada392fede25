{#-
  ClickHouse. A map or a list is never null there: an empty one stands for it. Money is
  Decimal(38, 15); its products and quotients are exact, by way of Decimal256. Maps are
  Map(String, Nullable(String)), so that a key that is not there gives null and not ''.
-#}
{% macro clickhouse__this_source() -%} {bill_source:String} {%- endmacro %}

{% macro clickhouse__this_period_start() -%}{bill_period_start:DateTime64(6)} {%- endmacro %}

{% macro clickhouse__vocabulary(vendor, file) -%}
    "vocabulary"."{{ vendor }}__{{ file }}"
{%- endmacro %}

{% macro clickhouse__account_names() -%} "vocabulary"."account_names" {%- endmacro %}

{% macro clickhouse__exchange_rates() -%} "ops"."exchange_rates" {%- endmacro %}

{#- By way of text, which has a double's shortest digits: a cast would cut it off at the 15th place. -#}
{% macro clickhouse_exact(expression) -%}
    CAST(toString({{ expression }}) as Nullable(Decimal(76, 15)))
{%- endmacro %}

{% macro clickhouse_money(exact) -%}
    CAST(round({{ exact }}, 15) as Nullable(Decimal(38, 15)))
{%- endmacro %}

{% macro clickhouse__money(expression) -%}
    {{ clickhouse_money("CAST(toString(" ~ expression ~ ") AS Nullable(Decimal(76, 25)))") }}
{%- endmacro %}

{% macro clickhouse__divide_money(dividend, divisor) -%}
    {%- set by = clickhouse_exact(divisor) -%}
    if(
        coalesce({{ by }}, 0) = 0,
        NULL,
        {{
            clickhouse_money(
                "divideDecimal(CAST(toString("
                ~ dividend
                ~ ") AS Nullable(Decimal(76, 25)))"
                ~ ", if(coalesce("
                ~ by
                ~ ", 0) = 0, toDecimal256(1, 15), "
                ~ by
                ~ "), 20)"
            )
        }}
    )
{%- endmacro %}

{% macro clickhouse__multiply_money(left, right) -%}
    {{ clickhouse_money(clickhouse_exact(left) ~ " * " ~ clickhouse_exact(right)) }}
{%- endmacro %}

{% macro clickhouse__convert_money(amount, rate) -%}
    {{
        clickhouse_money(
            "CAST("
            ~ amount
            ~ " AS Nullable(Decimal(76, 10))) * CAST("
            ~ rate
            ~ " AS Nullable(Decimal(76, 12)))"
        )
    }}
{%- endmacro %}

{% macro clickhouse__money_text(amount) -%} toString({{ amount }}) {%- endmacro %}

{% macro clickhouse__ratio(part, whole) -%}
    (toFloat64({{ part }}) / nullIf(toFloat64({{ whole }}), 0))
{%- endmacro %}

{% macro clickhouse__times_ratio(amount, ratio) -%}
    {{ clickhouse__money("round(toFloat64(" ~ amount ~ ") * " ~ ratio ~ ", 12)") }}
{%- endmacro %}

{% macro clickhouse__clock_in(timestamp, zone) -%}
    toDateTime64(toString(toTimeZone({{ timestamp }}, {{ zone }})), 6, 'UTC')
{%- endmacro %}

{% macro clickhouse__hash_of(columns) -%}
    cityHash64(tuple({{ columns | join(", ") }}))
{%- endmacro %}

{% macro clickhouse__list_of(expression, condition) -%}
    groupArrayIf({{ expression }}, coalesce({{ condition }}, false))
{%- endmacro %}

{% macro clickhouse__in_list(value, list) -%} has({{ list }}, {{ value }}) {%- endmacro %}

{% macro clickhouse__numbered(relation, count, name) -%}
    (
        select *, arrayJoin(range(toInt64(assumeNotNull({{ count }})))) as {{ name }}
        from {{ relation }}
    )
{%- endmacro %}

{% macro clickhouse__any_true(condition) -%} max({{ condition }}) {%- endmacro %}

{% macro clickhouse__all_true(condition) -%} min({{ condition }}) {%- endmacro %}

{#- Maps -#}
{% macro clickhouse__map_size(map) -%} length({{ map }}) {%- endmacro %}

{% macro clickhouse_map(keys, values) -%}
    CAST(mapFromArrays({{ keys }}, {{ values }}) as Map(String, Nullable(String)))
{%- endmacro %}

{% macro clickhouse__map_value(map, key) -%} {{ map }} [{{ key }}] {%- endmacro %}

{% macro clickhouse__map_if(condition, map) -%}
    if(coalesce({{ condition }}, false), {{ map }}, CAST(map() as Map(String, Nullable(String))))
{%- endmacro %}

{% macro clickhouse__merged_maps(maps) -%}
    {%- set ns = namespace(merged=maps[0]) -%}
    {%- for map in maps[1:] -%}
        {%- set ns.merged = "mapUpdate(" ~ ns.merged ~ ", " ~ map ~ ")" -%}
    {%- endfor -%}
    {{ ns.merged }}
{%- endmacro %}

{% macro clickhouse__map_of(pairs) -%}
    CAST(
        arrayFilter(
            p -> tupleElement(p, 2) is not NULL,
            [
                {%- for key, value in pairs -%}
                    ({{ key }}, CAST({{ value }} as Nullable(String))){{ ", " if not loop.last }}
                {%- endfor -%}
            ]
        ) as Map(String, Nullable(String))
    )
{%- endmacro %}

{% macro clickhouse__json_map(text) -%}
    {%- set whole = "ifNull(" ~ text ~ ", '{}')" -%}
    {%- set whole = (
        "if(startsWith(trimLeft("
        ~ whole
        ~ "), '{'), "
        ~ whole
        ~ ", concat('{', "
        ~ whole
        ~ ", '}'))"
    ) -%}
    {%- set map = "JSONExtract(" ~ whole ~ ", 'Map(String, Nullable(String))')" -%}
    CAST(
        arrayFilter(
            (e, i) -> indexOf(mapKeys({{ map }}), tupleElement(e, 1)) = i,
            arrayZip(mapKeys({{ map }}), mapValues({{ map }})),
            arrayEnumerate(mapKeys({{ map }}))
        ) as Map(String, Nullable(String))
    )
{%- endmacro %}

{% macro clickhouse__map_records(map, key) -%}
    arrayMap(
        "e" -> CAST(({{ key }}, "e"."value") as Tuple(k Nullable(String), v Nullable(String))),
        arrayFilter(
            "e" -> coalesce("e"."value", '') <> '',
            CAST(
                arrayZip(mapKeys({{ map }}), mapValues({{ map }})) as Array(
                    Tuple(key String, value Nullable(String))
                )
            )
        )
    )
{%- endmacro %}

{% macro clickhouse__map_renamed(map, name, condition=none) -%}
    {%- set keys = "arraySort(mapKeys(" ~ map ~ "))" -%}
    {%- if condition -%}
        {%- set keys = 'arrayFilter("k" -> ' ~ condition ~ ", " ~ keys ~ ")" -%}
    {%- endif -%}
    {%- set names = 'arrayMap("k" -> ' ~ name ~ ", " ~ keys ~ ")" -%}
    {{
        clickhouse_map(
            "arrayMap((k, n, i) -> if(indexOf("
            ~ names
            ~ ", n) = i AND (n = k OR NOT has("
            ~ keys
            ~ ", n)), n, k), "
            ~ keys
            ~ ", "
            ~ names
            ~ ", arrayEnumerate("
            ~ keys
            ~ "))",
            "arrayMap(k -> " ~ map ~ "[k], " ~ keys ~ ")",
        )
    }}
{%- endmacro %}

{#- Lists of records -#}
{% macro clickhouse__records_filter(records, condition) -%}
    arrayFilter("r" -> coalesce({{ condition }}, false), {{ records }})
{%- endmacro %}

{% macro clickhouse__records_if(condition, records) -%}
    if(coalesce({{ condition }}, false), {{ records }}, [])
{%- endmacro %}

{% macro clickhouse__records_sum(records, field, condition=none) -%}
    {%- set kept = clickhouse__records_filter(records, condition) if condition else records -%}
    {{
        clickhouse__money(
            'arraySum(arrayMap("r" -> coalesce("r".' ~ field ~ ", 0), " ~ kept ~ "))"
        )
    }}
{%- endmacro %}

{% macro clickhouse__record_at(records, place, field) -%}
    arrayElementOrNull(arrayMap("r" -> "r".{{ field }}, {{ records }}), {{ place }} + 1)
{%- endmacro %}

{% macro clickhouse__records_count(records) -%} length({{ records }}) {%- endmacro %}

{% macro clickhouse__records_map(records, key, value) -%}
    {%- set keys = 'arrayMap("r" -> "r".' ~ key ~ ", " ~ records ~ ")" -%}
    {%- set first -%}
        arrayFilter(
            ("r", i) -> "r".{{ key }} IS NOT NULL AND indexOf({{ keys }}, "r".{{ key }}) = i,
            {{ records }},
            arrayEnumerate({{ records }})
        )
    {%- endset -%}
    {{
        clickhouse_map(
            'arrayMap("r" -> assumeNotNull("r".' ~ key ~ "), " ~ first ~ ")",
            'arrayMap("r" -> coalesce(nullIf("r".' ~ value ~ ", ''), 'true'), " ~ first ~ ")",
        )
    }}
{%- endmacro %}

{% macro clickhouse__records_json(records) -%}
    if(length({{ records }}) > 0, toJSONString({{ records }}), NULL)
{%- endmacro %}

{#- Functions that models write plainly, where sqlglot's translation gives another value. -#}
{#- the translation is no function of ClickHouse -#}
{% macro clickhouse_function__split_part(text, by, number) -%}
    if(
        {{ text }} is NULL,
        NULL,
        arrayElement(splitByString({{ by }}, assumeNotNull({{ text }})), {{ number }})
    )
{%- endmacro %}

{#- null where one of the texts is null -#}
{% macro clickhouse_function__concat_ws(by) -%}
    arrayStringConcat(arrayFilter(part -> part is not NULL, [{{ varargs | join(", ") }}]), {{ by }})
{%- endmacro %}

{#- replaces all that fits, not the first -#}
{% macro clickhouse_function__regexp_replace(text, pattern, replacement) -%}
    replaceRegexpOne({{ text }}, {{ pattern }}, {{ replacement }})
{%- endmacro %}

{#- %M is a month's name there -#}
{% macro clickhouse_function__time_to_str(time, format) -%}
    formatDateTime({{ time }}, {{ format | replace("%M", "%i") }})
{%- endmacro %}
