"""The billing month of a row, where rows tell it (period_column of a layout): SQL text."""

from collections.abc import Sequence

from finops_stack.errors import InputError
from finops_stack.ingest.landed import RawColumn
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout
from finops_stack.vendors.manifest import Form
from finops_stack.vendors.mapping import ColumnRead
from finops_stack.warehouse.sql import quote_name, quote_text

# What month_sql gives for a month: 202609.
MONTH = "20[0-9][0-9](0[1-9]|1[0-2])"
# Months begin up to 14 hours before, or 12 hours after, those of UTC.
_MOVED = {
    "start": "",
    "end": " - interval 1 microsecond",
    "month_start": " + interval 14 hour",
}


def month_sql(layout: Layout, form: Form | None, columns: Sequence[RawColumn], file: str) -> str:
    """SQL giving '202609' for a row of that month, or anything else where it tells none.

    Of several columns the first that is not empty counts. The month is the one written there: a
    zone that [forms.read] names moves no row into another month.
    Raises: InputError when the file has none of the columns.
    """
    found = period_columns(layout, columns)
    if not found:
        raise InputError(
            f"{file}: it has no column {' or '.join(layout.period_column)}, which tells the month"
            " of each row",
            hint="add it to the export, or move the file out of the source",
        )
    first = layout.period_column[0].lower()
    months = [
        _month(column, _of(layout, column.delivered.lower() == first), _read(form, column))
        for column in found
    ]
    return months[0] if len(months) == 1 else f"coalesce({', '.join(months)})"


def period_columns(layout: Layout, columns: Sequence[RawColumn]) -> list[RawColumn]:
    """The columns of the file that tell a row's month, in the layout's order."""
    by_name = {column.delivered.lower(): column for column in reversed(columns)}
    names = (name.lower() for name in layout.period_column)
    return [by_name[name] for name in names if name in by_name]


def month_text(period: BillingPeriod) -> str:
    """A month as month_sql gives it."""
    return f"{period.year:04d}{period.month:02d}"


def _read(form: Form | None, column: RawColumn) -> ColumnRead | None:
    return form.read.get(form.normalise(column.delivered)) if form else None


def _of(layout: Layout, first: bool) -> str:
    return "start" if layout.period_of == "month_start" and not first else layout.period_of


def _month(column: RawColumn, of: str, read: ColumnRead | None) -> str:
    name = quote_name(column.name)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return _of_moment(f"timezone('UTC', {name})", of)
    if column.type == "DATE" or column.type.startswith("TIMESTAMP"):
        return _of_moment(f"cast({name} as timestamp)", of)
    text = f"nullif(trim(cast({name} as varchar)), '')"
    for word in read.null if read else ():
        text = f"nullif({text}, {quote_text(word)})"
    if read and read.formats:
        formats = ", ".join(quote_text(each) for each in read.formats)
        return _of_moment(f"try_strptime({text}, [{formats}])", of)
    # 2026-09-01T00:00:00Z, 2026/09/01, 2026-09, 20260901, 202609
    written = f"left(replace(replace(left({text}, 7), '-', ''), '/', ''), 6)"
    if of == "start":
        return written
    moved = _of_moment(f"try_cast({text} as timestamp)", of)
    if of == "month_start":
        # 2026-09-01T00:00Z: without seconds it is no timestamp, and the month written is meant.
        moved = f"coalesce({moved}, {written})"
    # A month alone is no moment, and needs no moving.
    return f"case when length({text}) < 8 then {written} else {moved} end"


def _of_moment(moment: str, of: str) -> str:
    moment = f"({moment}{_MOVED[of]})"
    return f"cast(year({moment}) * 100 + month({moment}) as varchar)"
