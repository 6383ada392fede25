"""finops report."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context as Arithmetic
from decimal import Decimal
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finops_stack.cli.bill_notes import read_notes, say_notes
from finops_stack.cli.context import Context
from finops_stack.cli.format import change_text, money_text, month_text, percent_text
from finops_stack.cli.output import show_csv, show_json, show_table
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.costs import CostRow, Dimension

Cost = Literal["effective", "billed", "list", "contracted"]
CostOption = Annotated[Cost, typer.Option("--cost", help="Which of FOCUS's four costs.")]
_TOP = 20
# Money has up to 38 digits; Python's own 28 would round the sums of large ones.
_EXACT = Arithmetic(prec=60)


@dataclass(frozen=True)
class Line:
    """One line of a report: costs of both months; cost_before is None when nothing was published
    for the month before."""

    label: tuple[str | None, ...]
    cost: Decimal
    cost_before: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Against the month before."""
        return None if self.cost_before is None else _EXACT.subtract(self.cost, self.cost_before)

    @property
    def change_pct(self) -> Decimal | None:
        """In percent of the month before, one place; None when that was nothing."""
        if not self.cost_before or self.change is None:
            return None
        share = _EXACT.divide(self.change, abs(self.cost_before))
        return _EXACT.multiply(share, Decimal(100)).quantize(Decimal("0.1"), context=_EXACT)


@dataclass(frozen=True)
class CurrencyReport:
    """All lines of one currency, the highest cost first, and their sum."""

    currency: str | None
    lines: list[Line]
    total: Line


@dataclass(frozen=True)
class Report:
    """Two months, by dimensions. unused_tags: what to say of tag keys that no charge has; notes:
    what to know of bills that are not as delivered last."""

    month: BillingPeriod
    dimensions: "list[Dimension]"
    currencies: list[CurrencyReport]
    unused_tags: list[tuple[str, str]]
    notes: list[str]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops report --month 2026-09 --by account --by tag:team")(report)


