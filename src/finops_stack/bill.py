"""A bill: what one source charges for one billing period, and the SQL that picks it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, order=True)
class BillKey:
    """Source name and first moment of the billing period (UTC, stored without a zone).

    A moment with a zone is turned into UTC, so that equal bills are equal keys.
    """

    source: str
    billing_period_start: datetime

    def __post_init__(self) -> None:
        start = self.billing_period_start
        if start.tzinfo is not None:
            # DuckDB would compare a zoned literal in the session's zone and stop pruning files.
            naive = start.astimezone(UTC).replace(tzinfo=None)
            object.__setattr__(self, "billing_period_start", naive)

    @property
    def billing_period(self) -> str:
        """'2026-09'."""
        return f"{self.billing_period_start:%Y-%m}"


def bills_condition(bills: Iterable[BillKey]) -> str:
    """SQL that is true for rows of these bills; false for every row when there are none.

    Literals, and each column once more on its own: an `or` over two columns alone does not
    reach the scan as a filter, so no file would be skipped.
    """
    starts: dict[str, list[str]] = {}
    for bill in sorted(set(bills)):
        starts.setdefault(_text(bill.source), []).append(_moment(bill.billing_period_start))
    if not starts:
        return "false"
    exact = [
        f"x_SourceName = {source} and BillingPeriodStart in ({', '.join(moments)})"
        for source, moments in starts.items()
    ]
    if len(exact) == 1:
        return exact[0]
    moments = sorted({moment for each in starts.values() for moment in each})
    return (
        f"x_SourceName in ({', '.join(starts)}) and BillingPeriodStart in ({', '.join(moments)})"
        f" and (({') or ('.join(exact)}))"
    )


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _moment(moment: datetime) -> str:
    return f"timestamp '{moment.isoformat(sep=' ')}'"
