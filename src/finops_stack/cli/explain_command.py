"""finops explain."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finops_stack.cli.bill_notes import say_notes
from finops_stack.cli.context import Context
from finops_stack.cli.output import FormatOption, show_json
from finops_stack.cli.query_command import snapshot_at
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.explain.address import RowAddress
    from finops_stack.explain.explained import Explained, Explainer
    from finops_stack.explain.number import FocusRow
    from finops_stack.explain.publication import Standing
    from finops_stack.explain.selection import Filters, Selection
    from finops_stack.warehouse.register import DeliveryRow

Column = Literal["BilledCost", "EffectiveCost", "ListCost", "ContractedCost"]
_DEFAULT: Column = "EffectiveCost"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        epilog='Example: finops explain --month 2026-09 --service "VM small" --column BilledCost'
    )(explain)


def explain(
    context: typer.Context,
    sql: Annotated[
        str | None, typer.Argument(help='One sum: "SELECT sum(BilledCost) FROM focus WHERE …".')
    ] = None,
    month: Annotated[
        str | None, typer.Option(help="Such as 2026-09; default: the newest published one.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="Only this ServiceName.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account: id or name.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this RegionId.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE; may be given several times.")
    ] = None,
    charge_category: Annotated[str | None, typer.Option(help="Usage, Purchase, Tax, …")] = None,
    column: Annotated[
        Column | None, typer.Option(help="Which cost; default: EffectiveCost, or the SQL's.")
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(help="One charge: SOURCE/DELIVERY/FILE:ROW[:PART], as printed."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="As published then: 2026-11-01 (end of that day, UTC) or a full time."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Charges shown, the largest first.")] = 10,
    output: FormatOption = "text",
) -> None:
    """Trace a cost to FOCUS rows, raw rows and the formulas between."""
    from finops_stack.explain.selection import Filters

    state: Context = context.obj
    filters = Filters(service, account, region, source, charge_category, tuple(tag or ()))
    _require_one(sql, row, month=month, as_of=as_of, filters=filters)
    if row is not None:
        _explain_row(state, row, output)
        return
    _explain_number(state, (sql, month, filters), as_of, (column, limit), output)


def _require_one(
    sql: str | None,
    row: str | None,
    *,
    month: str | None,
    as_of: str | None,
    filters: "Filters",
) -> None:
    if row is not None and as_of is not None:
        raise InputError("a row is read as it was last published", hint="leave --as-of out")
    ways = [sql is not None, row is not None, month is not None or filters.any]
    if sum(ways) > 1:
        raise InputError(
            "a statement, a row and options that choose charges exclude one another",
            hint="give SQL, or --row, or --month with --service, --account, …",
        )


def _explain_number(
    state: Context,
    asked: "tuple[str | None, str | None, Filters]",
    as_of: str | None,
    shown: tuple[Column | None, int],
    output: str,
) -> None:
    from finops_stack.cli.explain_json import number_dict
    from finops_stack.cli.explain_text import show_number
    from finops_stack.explain.number import read_number
    from finops_stack.warehouse.safe_query import locked

    lake = state.session.lake
    snapshot, notes = snapshot_at(lake, as_of)
    with lake.open(read_only=True) as register:
        with locked(lake, snapshot=snapshot) as connection:
            selection, column = _selection(connection, *asked, shown[0])
            number = read_number(connection, selection, column, limit=shown[1])
        rows = _explainer(state, register).explain(number.rows)
    if output == "json":
        show_json(number_dict(number, rows, snapshot) | {"notes": notes})
        return
    show_number(number, rows)
    say_notes(state.reporter, notes)
    state.reporter.say("next: finops explain --row ADDRESS shows one of these charges whole")


def _selection(
    connection: "DuckDBPyConnection",
    sql: str | None,
    month: str | None,
    filters: "Filters",
    column: Column | None,
) -> "tuple[Selection, str]":
    """What is explained, and which cost."""
    from finops_stack.explain.statement import read_statement
    from finops_stack.warehouse.costs import published_months

    if sql is not None:
        statement = read_statement(sql, column)
        return statement.selection, statement.column
    months = [BillingPeriod.of(start) for start in published_months(connection)]
    if not months:
        raise InputError("the published bills have no charges", hint='see "finops status"')
    chosen = BillingPeriod.parse(month) if month else months[-1]
    if chosen not in months:
        raise InputError(
            f"nothing is published for {chosen}",
            hint=f"published months: {', '.join(map(str, months))}",
        )
    return filters.selection(chosen), column or _DEFAULT


def _explainer(state: Context, connection: "DuckDBPyConnection") -> "Explainer":
    from finops_stack.explain.explained import Explainer
    from finops_stack.explain.formulas import Formulas

    session = state.session
    given = {source.name: source.given for source in session.config.sources}
    return Explainer(
        connection,
        Formulas(session.vendor),
        session.lake.raw_path,
        lambda source: given.get(source, {}),
        session.rules,
    )


def _explain_row(state: Context, text: str, output: str) -> None:
    from finops_stack.cli.explain_json import row_dict
    from finops_stack.cli.explain_text import show_row
    from finops_stack.explain.publication import landed_delivery, standing

    with state.session.lake.open(read_only=True) as connection:
        address, delivery = landed_delivery(connection, text)
        found = standing(connection, delivery)
        rows = _rows_of(state, address, delivery, found)
        explained = _explainer(state, connection).explain(rows, whole=True)
    _require_something(address, found, explained)
    if output == "json":
        show_json(row_dict(address, found, explained))
        return
    show_row(address, found, explained)
    state.reporter.say(f"next: finops history {delivery.source} {delivery.billing_period}")


def _rows_of(
    state: Context, address: "RowAddress", delivery: "DeliveryRow", found: "Standing"
) -> "list[FocusRow]":
    """The charges of the address, at the newest snapshot that has them; else the address alone."""
    from finops_stack.explain.number import address_alone, rows_at
    from finops_stack.warehouse.safe_query import locked

    period = BillingPeriod.parse(delivery.billing_period)
    rows = []
    if found.snapshot is not None:
        with locked(state.session.lake, snapshot=found.snapshot) as connection:
            rows = rows_at(connection, address, period)
    parts = [row.address.part for row in rows]
    if rows and address.part is not None and address.part not in parts:
        raise InputError(
            f"{address}: there is no such part", hint=f"parts: {', '.join(map(str, parts))}"
        )
    return rows or [address_alone(address, period)]


def _require_something(
    address: "RowAddress", found: "Standing", explained: "list[Explained]"
) -> None:
    """Raises InputError where neither a charge nor a raw row is left."""
    from finops_stack.explain.publication import KEPT_HINT

    first = explained[0]
    if not first.row.is_known and first.raw is None:
        hint = KEPT_HINT if "kept" in first.missing else "rows of a file are counted from 0"
        raise InputError(f"{address}: {first.missing}; the delivery is {found.words}", hint=hint)
