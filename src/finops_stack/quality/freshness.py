"""Is what a source delivers new enough? Asked of sources, whether or not a bill changed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from finops_stack.findings import Check, CheckResult, text_of
from finops_stack.thresholds import QualitySettings
from finops_stack.warehouse.source_ages import SourceAge

FRESHNESS = Check(
    "freshness", "the newest delivery of the source, and its newest charges, are not old", "warn"
)
_CENT = Decimal("0.01")


def check_freshness(
    ages: Iterable[SourceAge], *, now: datetime, settings: QualitySettings
) -> list[CheckResult]:
    """One result per source, passed ones too; its billing_period is the newest published one.

    failed_rows counts the days since the newest delivery, or since the newest charges, whichever
    is more; billed_cost is what so many days without charges usually cost.
    """
    return [
        _result(age, now, settings, limit) for age in ages if (limit := _limit(age, settings)) > 0
    ]


def _limit(age: SourceAge, settings: QualitySettings) -> int:
    """Days; 0: not judged."""
    usual = settings.fresh_days if age.in_month else settings.fresh_days_monthly
    return settings.fresh_days_by_source.get(age.source, usual)


def staleness_text(result: CheckResult) -> str:
    """'newest delivery of 2026-11-16 09:00, charges until 2026-11-15: 9 days old (limit 4)'."""
    sample = result.samples[0]
    charges = f", charges until {sample['charges_until'][:10]}" if sample["charges_until"] else ""
    delivered = sample["delivered_at"][:16].replace("T", " ")
    return (
        f"newest delivery of {delivered}{charges}: {result.failed_rows} days old"
        f" (limit {sample['limit_days']})"
    )


def _result(age: SourceAge, now: datetime, settings: QualitySettings, limit: int) -> CheckResult:
    until = _charges_until(age, settings)
    unseen = max((now - until).days, 0) if until else 0
    oldest = max((now - age.delivered_at).days, unseen)
    stale = oldest > limit
    usual = _cost_a_day(age, settings)
    sample = {
        "delivered_at": text_of(age.delivered_at),
        "charges_until": text_of(until),
        "limit_days": text_of(limit),
        "usual_cost_a_day": " + ".join(
            f"{text_of(cost)} {currency or ''}".rstrip() for currency, cost in usual.items()
        ),
    }
    return CheckResult(
        check_id=FRESHNESS.id,
        what=FRESHNESS.what,
        severity=FRESHNESS.severity,
        source=age.source,
        billing_period=str(age.month or ""),
        failed_rows=oldest if stale else 0,
        billed_cost=sum(usual.values(), Decimal(0)) * unseen if stale else Decimal(0),
        samples=(sample,) if stale else (),
        unit="day",
    )


def _is_daily(age: SourceAge, settings: QualitySettings) -> bool:
    return age.usage.most_days >= settings.enough_days


def _charges_until(age: SourceAge, settings: QualitySettings) -> datetime | None:
    """The end of the last day with usage; where usage is not daily, of the newest month.

    None where bills come after their month: an old one tells nothing that its delivery does not.
    """
    last = age.usage.last_day
    if not age.in_month or age.month is None:
        return None
    if last and _is_daily(age, settings):
        return datetime(last.year, last.month, last.day) + timedelta(days=1)
    return age.month.end


def _cost_a_day(age: SourceAge, settings: QualitySettings) -> dict[str | None, Decimal]:
    """Currency → mean of the newest two months, by days with usage or else by the calendar."""
    if age.month is None:
        return {}
    calendar = (age.month.end - age.month.previous().start).days
    days = age.usage.days if _is_daily(age, settings) else calendar
    return {currency: (cost / days).quantize(_CENT) for currency, cost in age.usage.costs.items()}
