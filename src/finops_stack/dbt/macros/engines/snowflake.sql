{#-
  Snowflake. Money is NUMBER(38, 15); its division and multiplication are exact to the 15th place
  as long as 38 digits hold the result. A map is an OBJECT, a list of records an ARRAY of
  objects, of which a field is read by `r:field`, not by a point.
-#}
{% macro snowflake__this_source() -%} $bill_source {%- endmacro %}

{% macro snowflake__this_period_start() -%}
    CAST($bill_period_start as TIMESTAMP_NTZ)
{%- endmacro %}

{% macro snowflake__vocabulary(vendor, file) -%}
    "vocabulary"."{{ vendor }}__{{ file }}"
{%- endmacro %}

{% macro snowflake__account_names() -%} "vocabulary"."account_names" {%- endmacro %}

{% macro snowflake__exchange_rates() -%} "ops"."exchange_rates" {%- endmacro %}

{% macro snowflake__money(expression) -%} CAST({{ expression }} as NUMBER(38, 15)) {%- endmacro %}

{% macro snowflake__divide_money(dividend, divisor) -%}
    CAST(
        CAST({{ dividend }} as NUMBER(38, 15))
        / NULLIF(CAST({{ divisor }} as NUMBER(38, 15)), 0) as NUMBER(38, 15)
    )
{%- endmacro %}

{% macro snowflake__multiply_money(left, right) -%}
    CAST(CAST({{ left }} as NUMBER(38, 15)) * CAST({{ right }} as NUMBER(38, 15)) as NUMBER(38, 15))
{%- endmacro %}

{% macro snowflake__convert_money(amount, rate) -%}
    CAST(
        CAST({{ amount }} as NUMBER(38, 10)) * CAST({{ rate }} as NUMBER(24, 12)) as NUMBER(38, 15)
    )
{%- endmacro %}

{% macro snowflake__money_text(amount) -%}
    RTRIM(RTRIM(TO_CHAR(CAST({{ amount }} as NUMBER(38, 15))), '0'), '.')
{%- endmacro %}

{% macro snowflake__ratio(part, whole) -%}
    (CAST({{ part }} as DOUBLE) / NULLIF(CAST({{ whole }} as DOUBLE), 0))
{%- endmacro %}

{% macro snowflake__times_ratio(amount, ratio) -%}
    CAST(ROUND(CAST({{ amount }} as DOUBLE) * {{ ratio }}, 12) as NUMBER(38, 15))
{%- endmacro %}

{% macro snowflake__clock_in(timestamp, zone) -%}
    CONVERT_TIMEZONE('UTC', {{ zone }}, {{ timestamp }})
{%- endmacro %}

{% macro snowflake__hash_of(columns) -%} HASH({{ columns | join(", ") }}) {%- endmacro %}

{% macro snowflake__list_of(expression, condition) -%}
    ARRAY_AGG(IFF({{ condition }}, {{ expression }}, NULL))
{%- endmacro %}

{% macro snowflake__in_list(value, list) -%}
    ARRAY_CONTAINS(CAST({{ value }} as VARIANT), {{ list }})
{%- endmacro %}

{% macro snowflake__numbered(relation, count, name) -%}
    (
        select counted.*, CAST(numbers.value as INT) as {{ name }}
        from
            {{ relation }} as counted,
            LATERAL FLATTEN(INPUT => ARRAY_GENERATE_RANGE(0, {{ count }})) as numbers
    )
{%- endmacro %}

{% macro snowflake__any_true(condition) -%} BOOLOR_AGG({{ condition }}) {%- endmacro %}

{% macro snowflake__all_true(condition) -%} BOOLAND_AGG({{ condition }}) {%- endmacro %}

{#- Maps -#}
{% macro snowflake__map_size(map) -%} ARRAY_SIZE(OBJECT_KEYS({{ map }})) {%- endmacro %}

{% macro snowflake__map_value(map, key) -%}
    CAST(GET({{ map }}, {{ key }}) as VARCHAR)
{%- endmacro %}

{% macro snowflake__map_if(condition, map) -%}
    IFF({{ condition }} and {{ snowflake__map_size(map) }} > 0, {{ map }}, NULL)
{%- endmacro %}

{% macro snowflake__merged_maps(maps) -%}
    {%- set ns = namespace(merged=maps[0]) -%}
    {%- for map in maps[1:] -%}
        {%- set ns.merged -%}
            REDUCE(
                OBJECT_KEYS({{ map }}),
                {{ ns.merged }},
                (acc, k) -> OBJECT_INSERT(
                    acc, CAST(k AS VARCHAR), GET({{ map }}, CAST(k AS VARCHAR)), TRUE
                )
            )
        {%- endset -%}
    {%- endfor -%}
    {{ snowflake__map_if("TRUE", ns.merged) }}
{%- endmacro %}

{#- OBJECT_CONSTRUCT leaves out what is null. -#}
{% macro snowflake__map_of(pairs) -%}
    {%- set map -%}
        OBJECT_CONSTRUCT(
            {%- for key, value in pairs -%}
                {{ key }}, {{ value }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
    {%- endset -%}
    {{ snowflake__map_if("TRUE", map) }}
{%- endmacro %}

{#- 'd' allows a key twice; Snowflake then keeps the last, where the others keep the first. -#}
{% macro snowflake__json_map(text) -%}
    {%- set whole -%}
        TRY_PARSE_JSON(
            IFF(STARTSWITH(LTRIM({{ text }}), '{'), {{ text }}, '{' || {{ text }} || '}'), 'd'
        )
    {%- endset -%}
    IFF(TYPEOF({{ whole }}) = 'OBJECT', CAST({{ whole }} as OBJECT), NULL)
{%- endmacro %}

{% macro snowflake__map_records(map, key) -%}
    TRANSFORM(
        FILTER(
            TRANSFORM(
                OBJECT_KEYS({{ map }}),
                k -> OBJECT_CONSTRUCT(
                    'key',
                    CAST(k as VARCHAR),
                    'value',
                    CAST(GET({{ map }}, CAST(k as VARCHAR)) as VARCHAR)
                )
            ),
            "e" -> "e":"value" <> ''
        ),
        "e" -> OBJECT_CONSTRUCT('k', {{ key | replace('"e".', '"e":') }}, 'v', "e":"value")
    )
{%- endmacro %}

{% macro snowflake__map_renamed(map, name, condition=none) -%}
    {%- set keys = "ARRAY_SORT(OBJECT_KEYS(" ~ map ~ "))" -%}
    {%- if condition -%}
        {%- set keys = "FILTER(" ~ keys ~ ', "k" VARCHAR -> ' ~ condition ~ ")" -%}
    {%- endif -%}
    REDUCE(
        {{ keys }},
        OBJECT_CONSTRUCT(),
        (acc, "k" VARCHAR) -> OBJECT_INSERT(
            acc,
            IFF(
                {{ name }} = "k"
                or not (
                    ARRAY_CONTAINS(CAST({{ name }} as VARIANT), {{ keys }})
                    or ARRAY_CONTAINS(CAST({{ name }} as VARIANT), OBJECT_KEYS(acc))
                ),
                {{ name }},
                "k"
            ),
            GET({{ map }}, "k"),
            TRUE
        )
    )
{%- endmacro %}

{#- Lists of records -#}
{% macro snowflake__records_filter(records, condition) -%}
    FILTER({{ records }}, "r" -> {{ condition | replace('"r".', '"r":') }})
{%- endmacro %}

{% macro snowflake__records_if(condition, records) -%}
    IFF({{ condition }}, {{ records }}, NULL)
{%- endmacro %}

{% macro snowflake__records_sum(records, field, condition=none) -%}
    {%- set kept = snowflake__records_filter(records, condition) if condition else records -%}
    COALESCE(
        REDUCE(
            {{ kept }},
            CAST(0 as NUMBER(38, 15)),
            (acc, r) -> acc + COALESCE(CAST(r:{{ field }} as NUMBER(38, 15)), 0)
        ),
        0
    )
{%- endmacro %}

{% macro snowflake__record_at(records, place, field) -%}
    {%- set name = field | replace('"', "'") -%}
    CAST(GET(GET({{ records }}, {{ place }}), {{ name }}) as VARCHAR)
{%- endmacro %}

{% macro snowflake__records_count(records) -%} ARRAY_SIZE({{ records }}) {%- endmacro %}

{% macro snowflake__records_map(records, key, value) -%}
    REDUCE(
        {{ records }},
        OBJECT_CONSTRUCT(),
        (acc, r) -> IFF(
            r:{{ key }} is NULL or ARRAY_CONTAINS(r:{{ key }}, OBJECT_KEYS(acc)),
            acc,
            OBJECT_INSERT(
                acc,
                CAST(r:{{ key }} as VARCHAR),
                COALESCE(NULLIF(CAST(r:{{ value }} as VARCHAR), ''), 'true')
            )
        )
    )
{%- endmacro %}

{% macro snowflake__records_json(records) -%}
    IFF(ARRAY_SIZE({{ records }}) > 0, TO_JSON({{ records }}), NULL)
{%- endmacro %}

{#- Functions that models write plainly, where sqlglot's translation gives another value. -#}
{#- null where one of the texts is null -#}
{% macro snowflake_function__concat_ws(by) -%}
    ARRAY_TO_STRING(ARRAY_CONSTRUCT_COMPACT({{ varargs | join(", ") }}), {{ by }})
{%- endmacro %}

{#- fits the whole text only -#}
{% macro snowflake_function__regexp_like(text, pattern) -%}
    (REGEXP_INSTR({{ text }}, {{ pattern }}) > 0)
{%- endmacro %}

{#- replaces all that fits, not the first -#}
{% macro snowflake_function__regexp_replace(text, pattern, replacement) -%}
    REGEXP_REPLACE({{ text }}, {{ pattern }}, {{ replacement }}, 1, 1)
{%- endmacro %}
