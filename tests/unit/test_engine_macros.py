"""Macros of one engine: what they give on DuckDB, value by value."""

import re
from decimal import Decimal

import duckdb
import jinja2
import pytest

from finops_stack.build.plan import CORE

RECORDS = "[{'k': 'a', 'v': 'x', 'n': 1.5::decimal(38, 15)}, {'k': 'b', 'v': '', 'n': -0.25}]"
TWICE = "[{'k': 'a', 'v': 'x'}, {'k': 'a', 'v': 'y'}, {'k': null, 'v': 'z'}]"
NONE = "cast([] as struct(k varchar, v varchar, n decimal(38, 15))[])"


class Dispatch:
    """dbt's adapter.dispatch, of which only the default is needed."""

    def __init__(self) -> None:
        text = "\n".join(p.read_text() for p in sorted((CORE / "macros" / "engines").glob("*.sql")))
        environment = jinja2.Environment(extensions=["jinja2.ext.do"])
        environment.globals |= {"adapter": self, "return": lambda value: value}
        for name in re.findall(r"macro (\w+)\(", text):
            environment.globals[name] = lambda *args, name=name: getattr(self.macros, name)(*args)
        self.macros = environment.from_string(text).module

    def dispatch(self, name: str, _package: str) -> object:
        return getattr(self.macros, f"default__{name}")


MACROS = Dispatch().macros


@pytest.mark.parametrize(
    ("macro", "args", "expected"),
    [
        ("records_sum", (RECORDS, "n"), Decimal("1.25")),
        ("records_sum", (RECORDS, "n", "r.k = 'b'"), Decimal("-0.25")),
        ("records_sum", (RECORDS, "n", "r.k = 'c'"), Decimal(0)),
        ("records_sum", (NONE, "n"), Decimal(0)),
        ("records_count", (RECORDS,), 2),
        ("records_count", (NONE,), 0),
        ("record_at", (RECORDS, 1, "k"), "b"),
        ("record_at", (RECORDS, 2, "k"), None),
        ("record_at", (f"list_filter({RECORDS}, lambda r: r.n < 0)", 0, "k"), "b"),
        ("records_map", (RECORDS, "k", "v"), {"a": "x", "b": "true"}),
        ("records_map", (TWICE, "k", "v"), {"a": "x"}),
        ("records_map", (NONE, "k", "v"), {}),
        ("records_json", ("[{'k': 'a'}]",), '[{"k":"a"}]'),
        ("records_json", (NONE,), None),
        ("merged_maps", (["map {'a': '1', 'b': '2'}", "map {'b': '3'}"],), {"a": "1", "b": "3"}),
        ("merged_maps", (["cast(map() as map(varchar, varchar))"],), None),
        ("map_of", ([("'a'", "'1'"), ("'b'", "null")],), {"a": "1"}),
        ("map_of", ([("'a'", "cast(null as varchar)")],), None),
        ("in_list", ("'a'", "['a', 'b']"), True),
        ("share_of", ("10", "1", "3"), Decimal("3.333333333333")),
        ("share_of", ("10", "1", "0"), None),
        ("times_ratio", ("15", "cast(8 as double) / 12"), Decimal(10)),
        ("ratio", ("8", "0"), None),
        ("product_of", ("24", "0.107"), Decimal("2.568")),
        ("product_of", ("0.0129", "0.004379084"), Decimal("0.0000564901836")),
        ("product_of", ("1.5", "null"), None),
        ("json_map", ("""'{"a": "x", "b": {"c": 1}}'""",), {"a": "x", "b": '{"c":1}'}),
        ("json_map", ("""'"a": "x","b": ""'""",), {"a": "x", "b": ""}),
        ("json_map", ("""'{"a": "x", "a": "y"}'""",), {"a": "x"}),
        ("json_map", ("""'{"a": '""",), None),
        ("json_map", ("""'""'""",), None),
        ("map_records", ("map {'a': 'x', 'b': ''}", "'x_' || e.key"), [{"k": "x_a", "v": "x"}]),
    ],
)  # fmt: skip
def test_gives(macro: str, args: tuple[object, ...], expected: object) -> None:
    found = duckdb.execute(f"select {getattr(MACROS, macro)(*args)}").fetchone()
    assert found == (expected,)


@pytest.mark.parametrize(
    ("utc", "california"),
    [
        ("2026-09-01 06:59:59", "2026-08-31 23:59:59"),
        ("2026-12-01 08:00:00", "2026-12-01 00:00:00"),
    ],
)  # fmt: skip
def test_clock_in_knows_summer_time(utc: str, california: str) -> None:
    clock = MACROS.clock_in(f"timestamp '{utc}'", "'America/Los_Angeles'")
    found = duckdb.execute(f"select cast({clock} as varchar)").fetchone()
    assert found == (california,)


def test_numbered_gives_a_row_for_each_number_below_the_count() -> None:
    relation = MACROS.numbered("(values (0, 'none'), (2, 'two'))", "col0", "number")
    found = duckdb.execute(f"select col1, number from {relation}").fetchall()
    assert found == [("two", 0), ("two", 1)]
