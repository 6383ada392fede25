"""What every writer uses: months that grow, and csv with the same bytes each time."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from billgen.months import add_months

Row = dict[str, Any]
# Six places, as bills have.
PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Month:
    """One billing period of the demo; number counts from the first."""

    start: date
    number: int
    growth: Decimal

    @property
    def end(self) -> date:
        """First day of the next month."""
        return add_months(self.start, 1)

    def days(self) -> Iterator[date]:
        """Every day of it."""
        day = self.start
        while day < self.end:
            yield day
            day += timedelta(days=1)

    def quantity(self, base: object, resource: int) -> Decimal:
        """A resource's daily quantity: grown, and no two resources alike."""
        spread = Decimal(70 + (resource * 37) % 60) / 100
        return (Decimal(str(base)) * self.growth * spread).quantize(PLACES)


def months(until: date, count: int, growth_pct: Decimal) -> Iterator[Month]:
    """The last `count` months, oldest first."""
    for number in range(count):
        start = add_months(until, number - count + 1)
        yield Month(start, number, (1 + growth_pct / 100) ** number)


def write_csv(path: Path, rows: list[Row], columns: list[str]) -> int:
    """Gzipped, the same bytes each time; gives their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as packed:
        lines: list[str] = []
        writer = csv.DictWriter(_Lines(lines), columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
        packed.write("".join(lines).encode())
    return path.stat().st_size


class _Lines:
    """What csv writes into: a list of lines."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append
