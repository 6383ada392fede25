"""Known deviations: each names columns and versions there are, and covers no more than it says."""

import duckdb
import pytest
from mutations import CLEAN, Row

from finops_stack.conformance.rulebook import Judgement, judge_relation
from finops_stack.conformance.waivers import emitters, waived, waivers
from finops_stack.focus.rules import rules
from finops_stack.focus.spec import VERSIONS, columns

BREAKS = {"absent", "null", "value", "format", "price", "named"}
LIFTS = {"repaired", "partly", "kept"}


def judged(rows: list[Row], version: str, without: tuple[str, ...] = ()) -> Judgement:
    """Rows of text, as a csv has them."""
    names = [column.name for column in columns(version) if column.name not in without]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        declared = ", ".join(f'"{name}" varchar' for name in names)
        connection.execute(f"create table bill ({declared})")
        marks = ", ".join("?" for _ in names)
        values = [[row.get(name) for name in names] for row in rows]
        connection.executemany(f"insert into bill values ({marks})", values)
        return judge_relation(connection, "bill", version=version)


@pytest.mark.parametrize("waiver", waivers(), ids=lambda waiver: waiver.emitter + waiver.why[:20])
def test_a_waiver_names_what_there_is_and_says_why(waiver):
    assert set(waiver.versions) <= set(VERSIONS)
    assert set(waiver.breaks) <= BREAKS
    assert waiver.lift in LIFTS
    assert waiver.why and waiver.repair and waiver.source
    for version in waiver.versions:
        known = {rule.column for rule in rules(version)}
        known |= {column.name for column in columns(version)}
        later = {column.name for each in VERSIONS for column in columns(each)}
        assert set(waiver.columns) <= known | later
    # In one of its versions at least, each column is there.
    there = {rule.column for version in waiver.versions for rule in rules(version)}
    assert set(waiver.columns) <= there


PREVIEW = {"ProviderName": "Oracle", "ChargeFrequency": "Usage-based"}


def test_a_deviation_is_waived_for_its_emitter_and_no_other():
    found = judged([CLEAN[0] | PREVIEW], "1.0")
    (rule_id,) = [verdict.rule.id for verdict in found.errors]
    waiver = waived(found, ("Oracle",))[rule_id]
    assert (waiver.lift, waiver.repair) == ("repaired", "the specification's spelling")
    assert waived(found, ("AWS",)) == {}
    assert waived(found, ("Oracle", "AWS")) == {}
    assert waived(found, ()) == {}


def test_what_is_waived_for_one_way_to_break_it_is_an_error_for_another():
    """Alibaba's contracted cost is empty; a word in its place is nothing that is known."""
    bill = CLEAN[0] | {"ProviderName": "Alibaba Cloud"}
    empty = judged([bill | {"ContractedCost": None}], "1.0")
    wrong = judged([bill | {"ContractedCost": "free"}], "1.0")
    assert {v.rule.id for v in empty.errors} == set(waived(empty, ("Alibaba Cloud",)))
    assert wrong.errors and waived(wrong, ("Alibaba Cloud",)) == {}


def test_columns_that_are_not_there_are_waived_where_that_is_known():
    without = ("BillingAccountName", "InvoiceIssuerName", "ServiceCategory")
    found = judged([CLEAN[0] | {"ProviderName": "Google Cloud"}], "1.2", without)
    missing = {v.rule.id for v in found.errors if v.rule.requirement[0] == "present"}
    assert len(missing) == 3
    assert missing <= set(waived(found, ("Google Cloud",)))


def test_emitters_are_the_providers_in_the_data():
    with duckdb.connect() as connection:
        connection.execute("create table bill as select 'A' as ProviderName union all select null")
        assert emitters(connection, "bill", ("ProviderName",)) == ("A",)
        assert emitters(connection, "bill", ("Other",)) == ()
