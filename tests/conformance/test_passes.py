"""The pass builder: any list of predicates, judged once per row."""

from datetime import datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_stack.bill import BillKey
from finops_stack.conformance.check import check_rows
from finops_stack.conformance.passes import PASS_SIZE, passes, read_pass
from finops_stack.conformance.rows import RowCheck

START = datetime(2026, 9, 1)
BILL = BillKey("acme", START)


def check(number, fails, applies=""):
    return RowCheck(f"check-{number}", "", "warn", fails=fails, applies=applies)


@pytest.fixture
def numbers():
    """Rows 0…199, one unit of cost each."""
    connection = duckdb.connect()
    connection.execute(
        "create table numbers as select 'acme' as x_SourceName,"
        " timestamp '2026-09-01' as BillingPeriodStart, 1::decimal(38, 15) as BilledCost,"
        " 'f' as x_SourceFile, i as x_SourceRow, 0 as x_SourcePart from range(200) as r(i)"
    )
    yield connection
    connection.close()


def test_more_checks_than_bits_take_more_passes(numbers):
    checks = [check(n, f"x_SourceRow % {n} = 0") for n in range(1, 2 * PASS_SIZE + 5)]
    assert [len(portion) for portion in passes(checks)] == [PASS_SIZE, PASS_SIZE, 4]
    results = check_rows(numbers, relation="numbers", bills=[BILL], checks=checks)
    for divisor, result in enumerate(results, start=1):
        expected = len(range(0, 200, divisor))
        assert (result.failed_rows, result.billed_cost) == (expected, Decimal(expected))
        assert len(result.samples) == min(5, expected)


def test_null_neither_applies_nor_fails(numbers):
    checks = [
        check(1, "null"),
        check(2, "true", applies="null"),
        check(3, "x_SourceRow > null or x_SourceRow = 3"),
        check(4, "x_SourceRow = 1 or x_SourceRow = 2", applies="x_SourceRow < 2 or null"),
    ]
    results = check_rows(numbers, relation="numbers", bills=[BILL], checks=checks)
    assert [result.failed_rows for result in results] == [0, 0, 1, 1]


rows_of_bills = st.lists(
    st.tuples(
        st.sampled_from(["acme", "globex"]),
        st.integers(0, 2**PASS_SIZE - 1),
        st.integers(1, 10**6),
        st.none() | st.decimals(-(10**6), 10**6, places=15),
    )
)


@given(rows_of_bills)
def test_reading_a_pass_adds_up_what_its_bits_say(rows):
    checks = [check(n, "true") for n in range(PASS_SIZE)]
    tallies = read_pass(checks, [(s, START, bits, n, cost) for s, bits, n, cost in rows])
    for source in ("acme", "globex"):
        for bit, each in enumerate(checks):
            mine = [(n, cost) for s, bits, n, cost in rows if s == source and bits >> bit & 1]
            tally = tallies.get((BillKey(source, START), each.id))
            assert (tally is None) == (not mine)
            if tally:
                assert tally.failed_rows == sum(n for n, _ in mine)
                assert tally.billed_cost == sum(cost or 0 for _, cost in mine)
