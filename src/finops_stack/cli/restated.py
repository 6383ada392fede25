"""What a bill's deliveries changed from one to the next: compared, shown, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from finops_stack.bill import BillKey
from finops_stack.cli.format import (
    change_text,
    count_change_text,
    count_text,
    moment_text,
    money_text,
)
from finops_stack.cli.output import show_line, show_table
from finops_stack.cli.report_command import Cost
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.bill_history import BillPublication
    from finops_stack.warehouse.costs import CostChange
    from finops_stack.warehouse.lake import Lake
    from finops_stack.warehouse.row_changes import RowChange, RowChanges

Pair = tuple["BillPublication", "BillPublication"]


@dataclass(frozen=True)
class Comparison:
    """What is asked: deliveries by id (None: the newest, and the one before it), by what, of which
    cost. rows: how many rows are listed, None: none."""

    before: str | None
    after: str | None
    by: tuple[str, ...]
    cost: Cost
    rows: int | None

    @property
    def of_one_pair(self) -> bool:
        """Whether two deliveries are compared, not each with the one before it."""
        return self.rows is not None or self.before is not None or self.after is not None


@dataclass(frozen=True)
class Restatement:
    """One publication of a bill after another. changes None: a snapshot is expired and nothing
    was kept; rows None: not asked for, or a snapshot is expired."""

    before: "BillPublication"
    after: "BillPublication"
    changes: "list[CostChange] | None"
    rows: "RowChanges | None" = None


def compare(
    lake: "Lake",
    connection: "DuckDBPyConnection",
    bill: tuple[str, BillingPeriod],
    published: "Sequence[BillPublication]",
    wanted: Comparison,
) -> list[Restatement]:
    """All publications each with the one before, or the two asked for."""
    pairs = [_pair(bill, published, wanted)] if wanted.of_one_pair else list(pairwise(published))
    key = BillKey(bill[0], bill[1].start)
    return [
        Restatement(
            *pair,
            changes=_changes(connection, key, pair, published, wanted),
            rows=None if wanted.rows is None else _rows(lake, connection, key, pair, wanted),
        )
        for pair in pairs
    ]


def _pair(
    bill: tuple[str, BillingPeriod], published: "Sequence[BillPublication]", wanted: Comparison
) -> Pair:
    """The publications asked for: of a delivery published twice, the newest that is meant."""
    for name in (wanted.before, wanted.after):
        if name is not None and name not in {each.delivery_id for each in published}:
            known = ", ".join(dict.fromkeys(each.delivery_id for each in published))
            raise InputError(
                f'delivery "{name}" of {bill[0]} {bill[1]} was never published',
                hint=f"published: {known or 'none'}",
            )
    after = _last(published, wanted.after)
    earlier = [each for each in published if after and each is not after]
    if wanted.before is None and after is not None:
        earlier = list(published[: published.index(after)])
    before = _last(earlier, wanted.before)
    if before is None or after is None:
        raise InputError(
            f"{bill[0]} {bill[1]} has no two publications to compare",
            hint="name an earlier delivery with --from and a later one with --to",
        )
    return before, after


def _last(published: "Sequence[BillPublication]", name: str | None) -> "BillPublication | None":
    found = [each for each in published if name in (None, each.delivery_id)]
    return found[-1] if found else None


def _changes(
    connection: "DuckDBPyConnection",
    bill: BillKey,
    pair: Pair,
    published: "Sequence[BillPublication]",
    wanted: Comparison,
) -> "list[CostChange] | None":
    """From the two snapshots; where one is expired, what the run that replaced the bill kept."""
    from finops_stack.warehouse.costs import bill_changes
    from finops_stack.warehouse.restatements import kept_changes

    before, after = pair
    if before.kept and after.kept:
        return bill_changes(
            connection,
            bill=(bill.source, bill.billing_period_start),
            snapshots=(before.snapshot_id, after.snapshot_id),
            cost=wanted.cost,
            by=wanted.by,
        )
    if pair not in pairwise(published):
        return None
    return kept_changes(connection, after.run_id, bill, cost=wanted.cost, by=wanted.by)


def _rows(
    lake: "Lake",
    connection: "DuckDBPyConnection",
    bill: BillKey,
    pair: Pair,
    wanted: Comparison,
) -> "RowChanges | None":
    from finops_stack.warehouse.row_changes import focus_rows, row_changes

    if not (pair[0].kept and pair[1].kept):
        return None
    sides = []
    for each in pair:
        with lake.published(snapshot=each.snapshot_id) as then:
            sides.append(focus_rows(then, each.snapshot_id, bill))
    return row_changes(connection, *sides, cost=wanted.cost, limit=wanted.rows or 0)


def show(each: Restatement, wanted: Comparison) -> None:
    """The changes as a table, and the rows as another."""
    before, after = each.before.delivery_id, each.after.delivery_id
    what = f"{before} → {after}" if before != after else f"{after}, converted again"
    head = f"{what}, published {moment_text(each.after.published_at)}"
    gone = _gone(each)
    if each.changes is None:
        show_line(f"{head}: cannot be compared, {gone}")
        return
    if not each.changes:
        show_line(f"{head}: no rows or {wanted.cost} cost of any {' or '.join(wanted.by)} changed")
    else:
        _show_changes(each.changes, head, wanted, kept=gone)
    if wanted.rows is not None and each.rows is None:
        show_line(f"{head}: its rows cannot be compared, {gone}")
    elif each.rows is not None:
        _show_rows(each.rows, head, wanted)


def _gone(each: Restatement) -> str:
    gone = [side for side in (each.before, each.after) if not side.kept]
    if not gone:
        return ""
    return f"the publication of {moment_text(gone[0].published_at)} is no longer kept"


def _show_changes(changes: "list[CostChange]", head: str, wanted: Comparison, *, kept: str) -> None:
    """kept: why there is nothing but the differences."""
    title = f"{head}: {wanted.cost} cost by {', '.join(wanted.by)}"
    numbers = ["rows ±", "cost ±"] if kept else ["rows", "rows ±", "cost before", "cost", "cost ±"]
    rows = []
    for change in changes:
        named = [value or "(none)" for value in (*change.values, change.currency)]
        figures = [count_change_text(change.rows_change), change_text(change.cost_change)]
        if not kept:
            figures = [count_text(change.rows), figures[0]]
            figures += [money_text(change.cost_before), money_text(change.cost)]
            figures += [change_text(change.cost_change)]
        rows.append([*named, *figures])
    show_table(
        [*wanted.by, "currency", *numbers],
        rows,
        right=numbers,
        title=f"{title} (differences alone: {kept})" if kept else title,
    )


def _show_rows(found: "RowChanges", head: str, wanted: Comparison) -> None:
    counts = ", ".join(f"{count_text(count)} {change}" for change, count in found.counts.items())
    if not found.counts:
        show_line(f"{head}: no row differs")
        return
    numbers = ("cost before", "cost", "cost ±")
    headers = ("change", "charge begins", "account", "service", "category", "resource", "currency")
    listed = f", the {len(found.rows)} largest differences of {wanted.cost} cost"
    show_table(
        [*headers, *numbers, "columns that differ", "row before", "row"],
        map(_row, found.rows),
        right=numbers,
        title=f"{head}: rows {counts}{listed}",
    )


def _row(row: "RowChange") -> list[object]:
    return [
        row.change,
        moment_text(row.charge_period_start),
        row.account,
        row.service,
        row.category,
        row.resource,
        row.currency,
        money_text(row.cost_before),
        money_text(row.cost),
        change_text(row.difference),
        ", ".join(row.columns),
        row.address_before,
        row.address,
    ]


def restatement_dict(each: Restatement, wanted: Comparison) -> dict[str, Any]:
    """What --format json shows."""
    found: dict[str, Any] = {
        "from": each.before.delivery_id,
        "to": each.after.delivery_id,
        "published_at": each.after.published_at,
        "comparable": each.changes is not None,
        "changes": [
            dict(zip(wanted.by, change.values, strict=True))
            | {name: value for name, value in vars(change).items() if name != "values"}
            for change in each.changes or []
        ],
    }
    if wanted.rows is not None:
        found["row_counts"] = each.rows.counts if each.rows else None
        found["rows"] = [
            vars(row) | {"difference": row.difference}
            for row in (each.rows.rows if each.rows else [])
        ]
    return found
