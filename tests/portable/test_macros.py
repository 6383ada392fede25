"""Each engine macro's value, the same on DuckDB and on the real ClickHouse engine."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from clickhouse_engine import ClickHouse

from finops_stack.build.portable import macro_names, render

# One row; what a macro is given is a column of it, as in a model.
ROW = """
select
    [{'k': 'a', 'v': 'x', 'n': 1.5::decimal(38, 15)}, {'k': 'b', 'v': '', 'n': -0.25}] as records,
    [{'k': 'a', 'v': 'x'}, {'k': 'a', 'v': 'y'}, {'k': null, 'v': 'z'}] as twice,
    cast([] as struct(k varchar, v varchar, n decimal(38, 15))[]) as no_records,
    map {'a': '1', 'b': '2'} as map_a,
    map {'b': '3'} as map_b,
    map {'user:x': '1', 'user:y': '2', 'y': '3', 'cost/z': '4', 'user_x': '5'} as keys,
    cast(map() as map(varchar, varchar)) as no_map,
    ['a', 'b'] as words,
    cast('10' as decimal(38, 15)) as ten,
    cast('3' as decimal(38, 15)) as three,
    cast('0' as decimal(38, 15)) as zero,
    cast('4.992E-12' as decimal(38, 15)) as tiny,
    cast(null as decimal(38, 15)) as nothing,
    cast('1234567.891' as decimal(38, 15)) as amount,
    'a' as word,
    cast(null as varchar) as no_word,
    '{"a": "b", "c": {"d": 1}, "a": "x"}' as object,
    '"a": "b"' as braceless,
    'no json' as other_text,
    timestamp '2026-09-01 06:59:59' as summer,
    timestamp '2026-12-01 08:00:00' as winter
