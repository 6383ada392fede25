"""Every rule finds the row that breaks it; data that keeps all rules is silent."""

from decimal import Decimal

import duckdb
import pytest
from mutations import (
    CLEAN,
    CLEAN_OF,
    Row,
    bent,
    broken_groups,
)

from finops_stack.conformance.groups import groups_of
from finops_stack.conformance.rulebook import judge_relation, prepare
from finops_stack.conformance.scope import Scope
from finops_stack.errors import FinopsError
from finops_stack.focus.rules import rules
from finops_stack.focus.spec import CHARGES, DATASETS, VERSIONS, columns, versions_of

# Each version of each dataset.
JUDGED = [(dataset, version) for dataset in DATASETS for version in versions_of(dataset)]
# Of BillingPeriod, the smallest.
FEWEST_ROW_RULES = 17


def text_table(
    connection, name: str, rows: list[Row], version: str, dataset: str = CHARGES
) -> None:
    """All text, as a csv is read; only the columns of that version."""
    names = [column.name for column in columns(version, dataset)]
    declared = ", ".join(f'"{n}" varchar' for n in names)
    connection.execute(f"create table {name} ({declared}, x_case_number integer)")
    marks = ", ".join("?" for _ in names)
    values = [[*(row.get(n) for n in names), number] for number, row in enumerate(rows)]
    connection.executemany(f"insert into {name} values ({marks}, ?)", values)


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute("set TimeZone = 'UTC'")
        yield made


@pytest.mark.parametrize(("dataset", "version"), JUDGED)
def test_clean_data_is_silent(connection, dataset, version):
    text_table(connection, "clean", list(CLEAN_OF[dataset]), version, dataset)
    judged = judge_relation(connection, "clean", version=version, dataset=dataset)
    failed = [(v.rule.id, v.rule.requirement, v.samples[:1]) for v in judged.errors + judged.advice]
    assert failed == []
    assert judged.rows == len(CLEAN_OF[dataset])


@pytest.mark.parametrize(("dataset", "version"), JUDGED)
def test_every_row_rule_finds_the_row_that_breaks_it(connection, dataset, version):
    """One table with a broken row for each rule; a rule has to name its own row."""
    scope = all_text(version, dataset)
    _, predicates = prepare(rules(version, dataset), scope)
    by_rule = {v.rule.id: p for v, p in predicates if v.rule.requirement[::2] != ["type", "String"]}
    found = {v.rule.id: bent(v.rule) for v, _ in predicates if v.rule.id in by_rule}
    assert [rule_id for rule_id, rows in found.items() if not rows] == []
    rows = [row for rows in found.values() for row in rows]
    text_table(connection, "bent", rows, version, dataset)
    missed, first = [], 0
    for rule_id, rows in found.items():
        (broke,) = connection.execute(
            f"select count(*) from bent where {by_rule[rule_id]}"
            f" and x_case_number between {first} and {first + len(rows) - 1}"
        ).fetchone()
        missed += [] if broke else [rule_id]
        first += len(rows)
    assert missed == []
    assert len(found) >= FEWEST_ROW_RULES


def all_text(version: str, dataset: str = CHARGES) -> Scope:
    found = columns(version, dataset)
    return Scope(
        {column.name: "VARCHAR" for column in found},
        {column.name: column.allowed_values for column in found},
    )


GROUP_RULES = [
    rule
    for dataset, version in JUDGED
    for rule in rules(version, dataset)
    if groups_of(rule, all_text(version, dataset)) and rule.keyword != "MAY"
]


@pytest.mark.parametrize("rule", GROUP_RULES, ids=lambda rule: f"{rule.version}-{rule.id}")
def test_every_rule_about_groups_finds_the_group_that_breaks_it(connection, rule):
    rows = broken_groups(rule.requirement, CLEAN_OF[rule.dataset])
    text_table(connection, "bent", rows, rule.version, rule.dataset)
    judged = judge_relation(connection, "bent", version=rule.version, dataset=rule.dataset)
    (verdict,) = [v for v in judged.verdicts if v.rule.id == rule.id]
    # 1.4 asks it where the best category of a service is known, which no row tells.
    if rule.id in ("1.4draft-CAU-ServiceName-005", "1.4draft-CAU-ServiceName-008"):
        assert verdict.status == "not judged"
    else:
        assert (verdict.status, verdict.violations) == ("failed", 2)


@pytest.mark.parametrize(("dataset", "version"), JUDGED)
def test_every_column_that_has_to_be_there_is_missed(dataset, version):
    whole = all_text(version, dataset)
    asked = [r for r in rules(version, dataset) if r.requirement[0] == "present"]
    assert asked
    for rule in asked:
        kept = {name: kind for name, kind in whole.types.items() if name != rule.requirement[1]}
        verdicts, _ = prepare([rule], Scope(kept, whole.allowed))
        assert verdicts[0].status == ("failed" if rule.keyword != "MAY" else "not judged")


# Without its prefix; a FOCUS column in other letters; longer than 50 characters.
BADLY_NAMED = ["Margin", "billed_cost", "x_" + "Long" * 13]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("added", BADLY_NAMED)
def test_names_of_columns_are_judged(connection, version, added):
    text_table(connection, "named", list(CLEAN), version)
    connection.execute("alter table named drop column BilledCost")
    connection.execute(f'alter table named add column "{added}" varchar')
    judged = judge_relation(connection, "named", version=version)
    named = [v for v in judged.errors + judged.advice if v.samples == [{"column": added}]]
    # 1.4's attribute for custom columns is judged by their prefix alone.
    assert bool(named) == (not added.startswith("x_") or version != "1.4")


def test_custom_columns_stand_after_those_of_the_specification(connection):
    text_table(connection, "ordered", list(CLEAN), "1.2")
    connection.execute(
        "create table mixed as select x_case_number, * exclude (x_case_number) from ordered"
    )
    judged = judge_relation(connection, "mixed", version="1.2")
    found = {v.rule.id for v in judged.advice}
    assert found == {"ColumnHandling-A-012-O", "ColumnHandling-A-013-O"}
    assert judged.errors == []


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
    assert verdict.samples == [{"SkuPriceId": "sku-1", "ProviderName": "Cloud", "rows": "2"}]


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


@pytest.mark.parametrize(("dataset", "version"), JUDGED)
def test_rules_are_whole(dataset, version):
    found = rules(version, dataset)
    assert len({rule.id for rule in found}) == len(found)
    assert {rule.dataset for rule in found} == {dataset}


@pytest.mark.parametrize(("dataset", "version"), [("InvoiceDetail", "1.3"), ("Prices", "1.4")])
def test_a_version_without_the_dataset_has_no_rules_and_says_so(dataset, version):
    with pytest.raises(FinopsError) as raised:
        rules(version, dataset)
    assert raised.value.exit_code == 2
