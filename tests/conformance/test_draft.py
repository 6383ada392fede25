"""1.4's rules were taken two weeks before it was ratified: they say what its columns say."""

import re
from pathlib import Path

import pytest

from finops_stack.conformance.rulebook import prepare
from finops_stack.conformance.scope import Scope
from finops_stack.focus.rules import Rule, rules
from finops_stack.focus.spec import DATASETS, Column, columns, versions_of

DRAFT = "1.4"
COLUMNS = [(dataset, column) for dataset in DATASETS for column in columns(DRAFT, dataset)]
DOCS = Path(__file__).parents[2] / "docs" / "conformance.md"


def rules_of(dataset: str, column: Column) -> list[Rule]:
    return [rule for rule in rules(DRAFT, dataset) if rule.column == column.name]


def name_of(value: object) -> str:
    return value.name if isinstance(value, Column) else str(value)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_column_is_asked_for_exactly_where_there_is_one(dataset):
    asked = {rule.requirement[1] for rule in rules(DRAFT, dataset) if rule.kind == "presence"}
    names = {column.name for column in columns(DRAFT, dataset)}
    # "The dataset has to be there" is a rule about a provider.
    assert asked - {dataset} == names


@pytest.mark.parametrize(("dataset", "column"), COLUMNS, ids=name_of)
def test_types_agree(dataset, column):
    said = {r.requirement[2] for r in rules_of(dataset, column) if r.requirement[0] == "type"}
    assert said == {"JSON Object" if column.data_type == "JSON" else column.data_type}


@pytest.mark.parametrize(("dataset", "column"), COLUMNS, ids=name_of)
def test_what_may_be_empty_agrees(dataset, column):
    filled = [
        rule
        for rule in rules_of(dataset, column)
        if rule.condition is None and rule.requirement == ["not_null", column.name]
    ]
    # Its page says that it is never empty; its rule, where BillingAccountId is not, which is never.
    if column.name != "BillingAccountType":
        assert any(rule.is_error for rule in filled) == (not column.allows_nulls)


@pytest.mark.parametrize(("dataset", "column"), COLUMNS, ids=name_of)
def test_lists_of_values_and_ranges_agree(dataset, column):
    found = rules_of(dataset, column)
    listed = any(rule.kind == "enum" for rule in found)
    # Its one word is a rule of its own.
    if column.name != "ChargeClass":
        assert listed == bool(column.allowed_values)
    ranged = any(rule.requirement[0] in ("ge", "between") for rule in found)
    assert ranged == (column.numeric_range in (">=0", "0..1"))


@pytest.mark.parametrize(("dataset", "column"), COLUMNS, ids=name_of)
def test_who_has_to_have_a_column_agrees(dataset, column):
    asked = [
        rule
        for rule in rules(DRAFT, dataset)
        if rule.requirement == ["present", column.name] and rule.keyword != "MAY"
    ]
    always = any(rule.is_error and not rule.applies_when and not rule.condition for rule in asked)
    assert always == (column.feature_level == "Mandatory")


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_docs_count_right(dataset):
    """Judged of all, version by version."""
    counted = []
    for version in versions_of(dataset):
        found = columns(version, dataset)
        scope = Scope({c.name: "VARCHAR" for c in found}, {c.name: c.allowed_values for c in found})
        verdicts, _ = prepare(rules(version, dataset), scope)
        judged = sum(verdict.status == "passed" for verdict in verdicts)
        counted.append(f"{judged} of {len(verdicts)}")
    (line,) = re.findall(rf"^\| {dataset} \|.*$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert line.split("|")[3].strip().split(",")[0].split(" · ") == counted
