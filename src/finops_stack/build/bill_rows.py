"""The SQL of `bill_rows`: one bill's raw files, columns named and typed as the form declares.

Column names and types of raw files differ between deliveries, spellings and file formats; the
models never see that. Everything here is text in, text out; DuckDB runs it per bill.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from finops_stack.build.reading import moment_sql, number_text, plain_text, scaled
from finops_stack.ingest.landed import LandedFile, RawColumn
from finops_stack.period import BillingPeriod
from finops_stack.vendors.focus_base import focus_version
from finops_stack.vendors.manifest import Collect, Form, Kind, snake
from finops_stack.vendors.mapping import ColumnRead
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

MONEY = "decimal(38, 15)"
_MAP = "map(varchar, varchar)"
_NULLS = {"text": "varchar", "money": MONEY, "time": "timestamp"}
_MINUTES = "['%Y-%m-%dT%H:%MZ', '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M']"
_EMPTY_MAP = f"cast(map() as {_MAP})"
# Raw types that can be read as a kind; a column of another type must hold nothing.
_TYPES: dict[Kind, re.Pattern[str]] = {
    "text": re.compile(r".*"),
    "money": re.compile(r"VARCHAR|DOUBLE|FLOAT|DECIMAL\(.*\)|U?(TINY|SMALL|BIG)?INT(EGER)?"),
    "time": re.compile(r"VARCHAR|DATE|TIMESTAMP.*"),
    "map": re.compile(r"VARCHAR|MAP\(.*\)|STRUCT\(.*\)\[\]", re.DOTALL),
}


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


def relation_sql(bill: BillFiles) -> str:
    """The select behind the view `bill_rows`; shape: docs/vendor-folders.md."""
    groups: dict[tuple[RawColumn, ...], list[LandedFile]] = defaultdict(list)
    for file in bill.files:
        groups[file.columns].append(file)
    return "\nunion all by name\n".join(
        _group_sql(bill, columns, files) for columns, files in groups.items()
    )


def _group_sql(bill: BillFiles, columns: Sequence[RawColumn], files: list[LandedFile]) -> str:
    typed = [
        f"{expression} as {quote_name(name)}"
        for name, expression in column_expressions(bill.form, columns).items()
    ]
    lineage = [
        f"{quote_text(bill.source)} as x_SourceName",
        f"{quote_text(bill.delivery_id)} as x_DeliveryId",
        f"{_file_name_sql(files)} as x_SourceFile",
        "cast(file_row_number as bigint) as x_SourceRow",
        f"timestamp '{bill.period.start}' as delivery_period_start",
        f"timestamp '{bill.period.end}' as delivery_period_end",
        f"timestamp '{bill.delivered_at}' as delivered_at",
    ]
    lineage += [f"{value} as {quote_name(name)}" for name, value in _told(bill, columns).items()]
    select = ",\n  ".join(lineage + typed)
    return f"select\n  {select}\nfrom {read_files(files)}"


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


def _file_name_sql(files: Sequence[LandedFile]) -> str:
    """The delivered base name, not the raw zone's own."""
    if len(files) == 1:
        return quote_text(files[0].name)
    pairs = " ".join(f"when {quote_text(file.path)} then {quote_text(file.name)}" for file in files)
    return f"case filename {pairs} end"


def column_expressions(form: Form, columns: Sequence[RawColumn]) -> dict[str, str]:
    """Declared column → SQL over the raw columns; a column the bill lacks is a typed NULL."""
    by_name = {form.normalise(c.delivered).lower(): c for c in reversed(columns)}
    expressions = {}
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
    """One raw column as a declared kind; what does not parse becomes NULL (and a finding)."""
    column = quote_name(raw.name)
    if read is not None and kind == "time":
        return moment_sql(column, raw.type, read)
    if read is not None and kind == "money":
        text = number_text(column, read) if raw.type == "VARCHAR" else column
        return scaled(_money_sql(text, raw.type), read)
    if kind == "text":
        text = column if raw.type == "VARCHAR" else f"cast({column} as varchar)"
        return f"nullif({text}, '')"
    if kind == "money":
        return _money_sql(column, raw.type)
    if raw.type == "VARCHAR":
        # By way of timestamptz: a plain cast drops an offset such as +02:00 without a word. It
        # wants seconds, which ISO 8601 (and FOCUS) leave free.
        zoned = f"timezone('UTC', try_cast(nullif({column}, '') as timestamptz))"
        return f"coalesce({zoned}, try_strptime({column}, {_MINUTES}))"
    if raw.type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    return f"try_cast({column} as timestamp)"


def _money_sql(column: str, raw_type: str) -> str:
    if raw_type in ("DOUBLE", "FLOAT"):
        return _short_decimal_sql(column)
    if raw_type == "VARCHAR":
        # 16 characters hold 15 digits, and two such decimals are never one double: the same test
        # as above, at a fifteenth of the cost of reading the text as a 38-digit decimal.
        short = f"try_cast({column} as decimal(18, 10))"
        return (
            f"case when length({column}) <= 16"
            f" and cast({short} as double) = try_cast({column} as double)"
            f" then cast({short} as {MONEY})"
            f" when contains({column}, 'e') or contains({column}, 'E')"
            f" then {_scientific_sql(column)} else try_cast({column} as {MONEY}) end"
        )
    return f"try_cast({column} as {MONEY})"


