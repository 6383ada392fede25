"""Billing periods: calendar months in UTC, half-open."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from finops_stack.errors import InputError

_MONTH = re.compile(r"^(\d{4})-(\d{2})$")


@dataclass(frozen=True, order=True)
class BillingPeriod:
    """One calendar month, `[start, end)` in UTC."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1 <= self.year <= 9998):
            raise InputError(
                f'"{self.year}-{self.month:02d}" is not a month', hint="write it as 2026-09"
            )

    @classmethod
    def parse(cls, text: str) -> "BillingPeriod":
        """'2026-09' → September 2026. Raises InputError on anything else."""
        found = _MONTH.match(text.strip())
        if not found:
            raise InputError(f'"{text}" is not a month', hint="write it as 2026-09")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> "BillingPeriod":
        """The month a moment lies in, counted in UTC; without a zone it is UTC already."""
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
        return cls(moment.year, moment.month)

    @property
    def start(self) -> datetime:
        """First moment, without a zone: every stored time is UTC."""
        return datetime(self.year, self.month, 1)

    @property
    def end(self) -> datetime:
        """First moment of the next month (exclusive)."""
        return self.next().start

    def next(self) -> "BillingPeriod":
        """The month after."""
        return BillingPeriod(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> "BillingPeriod":
        """The month before."""
        return BillingPeriod(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class PeriodRange:
    """Months from first to last, both included; None leaves an end open."""

    first: BillingPeriod | None = None
    last: BillingPeriod | None = None

    @classmethod
    def parse(cls, text: str) -> "PeriodRange":
        """'2026-01:2026-03', '2026-01:', ':2026-03' or one month '2026-01'."""
        if ":" not in text:
            month = BillingPeriod.parse(text)
            return cls(month, month)
        first, _, last = text.partition(":")
        found = cls(
            BillingPeriod.parse(first) if first.strip() else None,
            BillingPeriod.parse(last) if last.strip() else None,
        )
        if found.first and found.last and found.last < found.first:
            raise InputError(f'period "{text}" ends before it starts', hint="write FROM:TO")
        return found

    def __contains__(self, period: BillingPeriod) -> bool:
        return (self.first is None or self.first <= period) and (
            self.last is None or period <= self.last
        )
