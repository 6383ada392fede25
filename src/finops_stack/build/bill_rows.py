"""The SQL of `bill_rows`: one bill's raw files, columns named and typed as the form declares.

Column names and types of raw files differ between deliveries, spellings and file formats; the
models never see that. Everything here is text in, text out; DuckDB runs it per bill.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from finops_stack.build.records import (
    exploded_sql,
    no_records,
    records_sql,
    unreadable_records,
)
from finops_stack.build.values import EMPTY_MAP, MONEY, map_sql, unreadable_sql, value_sql
from finops_stack.ingest.landed import LandedFile, RawColumn
from finops_stack.ingest.month_sql import month_sql, month_text
from finops_stack.ingest.nested import relation_of
from finops_stack.period import BillingPeriod
from finops_stack.vendors.focus_base import focus_version
from finops_stack.vendors.layouts import Layout
from finops_stack.vendors.manifest import Collect, Form, Kind, snake
from finops_stack.vendors.mapping import ColumnRead
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

_NULLS = {"text": "varchar", "money": MONEY, "time": "timestamp"}


@dataclass(frozen=True)
class BillFiles:
    """The raw files of one bill and what is the same for all its rows."""

    source: str
    period: BillingPeriod
    delivery_id: str
    delivered_at: datetime
    form: Form
    files: tuple[LandedFile, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    layout: Layout | None = None


def relation_sql(bill: BillFiles) -> str:
    """The select behind the view `bill_rows`; shape: docs/vendor-folders.md."""
    groups: dict[tuple[RawColumn, ...], list[LandedFile]] = defaultdict(list)
    for file in bill.files:
        groups[file.columns].append(file)
    rows = "\nunion all by name\n".join(
        _group_sql(bill, columns, files) for columns, files in groups.items()
    )
    return exploded_sql(rows or _empty_sql(bill), bill.form)


def _group_sql(bill: BillFiles, columns: Sequence[RawColumn], files: list[LandedFile]) -> str:
    typed = [
        f"{expression} as {quote_name(name)}"
        for name, expression in column_expressions(bill.form, columns).items()
    ]
    lineage = [
        f"{quote_text(bill.source)} as x_SourceName",
        f"{quote_text(bill.delivery_id)} as x_DeliveryId",
        f"{_by_file_sql(files, [file.name for file in files])} as x_SourceFile",
        "cast(file_row_number as bigint) as x_SourceRow",
        f"{_by_file_sql(files, [file.part for file in files])} as delivery_part",
        *_delivery_columns(bill),
    ]
    lineage += [f"{value} as {quote_name(name)}" for name, value in _told(bill, columns).items()]
    select = ",\n  ".join(lineage + typed)
    relation = relation_of(read_files(files), columns)
    return f"select\n  {select}\nfrom {relation}{_of_this_month(bill, columns, files)}"


def _empty_sql(bill: BillFiles) -> str:
    """The columns alone, for a month without any file."""
    lineage = [
        f"{quote_text(bill.source)} as x_SourceName",
        f"{quote_text(bill.delivery_id)} as x_DeliveryId",
        "'' as x_SourceFile",
        "cast(0 as bigint) as x_SourceRow",
        "'' as delivery_part",
        *_delivery_columns(bill),
    ]
    named = _told(bill, ()) | column_expressions(bill.form, ())
    columns = [f"{value} as {quote_name(name)}" for name, value in named.items()]
    select = ",\n  ".join(lineage + columns)
    return f"select\n  {select}\nwhere false"


def _delivery_columns(bill: BillFiles) -> list[str]:
    return [
        f"timestamp '{bill.period.start}' as delivery_period_start",
        f"timestamp '{bill.period.end}' as delivery_period_end",
        f"timestamp '{bill.delivered_at}' as delivered_at",
    ]


def _of_this_month(
    bill: BillFiles, columns: Sequence[RawColumn], files: Sequence[LandedFile]
) -> str:
    """Where rows tell their month, those of the bill alone."""
    if bill.layout is None or not bill.layout.period_column:
        return ""
    if all(file.rows == 0 for file in files):
        return "\nwhere false"
    month = month_sql(bill.layout, bill.form, columns, files[0].key)
    return f"\nwhere {month} = {quote_text(month_text(bill.period))}"


def _told(bill: BillFiles, columns: Sequence[RawColumn]) -> dict[str, str]:
    """What the rows do not say: the source's settings do, or the names of the columns."""
    names = (*bill.form.given, *bill.form.may_give)
    told = {
        name: quote_text(bill.given[name]) if bill.given.get(name) else "cast(null as varchar)"
        for name in names
    }
    if bill.form.base == "focus":
        told["focus_version"] = quote_text(focus_version(column.delivered for column in columns))
    return told


