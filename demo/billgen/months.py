"""Months as dates: the first day stands for the month; periods are half-open."""

from __future__ import annotations

from datetime import date


def parse_month(text: str) -> date:
    """`2026-10` to its first day.  Raises ValueError on anything else."""
    year, _, month = text.partition("-")
    if len(year) != 4 or len(month) != 2:
        raise ValueError(f"{text!r} is no month, want YYYY-MM")
    return date(int(year), int(month), 1)


def add_months(month: date, count: int) -> date:
    """First day of the month `count` months later (earlier when negative)."""
    total = month.year * 12 + month.month - 1 + count
    return date(total // 12, total % 12 + 1, 1)


def add_years(day: date, count: int) -> date:
    """The same day `count` years later; demo terms never start on 29 February."""
    return day.replace(year=day.year + count)


def list_months(until: date, count: int) -> list[date]:
    """`count` months in order, the last one is `until`."""
    return [add_months(until, i - count + 1) for i in range(count)]