# Below the bound so many places are at most 15 digits, and no two decimals of 15 digits are one
# double: what reads back as the double is what it was written from.
_PLACES = ((100_000, 10), (1_000, 12), (1, 15), (10_000_000, 8))


def _short_decimal_sql(column: str) -> str:
    """The short decimal a double was written from: the fewest places that read back as it.

    Going by text, which is exact as well, takes thirty times as long; it is left for the rest.
    """
    arms = [
        f"when abs({column}) < {bound}"
        f" and cast(try_cast({column} as decimal(18, {places})) as double) = {column}"
        f" then cast(try_cast({column} as decimal(18, {places})) as {MONEY})"
        for bound, places in _PLACES
    ]
    text = _scientific_sql(f"cast({column} as varchar)")
    return f"case {' '.join(arms)} else {text} end"


def _scientific_sql(text: str) -> str:
    """By way of 30 places: DuckDB 1.5.5 reads 8e-40 as 1e-15, one unit up, where places are cut."""
    return (
        f"coalesce(cast(try_cast({text} as decimal(38, 30)) as {MONEY}),"
        f" try_cast({text} as {MONEY}))"
    )


def _map_sql(name: str, raw: RawColumn | None, form: Form, columns: Sequence[RawColumn]) -> str:
    parts = [] if raw is None else [_whole_map_sql(raw)]
    parts += [
        sql
        for rule in form.collect
        if rule.map == name and (sql := _collected_sql(rule, columns)) is not None
    ]
    if not parts:
        return _EMPTY_MAP
    return parts[0] if len(parts) == 1 else f"map_concat({', '.join(parts)})"


def _whole_map_sql(raw: RawColumn) -> str:
    column = quote_name(raw.name)
    if raw.type == "VARCHAR":
        # {"team": "a"}, or {team=a} as engines print a map
        as_json = f"try_cast(try_cast(nullif({column}, '') as json) as {_MAP})"
        return f"coalesce({as_json}, try_cast({column} as {_MAP}), {_EMPTY_MAP})"
    if raw.type.startswith("STRUCT") and raw.type.endswith("[]"):
        return f"coalesce(cast(map_from_entries({column}) as {_MAP}), {_EMPTY_MAP})"
    if raw.type == "MAP(VARCHAR, VARCHAR)":
        # A cast copies every entry, even to the type it has.
        return f"coalesce({column}, {_EMPTY_MAP})"
    return f"coalesce(cast({column} as {_MAP}), {_EMPTY_MAP})"


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
    for column in columns:
        name, kind = kinds.get(form.normalise(column.delivered).lower(), ("", "text"))
        if name in form.columns.lenient or kind == "text":
            continue
        if predicate := _unreadable(column, kind, form.read.get(name)):
            predicates[column.delivered] = predicate
    return predicates


def _unreadable(column: RawColumn, kind: Kind, read: ColumnRead | None = None) -> str | None:
    quoted, raw_type = quote_name(column.name), column.type
    if not _TYPES[kind].fullmatch(raw_type):
        return f"{quoted} is not null"
    if raw_type == "VARCHAR" and read is not None:
        return f"{plain_text(quoted, read)} is not null and {cast_sql(column, kind, read)} is null"
    if raw_type != "VARCHAR":
        return _unreadable_typed(quoted, column, kind)
    wrong = f"{cast_sql(column, kind)} is null"
    if kind == "money":
        # DuckDB reads 1_000 as 1000; no bill means that.
        wrong = f"({wrong} or contains({quoted}, '_'))"
    elif kind == "time":
        # DuckDB also reads epoch, infinity, 26-09-01 and years BC.
        wrong = (
            f"({wrong} or substr(ltrim({quoted}), 5, 1) not in ('-', '/')"
            f" or contains({quoted}, 'BC'))"
        )
    else:
        wrong = (
            f"try_cast(try_cast({quoted} as json) as {_MAP}) is null"
            f" and try_cast({quoted} as {_MAP}) is null and {quoted} <> 'null'"
        )
    return f"{quoted} <> '' and {wrong}"


def _unreadable_typed(quoted: str, column: RawColumn, kind: Kind) -> str | None:
    if kind == "map":
        if not column.type.endswith("[]"):
            return None
        keys = f"list_transform({quoted}, lambda e: struct_extract_at(e, 1))"
        return f"len(list_distinct({keys})) <> len({quoted})"
    if kind == "money" and column.type in ("DOUBLE", "FLOAT"):
        return f"not (abs({quoted}) < 1e23)"
    if kind == "money" and column.type.startswith("DECIMAL"):
        return f"{quoted} is not null and {cast_sql(column, kind)} is null"
    return None
