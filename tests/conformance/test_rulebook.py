"""Every rule finds the row that breaks it; data that keeps all rules is silent."""

from decimal import Decimal

import duckdb
import pytest
from mutations import CLEAN, Row, broken, broken_json

from finops_stack.conformance.predicates import Scope
from finops_stack.conformance.rulebook import judge_relation, prepare
from finops_stack.focus.rules import Rule, rules
from finops_stack.focus.spec import VERSIONS, columns

GROUPED = ("unique", "distinct_count_per", "present")


def text_table(connection, name: str, rows: list[Row], version: str) -> None:
    """All text, as a csv is read; only the columns of that version."""
    names = [column.name for column in columns(version)]
    declared = ", ".join(f'"{n}" varchar' for n in names)
    connection.execute(f"create table {name} (case_number integer, {declared})")
    marks = ", ".join("?" for _ in names)
    values = [[number, *(row.get(n) for n in names)] for number, row in enumerate(rows)]
    connection.executemany(f"insert into {name} values (?, {marks})", values)


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute("set TimeZone = 'UTC'")
        yield made


@pytest.mark.parametrize("version", VERSIONS)
def test_clean_data_is_silent(connection, version):
    text_table(connection, "clean", list(CLEAN), version)
    judged = judge_relation(connection, "clean", version=version)
    failed = [(v.rule.id, v.rule.requirement, v.samples[:1]) for v in judged.errors + judged.advice]
    assert failed == []
    assert judged.rows == len(CLEAN)


def bent(rule: Rule) -> list[Row]:
    """Rows one of which has to break the rule."""
    if documents := broken_json(rule.requirement):
        return documents
    row = broken(rule.condition, rule.requirement)
    return [row] if row else []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_rule_finds_the_row_that_breaks_it(connection, version):
    """One table with a broken row for each rule; a rule has to name its own row."""
    scope = all_text(version)
    _, predicates = prepare(rules(version), scope)
    by_rule = {v.rule.id: p for v, p in predicates if v.rule.requirement[::2] != ["type", "String"]}
    found = {v.rule.id: bent(v.rule) for v, _ in predicates if v.rule.id in by_rule}
    assert [rule_id for rule_id, rows in found.items() if not rows] == []
    text_table(connection, "bent", [row for rows in found.values() for row in rows], version)
    missed, first = [], 0
    for rule_id, rows in found.items():
        (broke,) = connection.execute(
            f"select count(*) from {scope.with_doubles('bent')} where {by_rule[rule_id]}"
            f" and case_number between {first} and {first + len(rows) - 1}"
        ).fetchone()
        missed += [] if broke else [rule_id]
        first += len(rows)
    assert missed == []
    assert len(found) > 70


def all_text(version: str) -> Scope:
    found = columns(version)
    return Scope(
        {column.name: "VARCHAR" for column in found},
        {column.name: column.allowed_values for column in found},
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_text_column_that_holds_numbers_breaks_its_type(connection, version):
    texts = [c.name for c in columns(version) if c.data_type == "String"]
    declared = ", ".join(f'"{name}" integer' for name in texts)
    connection.execute(f"create table numbers ({declared})")
    connection.execute(f"insert into numbers values ({', '.join('1' for _ in texts)})")
    judged = judge_relation(connection, "numbers", version=version)
    wrong = {v.rule.column for v in judged.errors if v.rule.requirement[0] == "type"}
    assert wrong == set(texts)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_column_that_is_not_there_fails_its_presence_and_nothing_else(connection, version):
    text_table(connection, "clean", list(CLEAN), version)
    connection.execute('alter table clean drop column "ServiceName"')
    judged = judge_relation(connection, "clean", version=version)
    failed = [v.rule for v in judged.errors]
    assert failed and all(rule.requirement == ["present", "ServiceName"] for rule in failed)


def test_a_price_of_two_skus_is_found_with_its_rows(connection):
    rows = [CLEAN[0], CLEAN[0] | {"SkuId": "sku-2"}, CLEAN[0] | {"SkuPriceId": "other"}]
    text_table(connection, "prices", rows, "1.2")
    judged = judge_relation(connection, "prices", version="1.2")
    (verdict,) = [v for v in judged.errors if v.rule.requirement[0] == "distinct_count_per"]
    assert verdict.violations == 2
    assert verdict.samples == [{"SkuPriceId": "sku-1", "rows": "2"}]


def test_cost_touched_is_that_of_the_rows_that_break_the_rule(connection):
    rows = [CLEAN[0], CLEAN[0] | {"ChargeCategory": "Foo", "BilledCost": "12.5"}]
    text_table(connection, "costs", rows, "1.2")
    judged = judge_relation(connection, "costs", version="1.2")
    verdict = next(v for v in judged.errors if v.rule.id == "ChargeCategory-C-003-M")
    assert (verdict.violations, verdict.cost, judged.cost) == (1, Decimal("12.5"), Decimal("14.5"))
    assert verdict.samples == [{"ChargeCategory": "Foo"}]


def test_a_condition_that_ignores_null_would_let_ordinary_rows_through(connection):
    """ChargeClass is NULL on ordinary rows: "is not Correction" has to hold for them."""
    text_table(connection, "ordinary", [CLEAN[0] | {"ListUnitPrice": None}], "1.2")
    failed = {v.rule.id for v in judge_relation(connection, "ordinary", version="1.2").errors}
    assert "ListUnitPrice-C-005-C" in failed


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_are_whole(version):
    found = rules(version)
    assert len({rule.id for rule in found}) == len(found)
    assert {rule.dataset for rule in found} == {"CostAndUsage"}
