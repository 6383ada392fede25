"""finops status."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import count_text, moment_text, money_text
from finops_stack.cli.output import FormatOption, show_json, show_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.cli.session import Session
    from finops_stack.findings import CheckResult
    from finops_stack.warehouse.bill_totals import CurrencyTotal
    from finops_stack.warehouse.register import OutcomeRow


@dataclass
class BillStatus:
    """One delivery of one bill: the published one, or a newer one that is not.

    stale: on the newest bill of a source whose deliveries or charges are old.
    """

    outcome: "OutcomeRow"
    since: datetime
    rows: int | None = None
    landed_at: datetime | None = None
    totals: "list[CurrencyTotal]" = field(default_factory=list)
    passed: int = 0
    warned: int = 0
    failed: int = 0
    overridden: int = 0
    configured: bool = True
    stale: "CheckResult | None" = None

    @property
    def key(self) -> tuple[str, str]:
        """Source and billing period."""
        return self.outcome.source, self.outcome.billing_period

    def to_dict(self) -> dict[str, Any]:
        """What --format json shows."""
        from finops_stack.warehouse.bill_states import WORDS

        return {
            "source": self.outcome.source,
            "billing_period": self.outcome.billing_period,
            "delivery_id": self.outcome.delivery_id,
            "state": WORDS[self.outcome.outcome],
            "reason": self.outcome.reason or None,
            "rows": self.rows,
            "landed_at": self.landed_at,
            "configured": self.configured,
            "stale": None if self.stale is None else dict(self.stale.samples[0]),
            "since": self.since,
            "checks": {
                "passed": self.passed,
                "warned": self.warned,
                "failed": self.failed,
                "overridden": self.overridden,
            },
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

    def why_text(self) -> str:
        """Why it is not published, or what else there is to know of it."""
        if not self.configured:
            return "its source is not in finops.toml any more"
        if self.stale is None:
            return self.outcome.reason
        from finops_stack.quality.freshness import staleness_text

        stale = f"its source is stale: {staleness_text(self.stale)}"
        return f"{self.outcome.reason}; {stale}" if self.outcome.reason else stale

    def checks_text(self) -> str:
        """'64 passed, 2 warnings'."""
        if not self.passed + self.warned + self.failed + self.overridden:
            return ""
        counts = [f"{self.passed} passed"]
        counts += [f"{self.warned} warnings"] if self.warned else []
        counts += [f"{self.failed} failed"] if self.failed else []
        counts += [f"{self.overridden} overridden"] if self.overridden else []
        return ", ".join(counts)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops status --format json")(status)


def status(context: typer.Context, output: FormatOption = "text") -> None:
    """Show each bill: delivery, rows, totals, checks, published or not."""
    state: Context = context.obj
    bills, rolled_back = read_status(state.session, now=state.now())
    if output == "json":
        show_json([bill.to_dict() for bill in bills])
    else:
        _show(bills)
    if rolled_back:
        state.reporter.say(f"note: {rolled_back}")
    open_ends = [bill for bill in bills if bill.outcome.outcome != "published"]
    state.reporter.say(f"next: {'finops check' if open_ends else 'finops report'}")


def read_status(session: "Session", *, now: datetime) -> tuple[list[BillStatus], str]:
    """Every bill the register knows, and what to say while readers see an earlier publication.

    Raises: InputError before the first run.
    """
    from finops_stack.warehouse.bill_states import bill_states
    from finops_stack.warehouse.lake import published_snapshot

    with session.lake.open(read_only=True) as connection:
        found = []
        for state in bill_states(connection):
            if state.shown is not None:
                found.append(BillStatus(state.shown, state.shown.recorded_at))
            if state.waiting is not None and state.waiting_since is not None:
                found.append(BillStatus(state.waiting, state.waiting_since))
        names = {source.name for source in session.config.sources}
        for bill in found:
            bill.configured = bill.outcome.source in names
        _add_deliveries(connection, found)
        _add_checks(connection, found)
        _add_stale(session, connection, found, now)
        rolled_back = _rolled_back(connection)
        snapshot = published_snapshot(connection)
    if snapshot is not None:
        with session.lake.published(snapshot=snapshot) as connection:
            _add_totals(connection, found)
    return found, rolled_back


def _rolled_back(connection: "DuckDBPyConnection") -> str:
    """'rolled back to the publication of … since … by …: why', until the next publication."""
    from finops_stack.warehouse.register import interventions, publications

    published = publications(connection)
    newest = published[-1] if published else None
    for act in interventions(connection):
        if newest and act.run_id == newest.run_id and act.action == "rollback":
            to = next(each for each in published if each.snapshot_id == newest.snapshot_id)
            why = f": {act.reason}" if act.reason else ""
            return (
                f"rolled back to the publication of {moment_text(to.published_at)}, snapshot"
                f" {to.snapshot_id}, since {moment_text(act.done_at)} by {act.done_by}{why}"
            )
    return ""


def _add_deliveries(connection: "DuckDBPyConnection", bills: list[BillStatus]) -> None:
    from finops_stack.warehouse.register import deliveries

    landed = {
        (row.source, row.billing_period, row.fingerprint): row for row in deliveries(connection)
    }
    for bill in bills:
        row = landed.get((*bill.key, bill.outcome.fingerprint))
        if row is not None:
            bill.rows, bill.landed_at = row.raw_rows, row.landed_at


def _add_checks(connection: "DuckDBPyConnection", bills: list[BillStatus]) -> None:
    from finops_stack.findings import CheckResult
    from finops_stack.warehouse.register import check_results

    of_run: dict[str, dict[tuple[str, str], BillStatus]] = {}
    for bill in bills:
        of_run.setdefault(bill.outcome.run_id, {})[bill.key] = bill
    for run, members in of_run.items():
        for result in map(CheckResult.from_dict, check_results(connection, run)):
            checked = members.get((result.source, result.billing_period))
            if checked is not None:
                checked.passed += result.passed
                checked.failed += result.holds_back
                checked.overridden += result.overridden
                checked.warned += not result.passed and result.severity == "warn"


def _add_stale(
    session: "Session", connection: "DuckDBPyConnection", bills: list[BillStatus], now: datetime
) -> None:
    from finops_stack.cli.stale_sources import read_freshness

    newest = {bill.outcome.source: bill for bill in bills}  # the last of each: bills are in order
    for result in read_freshness(session, connection, now):
        if not result.passed and result.source in newest:
            newest[result.source].stale = result


def _add_totals(connection: "DuckDBPyConnection", bills: list[BillStatus]) -> None:
    from finops_stack.warehouse.bill_totals import bill_totals

    published = {bill.key: bill for bill in bills if bill.outcome.outcome == "published"}
    for total in bill_totals(connection):
        bill = published.get((total.source, total.billing_period))
        if bill is not None:
            bill.totals.append(total)


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
    from finops_stack.warehouse.bill_states import WORDS

    outcome = bill.outcome
    head: list[object] = [
        outcome.source,
        outcome.billing_period,
        WORDS[outcome.outcome],
        outcome.delivery_id,
        count_text(bill.rows),
    ]
    tail: list[object] = [bill.checks_text(), moment_text(bill.since), bill.why_text()]
    amounts: list[list[object]] = [
        [total.currency or "(none)", money_text(total.raw_total), money_text(total.focus_total)]
        for total in bill.totals
    ] or [["", "", ""]]
    blank: list[object] = [""] * len(head)
    return [
        (head if number == 0 else blank) + amount + (tail if number == 0 else [""] * 3)
        for number, amount in enumerate(amounts)
    ]
