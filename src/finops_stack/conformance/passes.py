"""Many predicates, one pass: the SQL that judges rows, and how its answer is read.

Each row gets a number whose bit n says that it fails check n; rows are counted per bill and
number. So a predicate is evaluated once: a million rows and 58 predicates took 0.30 s, while
`count(*)` and `sum(BilledCost)` filtered by each predicate took 0.74 s (2 cores).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from finops_stack.bill import BillKey
from finops_stack.conformance.rows import RowCheck

# Bits of a bigint without its sign; more checks than this take another pass.
PASS_SIZE = 62

# One group of a pass: source, billing period start, failed checks as bits, rows, BilledCost.
PassRow = tuple[str, datetime, int, int, Decimal | None]

_ADDRESS = "x_SourceFile as file, x_SourceRow as row, x_SourcePart as part"
_ADDRESS_ORDER = "x_SourceFile, x_SourceRow, x_SourcePart"


@dataclass
class Tally:
    """Rows of one bill that fail one check, and the BilledCost they carry."""

    failed_rows: int = 0
    billed_cost: Decimal = Decimal(0)


def passes(checks: Sequence[RowCheck]) -> Iterator[Sequence[RowCheck]]:
    """The checks in portions that fit one pass each."""
    for first in range(0, len(checks), PASS_SIZE):
        yield checks[first : first + PASS_SIZE]


def pass_sql(checks: Sequence[RowCheck], *, relation: str, condition: str) -> str:
    """One row per bill and distinct set of failed checks: PassRow."""
    bits = "\n| ".join(
        f"(case when {check.predicate} then {1 << bit}::bigint else 0 end)"
        for bit, check in enumerate(checks)
    )
    return (
        f"select x_SourceName, BillingPeriodStart, {bits} as failed_checks,"
        f" count(*) as failed_rows, sum(BilledCost) as billed_cost\n"
        f"from {relation} where {condition} group by all"
    )


def read_pass(
    checks: Sequence[RowCheck], rows: Iterable[PassRow]
) -> dict[tuple[BillKey, str], Tally]:
    """(bill, check id) → tally, from the rows of `pass_sql` of the same checks."""
    tallies: dict[tuple[BillKey, str], Tally] = {}
    for source, start, failed_checks, count, cost in rows:
        for bit, check in enumerate(checks):
            if failed_checks >> bit & 1:
                tally = tallies.setdefault((BillKey(source, start), check.id), Tally())
                tally.failed_rows += count
                tally.billed_cost += cost or 0
    return tallies


def sample_sql(check: RowCheck, *, relation: str, condition: str, limit: int) -> str:
    """The first failing rows by address: file, row, part, then the columns the check shows.

    One per bill and check: keeping the first five of one bill took 13 ms where numbering the
    failing rows of all bills took 140 ms (a million rows, half of them failing).
    """
    shown = ", ".join((_ADDRESS, *check.show))
    return (
        f"select {shown} from {relation} where {condition} and {check.predicate}\n"
        f"order by {_ADDRESS_ORDER} limit {limit}"
    )