"""
CASES: list[tuple[str, Any]] = [
    ("money('ten')", Decimal(10)),
    ("money('cast(0.1 as double)')", Decimal("0.1")),
    ("divide_money('ten', 'zero')", None),
    ("divide_money('amount * 3', 'three')", Decimal("1234567.891")),
    ("multiply_money('tiny', 'three')", Decimal("0.000000000014976")),
    ("multiply_money('amount', 'ten')", Decimal("12345678.91")),
    ("multiply_money('amount', 'nothing')", None),
    ("convert_money('amount', '1.1')", Decimal("1358024.6801")),
    ("share_of('ten', '1', 'three')", Decimal("3.333333333333")),
    ("share_of('ten', '1', 'zero')", None),
    ("times_ratio('15', ratio('8', '12'))", Decimal(10)),
    ("ratio('ten', 'zero')", None),
    ("divide_money('cast(0.8999999999999999 as double)', '1')", Decimal("0.9")),
    ("money_text('amount')", "1234567.891"),
    ("money_text('ten')", "10"),
    ("money_text('zero')", "0"),
    ("map_value('map_a', \"'a'\")", "1"),
    ("map_value('map_a', \"'z'\")", None),
    ("map_size('map_a')", 2),
    ("map_if('ten > 3', 'map_a')", {"a": "1", "b": "2"}),
    ("map_if('ten < 3', 'map_a')", None),
    ("map_if('true', 'no_map')", None),
    ("map_of([(\"'a'\", 'word'), (\"'b'\", 'no_word')])", {"a": "a"}),
    ("map_of([(\"'a'\", 'no_word')])", None),
    ("merged_maps(['map_a', 'map_b'])", {"a": "1", "b": "3"}),
    ("merged_maps(['no_map'])", None),
    ("map_renamed('map_a', \"'x' || k\")", {"xa": "1", "xb": "2"}),
    (
        "map_renamed('keys', \"regexp_replace(k, '^user[:_]', '')\","
        " \"not starts_with(k, 'cost')\")",
        {"x": "1", "user:y": "2", "y": "3", "user_x": "5"},
    ),
    ("map_renamed('no_map', 'k')", None),
    ("json_map('object')", {"a": "b", "c": '{"d":1}'}),
    ("json_map('braceless')", {"a": "b"}),
    ("json_map('other_text')", None),
    ("records_map(map_records('map_a', \"'x_' || e.key\"), 'k', 'v')", {"x_a": "1", "x_b": "2"}),
    ("records_sum('records', 'n')", Decimal("1.25")),
    ("records_sum('records', 'n', \"r.k = 'b'\")", Decimal("-0.25")),
    ("records_sum('no_records', 'n')", Decimal(0)),
    ("records_count('records')", 2),
    ("records_count(records_if('ten > 3', 'records'))", 2),
    ("record_at(records_if('ten < 3', 'records'), '0', 'k')", None),
    ("record_at('records', '1', 'k')", "b"),
    ("record_at('records', '2', 'k')", None),
    ("record_at(records_filter('records', 'r.n < 0'), '0', 'k')", "b"),
    ("records_map('records', 'k', 'v')", {"a": "x", "b": "true"}),
    ("records_map('twice', 'k', 'v')", {"a": "x"}),
    ("records_json('twice')", '[{"k":"a","v":"x"},{"k":"a","v":"y"},{"k":null,"v":"z"}]'),
    ("records_json('no_records')", None),
    ("in_list('word', 'words')", True),
    ("in_list(\"'z'\", 'words')", False),
    ("in_list(\"'a'\", list_of('word', 'ten > 3'))", True),
    ("any_true('ten > 3')", True),
    ("all_true('ten < 3')", False),
    ("clock_in('summer', \"'America/Los_Angeles'\")", "2026-08-31 23:59:59"),
    ("clock_in('winter', \"'America/Los_Angeles'\")", "2026-12-01 00:00:00"),
]
FUNCTIONS: list[tuple[str, Any]] = [
    ("split_part('a/b', '/', 2)", "b"),
    ("split_part('a/b', '/', 3)", ""),
    ("split_part(no_word, '/', 1)", None),
    ("concat_ws('/', word, no_word, 'c')", "a/c"),
    ("regexp_replace('aba', 'a', 'x')", "xba"),
    (r"regexp_replace('12KB', '^[0-9]+([A-Z])', '\1')", "KB"),
    ("regexp_extract('i-12', '([0-9]+)$', 1)", "12"),
    ("contains('abc', 'B')", False),
    ("strftime(summer, '%H:%M:%S')", "06:59:59"),
    ("greatest(ten, nothing, three)", Decimal(10)),
    ("word || no_word", None),
    ("coalesce(nothing, 0)", Decimal(0)),
]
# Relations and what names the bill: executed by the vendors' models and below.
ELSEWHERE = {
    *("vocabulary", "account_names", "exchange_rates", "this_source", "this_period_start"),
    *("hash_of", "numbered"),
}


def plain(value: Any) -> Any:
    """As comparable: an empty map or list of ClickHouse is what null is elsewhere."""
    if isinstance(value, dict | list) and not value:
        return None
    if isinstance(value, str) and value[:4] == "2026":
        return value[:19]
    return value


def on_duckdb(call: str) -> Any:
    sql = render(f"select {call} as actual from ({ROW}) as bill", "duckdb")
    (found,) = duckdb.execute(sql).fetchall()[0]
    return str(found) if hasattr(found, "isoformat") else found


@pytest.fixture(scope="module")
def row(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> ClickHouse:
    place = tmp_path_factory.mktemp("row") / "row.parquet"
    duckdb.execute(f"copy ({ROW}) to '{place}' (format parquet)")
    clickhouse.load_bill("macros", place, {})
    return clickhouse


def on_clickhouse(engine: ClickHouse, call: str) -> Any:
    engine.run("use macros")
    sql = render(f"select {call} as actual from bill_rows as bill", "clickhouse")
    return engine.rows(sql)[0][0]


@pytest.mark.parametrize(("call", "expected"), CASES, ids=[c for c, _ in CASES])
def test_a_macro_gives_the_same(row, call, expected):
    for actual in (on_duckdb(f"{{{{ {call} }}}}"), on_clickhouse(row, f"{{{{ {call} }}}}")):
        same = actual == pytest.approx(expected) if isinstance(actual, float) else None
        assert same or plain(actual) == expected


@pytest.mark.parametrize(("call", "expected"), FUNCTIONS, ids=[c for c, _ in FUNCTIONS])
def test_a_plain_function_gives_the_same(row, call, expected):
    assert (on_duckdb(call), on_clickhouse(row, call)) == (expected, expected)


def test_a_quotient_is_exact_but_on_duckdb_which_divides_doubles(row):
    call = "{{ divide_money('ten', 'three') }}"
    assert on_clickhouse(row, call) == Decimal("3.333333333333333")
    assert abs(on_duckdb(call) - Decimal("3.333333333333333")) <= Decimal("1e-15")


def test_every_macro_has_a_case():
    said = " ".join(call for call, _ in CASES)
    assert [n for n in macro_names() if f"{n}(" not in said and n not in ELSEWHERE] == []


def test_equal_values_have_equal_hashes(row):
    for run in (on_duckdb, lambda call: on_clickhouse(row, call)):
        same = "{{ hash_of(['map_a', 'no_word']) }} = {{ hash_of(['map_a', 'no_word']) }}"
        other = "{{ hash_of(['map_a', 'no_word']) }} = {{ hash_of(['map_b', 'no_word']) }}"
        assert (bool(run(same)), bool(run(other))) == (True, False)


def test_numbered_gives_a_row_for_each_number_below_the_count(row):
    text = "select word, n from {{ numbered('{}', 'three', 'n') }} as t order by n"
    sql = render(text.replace("{}", "bill_rows"), "clickhouse")
    row.run("use macros")
    assert row.rows(sql) == [["a", 0], ["a", 1], ["a", 2]]


def test_a_bill_is_picked_by_the_session(row):
    row.run("use macros")
    row.pick_bill("mine", "2026-09-01 00:00:00")
    sql = render("select {{ this_source() }} as s, {{ this_period_start() }} as p", "clickhouse")
    assert row.rows(sql) == [["mine", "2026-09-01 00:00:00.000000"]]
