"""finops status."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, moment_text, money_text
from finops_stack.cli.output import FormatOption, show_json, show_table

if TYPE_CHECKING:
    from finops_stack.cli.session import Session
    from finops_stack.warehouse.bill_totals import CurrencyTotal
    from finops_stack.warehouse.register import OutcomeRow

_WORDS = {"published": "published", "held": "held back", "refused": "refused"}


@dataclass
class BillStatus:
    """One delivery of one bill: the published one, or a newer one that is not."""

    outcome: "OutcomeRow"
    rows: int | None = None
    landed_at: datetime | None = None
    totals: "list[CurrencyTotal]" = field(default_factory=list)
    passed: int = 0
    warned: int = 0
    failed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """What --format json shows."""
        return {
            "source": self.outcome.source,
            "billing_period": self.outcome.billing_period,
            "delivery_id": self.outcome.delivery_id,
            "state": _WORDS[self.outcome.outcome],
            "reason": self.outcome.reason or None,
            "rows": self.rows,
            "landed_at": self.landed_at,
            "since": self.outcome.recorded_at,
            "checks": {"passed": self.passed, "warned": self.warned, "failed": self.failed},
            "totals": [
                {
                    "currency": total.currency,
                    "raw_total": total.raw_total,
                    "focus_total": total.focus_total,
                    "focus_rows": total.focus_rows,
                }
                for total in self.totals
            ],
        }

    def checks_text(self) -> str:
        """'64 passed, 2 warnings'."""
        if not self.passed + self.warned + self.failed:
            return ""
        counts = [f"{self.passed} passed"]
        counts += [f"{self.warned} warnings"] if self.warned else []
        counts += [f"{self.failed} failed"] if self.failed else []
        return ", ".join(counts)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops status --format json")(status)


def status(context: typer.Context, output: FormatOption = "text") -> None:
    """Show each bill: delivery, rows, totals, checks, published or not."""
    state: Context = context.obj
    bills = read_status(state.session)
    if output == "json":
        show_json([bill.to_dict() for bill in bills])
    else:
        _show(bills)
    open_ends = [bill for bill in bills if bill.outcome.outcome != "published"]
    state.reporter.say(f"next: {'finops check' if open_ends else 'finops report'}")


def read_status(session: "Session") -> list[BillStatus]:
    """Every bill the register knows. Raises InputError before the first run."""
    from finops_stack.warehouse.bill_totals import bill_totals
    from finops_stack.warehouse.lake import published_snapshot
    from finops_stack.warehouse.register import latest_of_any_kind, latest_published

    with session.lake.open(read_only=True) as connection:
        published = latest_published(connection)
        newest = latest_of_any_kind(connection)
        found = []
        for key in sorted(newest):
            if key in published:
                found.append(_filled(connection, published[key]))
            if newest[key].outcome != "published":
                found.append(_filled(connection, newest[key]))
        snapshot = published_snapshot(connection)
    if snapshot is None:
        return found
    totals = defaultdict(list)
    with session.lake.published(snapshot=snapshot) as connection:
        for total in bill_totals(connection):
            totals[total.source, total.billing_period].append(total)
    for bill in found:
        if bill.outcome.outcome == "published":
            bill.totals = totals[bill.outcome.source, bill.outcome.billing_period]
    return found


def _filled(connection: Any, outcome: "OutcomeRow") -> BillStatus:
    from finops_stack.findings import CheckResult
    from finops_stack.warehouse.register import check_results, deliveries

    bill = BillStatus(outcome)
    for row in deliveries(connection, source=outcome.source, period=outcome.billing_period):
        if row.fingerprint == outcome.fingerprint:
            bill.rows, bill.landed_at = row.raw_rows, row.landed_at
    for result in map(CheckResult.from_dict, check_results(connection, outcome.run_id)):
        if (result.source, result.billing_period) == (outcome.source, outcome.billing_period):
            bill.passed += result.passed
            bill.failed += result.holds_back
            bill.warned += not result.passed and not result.holds_back
    return bill


def _show(bills: list[BillStatus]) -> None:
    headers = (
        "source",
        "month",
        "state",
        "delivery",
        "rows",
        "currency",
        "raw total",
        "FOCUS total",
        "checks",
        "since",
        "why",
    )
    rows = [row for bill in bills for row in _rows(bill)]
    show_table(headers, rows, right=("rows", "raw total", "FOCUS total"))


def _rows(bill: BillStatus) -> list[list[object]]:
    """A line for each currency; what belongs to the whole bill stands on its first line."""
    outcome = bill.outcome
    head: list[object] = [
        outcome.source,
        outcome.billing_period,
        _WORDS[outcome.outcome],
        outcome.delivery_id,
        count_text(bill.rows),
    ]
    tail: list[object] = [bill.checks_text(), moment_text(outcome.recorded_at), outcome.reason]
    amounts: list[list[object]] = [
        [total.currency or "(none)", money_text(total.raw_total), money_text(total.focus_total)]
        for total in bill.totals
    ] or [["", "", ""]]
    blank: list[object] = [""] * len(head)
    return [
        (head if number == 0 else blank) + amount + (tail if number == 0 else [""] * 3)
        for number, amount in enumerate(amounts)
    ]
