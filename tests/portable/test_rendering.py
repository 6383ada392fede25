"""Every model in every engine's SQL: rendered, parsed in that dialect, no foreign word in it."""

import re
import tomllib
from pathlib import Path

import pytest
import sqlglot
from all_models import MODELS, UNIONS
from sqlglot import exp
from sqlglot.errors import UnsupportedError

from finops_stack.build.plan import CORE
from finops_stack.build.portable import ENGINES, macro_names, render

OTHERS = [engine for engine in ENGINES if engine != "duckdb"]
KNOWN = {
    engine: frozenset(page["known"].split())
    for engine, page in tomllib.loads(
        Path(__file__).with_name("functions.toml").read_text(encoding="utf-8")
    ).items()
}
# Followed by a bracket too, but words of SQL, types, or clauses.
_WORDS = """
AND ARRAY AS BY DATETIME64 DECIMAL DISTINCT ELSE END EXCEPT EXCLUDE EXISTS FILTER FROM IN JOIN
LATERAL MAP NOT NULLABLE NUMBER NUMERIC ON OR OVER PARTITION SELECT THEN TUPLE UNION USING VALUES
WHEN WHERE WITH
"""
WORDS = frozenset(_WORDS.split())
DUCKDB_ONLY = re.compile(
    r"\b(read_csv|getvariable|list_\w+|map_from_entries|map_entries|struct_\w+|lambda|cardinality"
    r"|bool_or|bool_and|try_strptime|hugeint|unnest\(range|finops_\w+)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, str]]:
    """Engine → model → its SQL."""
    found: dict[str, dict[str, str]] = {}
    for engine in ENGINES:
        left = UNIONS if engine == "clickhouse" else ()
        found[engine] = {n: render(t, engine) for n, t in MODELS.items() if n not in left}
    return found


def bare(sql: str) -> str:
    """Without texts, comments and quoted names."""
    return re.sub(
        r"/\*.*?\*/|--[^\n]*|'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`[^`]*`", "''", sql, flags=re.S
    )


def functions(sql: str) -> set[str]:
    return set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", bare(sql)))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_model_parses_in_its_dialect(rendered, engine):
    for name, sql in rendered[engine].items():
        statements = sqlglot.parse(sql, read=engine)
        assert len(statements) == 1 and isinstance(statements[0], exp.Query), name


@pytest.mark.parametrize("engine", OTHERS)
def test_no_word_of_duckdb_is_left(rendered, engine):
    found = {n: DUCKDB_ONLY.findall(bare(sql)) for n, sql in rendered[engine].items()}
    assert {n: words for n, words in found.items() if words} == {}


@pytest.mark.parametrize("engine", sorted(KNOWN))
def test_every_function_is_one_of_the_engine(rendered, engine):
    unknown = {
        name: odd
        for name, sql in rendered[engine].items()
        if (odd := {f.upper() for f in functions(sql)} - KNOWN[engine] - WORDS)
    }
    assert unknown == {}


def test_every_function_is_one_of_clickhouse(rendered, clickhouse):
    rows = clickhouse.rows(
        "select name, case_insensitive from system.functions"
        " union all select name, 1 from system.aggregate_function_combinators"
    )
    exact = {name for name, _ in rows} | {"groupArrayIf"}
    folded = {name.upper() for name, either in rows if either}
    unknown = {
        name: odd
        for name, sql in rendered["clickhouse"].items()
        if (
            odd := {
                f
                for f in functions(sql)
                if f not in exact and f.upper() not in folded and f.upper() not in WORDS | {"TRIM"}
            }
        )
    }
    assert unknown == {}


@pytest.mark.parametrize("name", UNIONS)
def test_clickhouse_is_told_that_it_has_no_union_by_name(name):
    with pytest.raises(UnsupportedError, match="UNION BY NAME"):
        render(MODELS[name], "clickhouse")


def test_a_pattern_replaced_is_bound_to_an_end():
    """BigQuery replaces whatever fits and DuckDB the first: the same where only one place fits."""
    loose = {}
    for name, text in MODELS.items():
        tree = sqlglot.parse_one(render(text, "duckdb"), read="duckdb")
        patterns = [n.expression.name for n in tree.find_all(exp.RegexpReplace)]
        if odd := [p for p in patterns if not (p.startswith("^") or p.endswith("$"))]:
            loose[name] = odd
    assert loose == {}


def test_every_macro_has_a_variant_for_every_engine():
    folder = CORE / "macros" / "engines"
    text = "\n".join(p.read_text(encoding="utf-8") for p in folder.glob("*.sql"))
    for prefix in ("default", *OTHERS):
        missing = [n for n in macro_names() if f"macro {prefix}__{n}(" not in text]
        assert (prefix, missing) == (prefix, [])


def test_relations_and_macros_are_put_in_as_they_are():
    text = "select {{ hash_of(['a', 'b']) }} as h from {{ ref('x') }} as x"
    sql = render(text, "snowflake", relation=lambda name: "{{ ref('" + name + "') }}")
    assert " ".join(sql.split()) == """SELECT HASH("a", "b") AS "h" FROM {{ ref('x') }} AS "x\""""


def test_a_macro_in_a_macro_is_translated_from_the_inside():
    text = "select {{ money(divide_money('a', 'b')) }} as c from t"
    assert "ROUND(CAST(ROUND(" in "".join(render(text, "bigquery").split())
