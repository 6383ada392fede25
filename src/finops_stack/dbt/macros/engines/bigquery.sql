{#-
  BigQuery. Money is BIGNUMERIC (38 digits before and 38 places after the point), rounded to 15
  places; nothing is lost, quotients are exact to the 15th place. A map is a JSON object, a
  list of records an ARRAY of STRUCTs.
-#}
{% macro bigquery__this_source() -%} bill_source {%- endmacro %}

{% macro bigquery__this_period_start() -%} bill_period_start {%- endmacro %}

{% macro bigquery__vocabulary(vendor, file) -%}
    `vocabulary`.`{{ vendor }}__{{ file }}`
{%- endmacro %}

{% macro bigquery__account_names() -%} `vocabulary`.`account_names` {%- endmacro %}

{% macro bigquery__exchange_rates() -%} `ops`.`exchange_rates` {%- endmacro %}

{% macro bigquery__money(expression) -%}
    ROUND(CAST({{ expression }} as BIGNUMERIC), 15)
{%- endmacro %}

{% macro bigquery__divide_money(dividend, divisor) -%}
    ROUND(CAST({{ dividend }} as BIGNUMERIC) / NULLIF(CAST({{ divisor }} as BIGNUMERIC), 0), 15)
{%- endmacro %}

{% macro bigquery__multiply_money(left, right) -%}
    ROUND(CAST({{ left }} as BIGNUMERIC) * CAST({{ right }} as BIGNUMERIC), 15)
{%- endmacro %}

{% macro bigquery__convert_money(amount, rate) -%}
    ROUND(
        ROUND(CAST({{ amount }} as BIGNUMERIC), 10) * ROUND(CAST({{ rate }} as BIGNUMERIC), 12), 15
    )
{%- endmacro %}

{% macro bigquery__money_text(amount) -%} CAST({{ amount }} as STRING) {%- endmacro %}

{% macro bigquery__ratio(part, whole) -%}
    (CAST({{ part }} as FLOAT64) / NULLIF(CAST({{ whole }} as FLOAT64), 0))
{%- endmacro %}

{#- Rounded once more as a decimal: the double's own digits begin after its twelfth place. -#}
{% macro bigquery__times_ratio(amount, ratio) -%}
    ROUND(CAST(CAST({{ amount }} as FLOAT64) * {{ ratio }} as BIGNUMERIC), 12)
{%- endmacro %}

{% macro bigquery__clock_in(timestamp, zone) -%}
    DATETIME(TIMESTAMP({{ timestamp }}, 'UTC'), {{ zone }})
{%- endmacro %}

{% macro bigquery__hash_of(columns) -%}
    FARM_FINGERPRINT(
        CONCAT(
            {%- for column in columns -%}
                TO_JSON_STRING({{ column }}){{ ", ';', " if not loop.last }}
            {%- endfor -%}
        )
    )
{%- endmacro %}

{% macro bigquery__list_of(expression, condition) -%}
    ARRAY_AGG(IF({{ condition }}, {{ expression }}, NULL) IGNORE NULLS)
{%- endmacro %}

{% macro bigquery__in_list(value, list) -%}({{ value }} in UNNEST({{ list }})) {%- endmacro %}

{% macro bigquery__numbered(relation, count, name) -%}
    (
        select counted.*, {{ name }}
        from {{ relation }} as counted
        cross join UNNEST(GENERATE_ARRAY(0, CAST({{ count }} as INT64) - 1)) as {{ name }}
    )
{%- endmacro %}

{% macro bigquery__any_true(condition) -%} LOGICAL_OR({{ condition }}) {%- endmacro %}

{% macro bigquery__all_true(condition) -%} LOGICAL_AND({{ condition }}) {%- endmacro %}

{#- Maps -#}
{% macro bigquery__map_size(map) -%} ARRAY_LENGTH(JSON_KEYS({{ map }}, 1)) {%- endmacro %}

{#- The entries of a map as rows key, value. JSON_KEYS quotes a key that is no plain word. -#}
{% macro bigquery_entries(map) -%}
    select
        key,
        place,
        IF(
            JSON_TYPE({{ map }} [key]) in ('object', 'array'),
            TO_JSON_STRING({{ map }} [key]),
            JSON_VALUE({{ map }} [key])
        ) as value
    from
        (
            select REGEXP_REPLACE(quoted, r'^"(.*)"$', r'\1') as key, place
            from UNNEST(JSON_KEYS({{ map }}, 1)) as quoted
            with
            offset as place
        )
{%- endmacro %}

{% macro bigquery__map_value(map, key) -%}
    IF(
        JSON_TYPE({{ map }} [{{ key }}]) in ('object', 'array'),
        TO_JSON_STRING({{ map }} [{{ key }}]),
        JSON_VALUE({{ map }} [{{ key }}])
    )
{%- endmacro %}

{% macro bigquery__map_if(condition, map) -%}
    IF({{ condition }} and {{ bigquery__map_size(map) }} > 0, {{ map }}, NULL)
{%- endmacro %}

{% macro bigquery__merged_maps(maps) -%}
    (
        select IF(COUNT(*) = 0, NULL, JSON_OBJECT(ARRAY_AGG(key), ARRAY_AGG(value)))
        from
            (
                select key, ARRAY_AGG(value order by map_number DESC limit 1)[OFFSET(0)] as value
                from
                    (
                        {%- for map in maps %}
                            select key, value, {{ loop.index }} as map_number
                            from ({{ bigquery_entries(map) }}) {{ "UNION ALL" if not loop.last }}
                        {%- endfor %}
                    )
                group by key
            )
    )
{%- endmacro %}

{% macro bigquery__map_of(pairs) -%}
    IF(
        COALESCE({{ pairs | map(attribute=1) | join(", ") }}) is NULL,
        NULL,
        JSON_STRIP_NULLS(
            JSON_OBJECT(
                {%- for key, value in pairs -%}
                    {{ key }}, {{ value }}{{ ", " if not loop.last }}
                {%- endfor -%}
            )
        )
    )
{%- endmacro %}

{#- Of two values of one key, PARSE_JSON keeps the first. -#}
{% macro bigquery__json_map(text) -%}
    {%- set whole -%}
        SAFE.PARSE_JSON(
            IF(STARTS_WITH(LTRIM({{ text }}), '{'), {{ text }}, CONCAT('{', {{ text }}, '}')),
            wide_number_mode => 'round'
        )
    {%- endset -%}
    IF(JSON_TYPE({{ whole }}) = 'object', {{ whole }}, NULL)
{%- endmacro %}

{% macro bigquery__map_records(map, key) -%}
    ARRAY(
        select as struct {{ key }} as k, e.value as v
        from ({{ bigquery_entries(map) }}) as e
        where e.value <> ''
        order by e.place
    )
{%- endmacro %}

{% macro bigquery__map_renamed(map, name, condition=none) -%}
    (
        select
            IF(
                COUNT(*) = 0,
                NULL,
                JSON_OBJECT(
                    ARRAY_AGG(
                        IF(same_name = 1 and (name = k or name not in UNNEST(all_keys)), name, k)
                        order by k
                    ),
                    ARRAY_AGG(value order by k)
                )
            )
        from
            (
                select
                    k,
                    value,
                    {{ name }} as name,
                    ROW_NUMBER() over (partition by {{ name }} order by k) as same_name,
                    ARRAY_AGG(k) over () as all_keys
                from (select key as k, value from ({{ bigquery_entries(map) }}))
                where {{ condition or "TRUE" }}
            )
    )
{%- endmacro %}

{#- Lists of records -#}
{% macro bigquery__records_filter(records, condition) -%}
    ARRAY(
        select r
        from UNNEST({{ records }}) as r
        with
        offset as place
        where {{ condition }}
        order by place
    )
{%- endmacro %}

{% macro bigquery__records_if(condition, records) -%}
    IF({{ condition }}, {{ records }}, NULL)
{%- endmacro %}

{% macro bigquery__records_sum(records, field, condition=none) -%}
    COALESCE(
        (
            select ROUND(CAST(SUM(r.{{ field }}) as BIGNUMERIC), 15)
            from UNNEST({{ records }}) as r
            where {{ condition or "TRUE" }}
        ),
        0
    )
{%- endmacro %}

{% macro bigquery__record_at(records, place, field) -%}
    {{ records }} [SAFE_OFFSET({{ place }})].{{ field }}
{%- endmacro %}

{% macro bigquery__records_count(records) -%} ARRAY_LENGTH({{ records }}) {%- endmacro %}

{% macro bigquery__records_map(records, key, value) -%}
    (
        select
            JSON_OBJECT(
                COALESCE(ARRAY_AGG(k order by place), array<STRING>[]),
                COALESCE(ARRAY_AGG(v order by place), array<STRING>[])
            )
        from
            (
                select r.{{ key }} as k, COALESCE(NULLIF(r.{{ value }}, ''), 'true') as v, place
                from UNNEST({{ records }}) as r
                with
                offset as place
                where r.{{ key }} is not NULL
                qualify ROW_NUMBER() over (partition by r.{{ key }} order by place) = 1
            )
    )
{%- endmacro %}

{% macro bigquery__records_json(records) -%}
    IF(ARRAY_LENGTH({{ records }}) > 0, TO_JSON_STRING({{ records }}), NULL)
{%- endmacro %}

{#- Functions that models write plainly, where sqlglot's translation gives another value. -#}
{#- no function of BigQuery -#}
{% macro bigquery_function__split_part(text, by, number) -%}
    COALESCE(
        SPLIT({{ text }}, {{ by }})[SAFE_ORDINAL({{ number }})], IF({{ text }} is NULL, NULL, '')
    )
{%- endmacro %}

{#- no function of BigQuery -#}
{% macro bigquery_function__concat_ws(by) -%}
    ARRAY_TO_STRING([{{ varargs | join(", ") }}], {{ by }})
{%- endmacro %}

{#- without regard to case -#}
{% macro bigquery_function__contains(text, word) -%}
    (STRPOS({{ text }}, {{ word }}) > 0)
{%- endmacro %}

{#- null where one is null -#}
{% macro bigquery_function__greatest() -%}
    (select MAX(one) from UNNEST([{{ varargs | join(", ") }}]) as one)
{%- endmacro %}

{#- takes a DATE only -#}
{% macro bigquery_function__time_to_str(time, format) -%}
    FORMAT_DATETIME({{ format }}, {{ time }})
{%- endmacro %}
