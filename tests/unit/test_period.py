"""Billing periods: parsing, neighbours, ranges."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod, PeriodRange

periods = st.builds(BillingPeriod, st.integers(2, 9997), st.integers(1, 12))


@given(periods)
def test_text_round_trips(period):
    assert BillingPeriod.parse(str(period)) == period


@given(periods)
def test_neighbours_meet_without_gap(period):
    assert period.next().previous() == period
    assert period.end == period.next().start
    assert period.previous() < period < period.next()


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-9", "26-09", "2026/09", "2026-09-01", "", "September", "9999-01"],
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(InputError, match="is not a month") as refused:
        BillingPeriod.parse(text)
    assert refused.value.hint == "write it as 2026-09"
    assert refused.value.exit_code == 2


def test_year_and_leap_day():
    assert BillingPeriod.parse("2026-12").end == datetime(2027, 1, 1)
    assert BillingPeriod.parse("2028-02").end - BillingPeriod.parse("2028-02").start == timedelta(
        29
    )
    assert BillingPeriod.parse("2026-01").previous() == BillingPeriod(2025, 12)


def test_month_of_a_moment_is_counted_in_utc():
    assert BillingPeriod.of(datetime(2026, 9, 30, 23, 59)) == BillingPeriod(2026, 9)
    assert BillingPeriod.of(datetime(2026, 9, 30, 23, 59, tzinfo=UTC)) == BillingPeriod(2026, 9)
    india = timezone(timedelta(hours=5, minutes=30))
    assert BillingPeriod.of(datetime(2026, 10, 1, 2, 0, tzinfo=india)) == BillingPeriod(2026, 9)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("2026-02", ["2026-02"], ["2026-01", "2026-03"]),
        ("2026-02:2026-04", ["2026-02", "2026-03", "2026-04"], ["2026-01", "2026-05"]),
        ("2026-02:", ["2026-02", "2030-01"], ["2026-01"]),
        (":2026-02", ["2020-01", "2026-02"], ["2026-03"]),
        (":", ["2020-01", "2030-01"], []),
    ],
)
def test_ranges_include_both_ends(text, inside, outside):
    found = PeriodRange.parse(text)
    assert all(BillingPeriod.parse(month) in found for month in inside)
    assert not any(BillingPeriod.parse(month) in found for month in outside)


@pytest.mark.parametrize("text", ["2026-04:2026-02", "2026-04:x", "a:b:c", "2026-13:"])
def test_wrong_ranges_are_refused(text):
    with pytest.raises(InputError):
        PeriodRange.parse(text)