def read_files(files: Sequence[LandedFile]) -> str:
    """A read of raw files of one schema, with their names and row numbers."""
    paths = ", ".join(quote_text(file.path) for file in files)
    return f"read_parquet([{paths}], filename = true, file_row_number = true, {NO_HIVE})"


def _by_file_sql(files: Sequence[LandedFile], values: Sequence[str]) -> str:
    """What is told of each file, such as its delivered base name (the raw zone has its own)."""
    if len(set(values)) == 1:
        return quote_text(values[0])
    pairs = " ".join(
        f"when {quote_text(file.path)} then {quote_text(value)}"
        for file, value in zip(files, values, strict=True)
    )
    return f"case filename {pairs} end"


def column_expressions(form: Form, columns: Sequence[RawColumn]) -> dict[str, str]:
    """Declared column → SQL over the raw columns; a column the bill lacks is a typed NULL."""
    by_name = {form.normalise(c.delivered).lower(): c for c in reversed(columns)}
    expressions = {}
    for name, fields in form.records.items():
        raw = by_name.get(name.lower())
        reads = {field: form.read.get(f"{name}_{field}") for field in fields}
        expressions[name] = records_sql(raw, fields, reads) if raw else no_records(fields)
    for name, kind in form.columns.kinds().items():
        raw = by_name.get(name.lower())
        if kind == "map":
            expressions[name] = _map_sql(name, raw, form, columns)
        elif raw is None:
            expressions[name] = f"cast(null as {_NULLS[kind]})"
        else:
            expressions[name] = cast_sql(raw, kind, form.read.get(name))
    return expressions


def cast_sql(raw: RawColumn, kind: Kind, read: ColumnRead | None = None) -> str:
    """One raw column as a declared kind."""
    return value_sql(quote_name(raw.name), raw.type, kind, read)


def _map_sql(name: str, raw: RawColumn | None, form: Form, columns: Sequence[RawColumn]) -> str:
    parts = [] if raw is None else [map_sql(quote_name(raw.name), raw.type)]
    parts += [
        sql
        for rule in form.collect
        if rule.map == name and (sql := _collected_sql(rule, columns)) is not None
    ]
    if not parts:
        return EMPTY_MAP
    return parts[0] if len(parts) == 1 else f"map_concat({', '.join(parts)})"


def _collected_sql(rule: Collect, columns: Sequence[RawColumn]) -> str | None:
    """Columns whose delivered name matches → one map of those that are not blank.

    Several columns with one key (case lost in `snake`) give the first that is not blank.
    """
    pattern = re.compile(rule.pattern)
    values: dict[str, list[str]] = {}
    for column in columns:
        if not (found := pattern.search(column.delivered)):
            continue
        key = snake(found[1]) if rule.keys == "snake" else found[1]
        if rule.only and key not in rule.only:
            continue
        value = f"nullif(cast({quote_name(column.name)} as varchar), '')"
        values.setdefault(key, []).append(value)
    if not values:
        return None
    entries = [
        f"{{'k': {quote_text(key)}, 'v': coalesce({', '.join(same)})}}"
        for key, same in values.items()
    ]
    filled = f"list_filter([{', '.join(entries)}], lambda e: e.v is not null)"
    return f"map_from_entries({filled})"


def unreadable_predicates(form: Form, columns: Sequence[RawColumn]) -> dict[str, str]:
    """Delivered column → SQL that is true where it holds something that is not what it must be.

    Money: NaN, infinite, more than 23 digits before the point, or a word. Time: not a date (a
    word such as infinity, a year of two digits). Map: no JSON object. Any: a type without a cast.
    """
    kinds = {name.lower(): (name, kind) for name, kind in form.columns.kinds().items()}
    predicates = {}
    records = {name.lower(): (name, fields) for name, fields in form.records.items()}
    for column in columns:
        if found := records.get(form.normalise(column.delivered).lower()):
            name, fields = found
            reads = {field: form.read.get(f"{name}_{field}") for field in fields}
            predicates[column.delivered] = unreadable_records(column, fields, reads)
            continue
        name, kind = kinds.get(form.normalise(column.delivered).lower(), ("", "text"))
        if name in form.columns.lenient or kind == "text":
            continue
        if predicate := unreadable_sql(
            quote_name(column.name), column.type, kind, form.read.get(name)
        ):
            predicates[column.delivered] = predicate
    return predicates
