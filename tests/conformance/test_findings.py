"""Bills and findings: keys, JSON and the user's own severities."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_stack.bill import BillKey, bills_condition
from finops_stack.conformance.rows import row_checks
from finops_stack.errors import FinopsError
from finops_stack.findings import Check, CheckResult, judge, severities, text_of
from finops_stack.reconcile.totals import total_checks

KNOWN = (Check("totals", "sums agree", "gate"), Check("names", "names are there", "warn"))
RESULT = CheckResult("totals", "sums agree", "gate", "acme", "2026-09")

texts = st.text(max_size=20)
results = st.builds(
    CheckResult,
    check_id=texts,
    what=texts,
    severity=st.sampled_from(["gate", "warn"]),
    source=texts,
    billing_period=st.just("2026-09"),
    failed_rows=st.integers(0, 10**12),
    billed_cost=st.decimals(-(10**20), 10**20, places=15),
    note=texts,
    samples=st.lists(st.dictionaries(texts, texts), max_size=5).map(tuple),
)


@given(results)
def test_a_result_survives_json(result):
    assert CheckResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_only_a_failed_gate_holds_back():
    assert RESULT.passed and not RESULT.holds_back
    assert CheckResult("a", "", "gate", "acme", "2026-09", failed_rows=1).holds_back
    assert not CheckResult("a", "", "warn", "acme", "2026-09", failed_rows=1).holds_back


def test_overrides_replace_severities_and_ignore_drops_results():
    judgements = severities({"totals": "warn", "names": "ignore"}, known=KNOWN)
    assert judgements == {"totals": "warn", "names": "ignore"}
    names = CheckResult("names", "names are there", "warn", "acme", "2026-09", failed_rows=1)
    judged = judge([RESULT, names], judgements)
    assert [(result.check_id, result.severity) for result in judged] == [("totals", "warn")]
    assert severities({}, known=KNOWN) == {"totals": "gate", "names": "warn"}


def test_an_unknown_check_names_the_known_ones():
    with pytest.raises(FinopsError, match='no check "total"') as caught:
        severities({"total": "warn"}, known=KNOWN)
    assert caught.value.hint == "known checks: names, totals"
    assert caught.value.exit_code == 2


def test_an_unknown_severity_names_the_known_ones():
    with pytest.raises(FinopsError, match='"totals" cannot be "off"') as caught:
        severities({"totals": "off"}, known=KNOWN)
    assert caught.value.hint == "write one of: gate, warn, ignore"


def test_no_two_checks_of_the_product_share_an_id():
    ids = [check.id for check in (*row_checks(), *total_checks())]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (Decimal("4.992E-12"), "0.000000000004992"),
        (Decimal("1200.500000000000000"), "1200.5"),
        (Decimal("100"), "100"),
        (Decimal("-0.000"), "0"),
        (datetime(2026, 9, 1), "2026-09-01T00:00:00Z"),
        ({"b": "2", "a": "1"}, '{"a": "1", "b": "2"}'),
        (7, "7"),
        ("", ""),
    ],
)
def test_values_read_as_people_write_them(value, text):
    assert text_of(value) == text


def test_a_bill_is_the_same_in_any_zone():
    naive = BillKey("acme", datetime(2026, 9, 1))
    assert BillKey("acme", datetime(2026, 9, 1, tzinfo=UTC)) == naive
    east = timezone(timedelta(hours=2))
    assert BillKey("acme", datetime(2026, 9, 1, 2, tzinfo=east)) == naive
    assert naive.billing_period == "2026-09"


sources = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
months = st.integers(1, 12).map(lambda month: datetime(2026, month, 1))
bills = st.sets(st.builds(BillKey, sources, months), max_size=8)


@given(bills, bills)
def test_the_condition_picks_exactly_these_bills(wanted, others):
    rows = sorted(wanted | others)
    with duckdb.connect() as connection:
        connection.execute(
            "create table t as select unnest(?::varchar[]) as x_SourceName,"
            " unnest(?::timestamp[]) as BillingPeriodStart",
            [[row.source for row in rows], [row.billing_period_start for row in rows]],
        )
        found = connection.execute(f"select * from t where {bills_condition(wanted)}").fetchall()
    assert {BillKey(source, start) for source, start in found} == wanted
