{#-
  How bills get into tables: bill by bill, each replaced in one transaction, one snapshot a bill.

  The built-in incremental strategies build a copy first (1.6 x the time) or join on the bill
  (out of memory at a million rows). Which bills changed stands in bills.json beside the project,
  a file read when the model runs: neither --vars nor profiles.yml, which would force a full parse.
-#}
{% macro changed_bills() %}
    {%- set found = run_query(
        "select source, billing_period_start, to_json(models)::varchar as models, relation"
        ~ " from read_json('bills.json', columns = {source: 'varchar',"
        ~ " billing_period_start: 'varchar', models: 'varchar[]', relation: 'varchar'})"
    ) -%}
    {%- set bills = [] -%}
    {%- for row in found.rows -%}
        {%- do bills.append(
            {
                "source": row["source"],
                "start": row["billing_period_start"],
                "models": fromjson(row["models"]),
                "relation": row["relation"],
            }
        ) -%}
    {%- endfor -%}
    {{ return(bills) }}
{% endmacro %}

{% macro text_literal(value) %}'{{ value | replace("'", "''") }}'{% endmacro %}

{% macro select_bill(bill) %}
    {%- do run_query("set variable bill_source = " ~ text_literal(bill.source)) -%}
    {%- do run_query(
        "set variable bill_period_start = timestamp " ~ text_literal(bill.start)
    ) -%}
    {%- if bill.relation -%}
        {%- do run_query("create or replace temp view bill_rows as " ~ bill.relation) -%}
    {%- endif -%}
{% endmacro %}

{#-
  From the contract where there is one, so that a vendor without bills has its empty table.
  Not partitioned: a transaction writes one bill, so a file holds one bill, and the file's own
  minimum and maximum prune as well at half the cost of writing (docs/decisions/0009).
-#}
{% macro create_bill_table(target) %}
    {%- do run_query(
        "create table if not exists " ~ target ~ " " ~ get_table_columns_and_constraints()
    ) -%}
{% endmacro %}

{% macro create_side_table(target, sql) %}
    {%- do run_query(
        "create table if not exists " ~ target ~ " as select * from (" ~ sql ~ ") limit 0"
    ) -%}
{% endmacro %}

{% macro add_new_columns(target) %}
    {%- set there = adapter.get_columns_in_relation(target) | map(attribute="name") | list -%}
    {%- for column in model.columns.values() -%}
        {%- if column.name not in there -%}
            {%- call statement('add_column') -%}
                alter table {{ target }} add column {{ adapter.quote(column.name) }} {{ column.data_type }}
            {%- endcall -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro delete_bill(target, bill) %}
    {%- call statement('delete_bill', auto_begin=True) -%}
        delete from {{ target }}
        where x_SourceName = {{ text_literal(bill.source) }}
            and BillingPeriodStart = timestamp {{ text_literal(bill.start) }}
    {%- endcall -%}
{% endmacro %}

{% macro insert_bill(target, sql) %}
    {%- call statement('insert_bill', auto_begin=True) -%}
        insert into {{ target }} by name
        {{ sql }}
    {%- endcall -%}
{% endmacro %}

{% materialization bills, adapter = 'duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set contract = config.get('contract').enforced -%}
    {%- set state = namespace(there=load_cached_relation(this) is not none, checked=false, count=0) -%}
    {{ run_hooks(pre_hooks) }}

    {%- if contract and state.there -%}
        {%- do add_new_columns(target) -%}
    {%- elif contract -%}
        {%- do create_bill_table(target) -%}
        {%- set state.there = true -%}
    {%- endif -%}
    {%- do adapter.commit() -%}

    {%- for bill in changed_bills() -%}
        {%- set mine = config.get('every_bill', false) or this.identifier in bill.models -%}
        {%- if mine -%}
            {%- do select_bill(bill) -%}
            {%- if contract and not state.checked -%}
                {%- do get_assert_columns_equivalent(sql) -%}
            {%- elif not state.there -%}
                {%- do create_side_table(target, sql) -%}
                {%- set state.there = true -%}
            {%- endif -%}
            {%- set state.checked = true -%}
        {%- endif -%}
        {%- if state.there -%}
            {%- do delete_bill(target, bill) -%}
        {%- endif -%}
        {%- if mine -%}
            {%- do insert_bill(target, sql) -%}
            {%- set state.count = state.count + 1 -%}
        {%- endif -%}
        {%- do adapter.commit() -%}
    {%- endfor -%}

    {%- call noop_statement('main', message='BILLS ' ~ state.count) -%}
        -- {{ state.count }} bills replaced in {{ target }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
