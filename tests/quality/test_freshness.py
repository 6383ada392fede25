"""A source is as old as its newest delivery, or as its newest charges where usage is daily."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from finops_stack.period import BillingPeriod
from finops_stack.quality.freshness import check_freshness, staleness_text
from finops_stack.thresholds import QualitySettings
from finops_stack.warehouse.source_ages import RecentUsage, SourceAge

NOW = datetime(2026, 9, 20, 6)
# 50 days of usage in August and September, 20 EUR and 1 USD a day.
DAILY = RecentUsage(
    date(2026, 9, 19), most_days=31, days=50, costs={"EUR": Decimal(1000), "USD": Decimal(50)}
)


def age(delivered_at=datetime(2026, 9, 20), usage=DAILY, *, in_month=True, month="2026-09"):
    return SourceAge(
        "aws", delivered_at, in_month, BillingPeriod.parse(month) if month else None, usage
    )


def judged(*ages, **settings):
    (result,) = check_freshness(ages, now=NOW, settings=QualitySettings(**settings))
    return result


def test_a_source_of_this_morning_is_fresh():
    result = judged(age())
    assert (result.passed, result.samples, result.billing_period) == (True, (), "2026-09")


def test_four_days_are_the_limit_and_five_are_stale():
    """Charges until the end of the 19th: nothing is unseen, so it touches no cost yet."""
    assert judged(age(datetime(2026, 9, 15, 7))).passed
    stale = judged(age(datetime(2026, 9, 15, 6)))
    assert (stale.failed_rows, stale.unit, stale.billed_cost) == (5, "day", 0)
    assert judged(age(datetime(2026, 9, 15, 6)), fresh_days=5).passed


def test_new_deliveries_with_old_charges_are_stale():
    """Charges until the end of the 10th: 9 days at 20 EUR and 1 USD."""
    usage = RecentUsage(date(2026, 9, 10), DAILY.most_days, DAILY.days, DAILY.costs)
    stale = judged(age(usage=usage))
    assert (stale.failed_rows, stale.billed_cost) == (9, 189)
    assert stale.samples == (
        {
            "delivered_at": "2026-09-20T00:00:00Z",
            "charges_until": "2026-09-11T00:00:00Z",
            "limit_days": "4",
            "usual_cost_a_day": "20 EUR + 1 USD",
        },
    )
    assert staleness_text(stale) == (
        "newest delivery of 2026-09-20 00:00, charges until 2026-09-11: 9 days old (limit 4)"
    )


def test_charges_of_a_month_reach_to_its_end():
    usage = RecentUsage(date(2026, 9, 1), most_days=1, days=2, costs={})
    assert judged(age(usage=usage)).passed
    assert judged(age(usage=usage, month="2026-08")).failed_rows == 19


def test_invoices_are_as_old_as_the_newest_one():
    """They come after their month: 45 days are the limit, and old charges say nothing."""
    usage = RecentUsage(date(2026, 7, 1), most_days=1, days=2, costs={"EUR": Decimal(620)})
    invoices = {"usage": usage, "in_month": False, "month": "2026-07"}
    assert judged(age(datetime(2026, 8, 6), **invoices)).passed
    stale = judged(age(datetime(2026, 8, 5, 5), **invoices))
    assert (stale.failed_rows, stale.billed_cost) == (46, 0)
    # 620 EUR in the 61 days of June and July
    assert stale.samples[0]["usual_cost_a_day"] == "10.16 EUR"
    assert staleness_text(stale) == "newest delivery of 2026-08-05 05:00: 46 days old (limit 45)"


def test_a_source_may_have_a_limit_of_its_own_or_none():
    old = age(datetime(2026, 9, 1))
    assert judged(old, fresh_days_by_source={"aws": 19}).passed
    assert not judged(old, fresh_days_by_source={"aws": 18, "gcp": 30}).passed
    settings = QualitySettings(fresh_days_by_source={"aws": 0})
    assert check_freshness([old], now=NOW, settings=settings) == []


@pytest.mark.parametrize("in_month", [True, False])
def test_a_source_of_which_nothing_is_published_is_as_old_as_its_delivery(in_month):
    nothing = {"month": None, "usage": RecentUsage(), "in_month": in_month}
    assert judged(age(datetime(2026, 9, 19), **nothing)).passed
    assert judged(age(datetime(2026, 7, 1), **nothing)).failed_rows == 81