def report(
    context: typer.Context,
    month: Annotated[
        str | None, typer.Option(help="Such as 2026-09; default: the newest published one.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="service, account, region or tag:KEY; may be given several times."),
    ] = None,
    cost: CostOption = "effective",
    converted: Annotated[
        bool, typer.Option("--converted", help="In the reporting currency of finops.toml.")
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(min=1, help=f"Lines a currency; default: {_TOP} in text, else all."),
    ] = None,
    output: Annotated[
        Literal["text", "json", "csv"], typer.Option("--format", help="text, json or csv.")
    ] = "text",
) -> None:
    """Show cost by service or other dimensions against the month before."""
    state: Context = context.obj
    found = _read(state, month, by or ["service"], cost, converted=converted)
    lines = top or (_TOP if output == "text" else None)
    if output == "json":
        show_json(_to_dict(found, cost, lines))
    elif output == "csv":
        _show_csv(found, lines)
    else:
        _show(found, cost, lines)
    for unused in found.unused_tags:
        state.reporter.warn(*unused)
    if any(each.total.cost_before is None for each in found.currencies):
        state.reporter.say(f"nothing is published for {found.month.previous()}, the month before")
    say_notes(state.reporter, found.notes)
    state.reporter.say("next: finops export --to FOLDER, or finops report --by tag:KEY")


def _read(
    state: Context, month: str | None, by: Sequence[str], cost: Cost, *, converted: bool
) -> Report:
    from finops_stack.warehouse.costs import Dimension, cost_by, published_months

    dimensions = [Dimension.parse(text) for text in dict.fromkeys(by)]
    wanted = BillingPeriod.parse(month) if month else None
    with state.session.lake.published() as connection:
        months = published_months(connection)
        if not months:
            raise InputError("the published bills have no charges", hint='see "finops status"')
        shown = wanted or BillingPeriod.of(months[-1])
        if shown.start not in months:
            raise InputError(
                f"nothing is published for {shown}",
                hint=f"published months: {', '.join(month_text(each) for each in months)}",
            )
        before = shown.previous().start
        rows = cost_by(connection, dimensions, cost=cost, month=shown.start, month_before=before)
        if converted:
            rows = _converted(state, connection, rows, shown)
        unused = [
            _unused(connection, dimension.tag, shown)
            for place, dimension in enumerate(dimensions)
            if dimension.tag is not None and all(row.values[place] is None for row in rows)
        ]
    currencies = _currencies(rows, with_before=before in months)
    notes = read_notes(state.session.lake, periods={str(shown), str(shown.previous())})
    return Report(shown, dimensions, currencies, unused, notes)


def _converted(
    state: Context, connection: "DuckDBPyConnection", rows: "list[CostRow]", month: BillingPeriod
) -> "list[CostRow]":
    """In the reporting currency; what has no rate stays apart, and is said."""
    from finops_stack.warehouse import conversion

    found = conversion.converted(
        connection, rows, month=month.start, month_before=month.previous().start
    )
    for currency, at in found.missing:
        state.reporter.warn(
            f"no rate for {currency} in {at:%Y-%m}: its costs are shown in {currency}",
            "add it to the rates file named under [currency], then: finops run",
        )
    return found.rows


def _unused(connection: "DuckDBPyConnection", tag: str, month: BillingPeriod) -> tuple[str, str]:
    from finops_stack.warehouse.costs import tag_keys

    keys = tag_keys(connection, month.start)
    known = ", ".join(keys[:20]) + (", …" if len(keys) > 20 else "")
    return f'no charge has the tag "{tag}"', f"tags of {month}: {known or 'none'}"


def _currencies(rows: "list[CostRow]", *, with_before: bool) -> list[CurrencyReport]:
    found = []
    for currency, each in groupby(rows, key=lambda row: row.currency):
        lines = [
            Line(row.values, row.cost, row.cost_before if with_before else None) for row in each
        ]
        found.append(CurrencyReport(currency, lines, _sum(lines, ("total",))))
    return found


def _sum(lines: Sequence[Line], label: tuple[str | None, ...]) -> Line:
    before = [line.cost_before for line in lines if line.cost_before is not None]
    cost = reduce(_EXACT.add, (line.cost for line in lines), Decimal(0))
    return Line(label, cost, reduce(_EXACT.add, before) if before else None)


def _first(lines: list[Line], top: int | None) -> tuple[list[Line], Line | None]:
    """The first lines, and one for all the others."""
    if top is None or len(lines) <= top:
        return lines, None
    return lines[:top], _sum(lines[top:], (f"other ({len(lines) - top})",))


def _show(found: Report, cost: Cost, top: int | None) -> None:
    numbers = (str(found.month), str(found.month.previous()), "change", "change %")
    names = [dimension.name for dimension in found.dimensions]
    for each in found.currencies:
        first, other = _first(each.lines, top)
        labelled = [(_label(line, len(names)), line) for line in first]
        labelled += [
            ([line.label[0], *[""] * (len(names) - 1)], line)
            for line in (other, each.total)
            if line
        ]
        show_table(
            [*names, *numbers],
            [[*label, *_numbers(line)] for label, line in labelled],
            right=numbers,
            title=f"{cost} cost in {each.currency or 'no currency'}",
        )


def _label(line: Line, width: int) -> list[str | None]:
    return [value if value is not None else "(none)" for value in line.label[:width]]


def _numbers(line: Line) -> list[str]:
    return [
        money_text(line.cost),
        money_text(line.cost_before),
        change_text(line.change),
        percent_text(line.change_pct),
    ]


def _show_csv(found: Report, top: int | None) -> None:
    names = [dimension.name for dimension in found.dimensions]
    headers = ["month", "currency", *names, "cost", "cost_before", "change", "change_pct"]
    rows: list[list[object]] = []
    for each in found.currencies:
        first, other = _first(each.lines, top)
        for line in first + ([other] if other else []):
            label = (*line.label, *[None] * (len(names) - len(line.label)))
            numbers = (line.cost, line.cost_before, line.change, line.change_pct)
            rows.append([str(found.month), each.currency, *label, *numbers])
    show_csv(headers, rows)


def _to_dict(found: Report, cost: Cost, top: int | None) -> dict[str, Any]:
    names = [dimension.name for dimension in found.dimensions]
    currencies = []
    for each in found.currencies:
        first, other = _first(each.lines, top)
        currencies.append(
            {
                "currency": each.currency,
                "total": _line_dict(each.total),
                "lines": [
                    {"by": dict(zip(names, line.label, strict=True))} | _line_dict(line)
                    for line in first
                ],
                "other": _line_dict(other) if other else None,
            }
        )
    return {
        "month": str(found.month),
        "month_before": str(found.month.previous()),
        "cost": cost,
        "by": names,
        "notes": found.notes,
        "currencies": currencies,
    }


def _line_dict(line: Line) -> dict[str, Any]:
    return {
        "cost": line.cost,
        "cost_before": line.cost_before,
        "change": line.change,
        "change_pct": line.change_pct,
    }
