"""Columns that hold a list of records: structs of a Parquet file, or objects in JSON text."""

from collections.abc import Mapping

from finops_stack.build.values import MONEY, unreadable_sql, value_sql
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.nested import list_fields
from finops_stack.vendors.manifest import Form, RecordKind
from finops_stack.vendors.mapping import ColumnRead
from finops_stack.warehouse.sql import quote_name, quote_text

TYPES: dict[RecordKind, str] = {"text": "varchar", "money": MONEY, "time": "timestamp"}
Reads = Mapping[str, ColumnRead | None]
_TEXT = ("VARCHAR", "JSON")


def no_records(fields: Mapping[str, RecordKind]) -> str:
    """An empty list of such records."""
    return f"cast([] as {_list_type(fields)})"


def records_sql(raw: RawColumn, fields: Mapping[str, RecordKind], reads: Reads) -> str:
    """The column as a list of the declared fields; NULL is an empty list, a missing field NULL.

    reads: how a field is written, where it is not written plainly.
    """
    packed = ", ".join(
        f"{quote_name(name)}: {_value(raw, name, kind, reads.get(name))}"
        for name, kind in fields.items()
    )
    listed = f"list_transform({_elements(raw, fields)}, lambda r: {{{packed}}})"
    return f"coalesce(cast({listed} as {_list_type(fields)}), {no_records(fields)})"


def unreadable_records(raw: RawColumn, fields: Mapping[str, RecordKind], reads: Reads) -> str:
    """SQL that is true where it is no list of records, or a field is no value of its kind."""
    column = quote_name(raw.name)
    if raw.type not in _TEXT and not list_fields(raw.type):
        return f"{column} is not null"
    wrong = [
        sql
        for name, kind in fields.items()
        if kind != "text" and (sql := _unreadable(raw, name, kind, reads.get(name)))
    ]
    found = []
    if raw.type in _TEXT:
        text = f"nullif(cast({column} as varchar), '')"
        found.append(f"{text} <> 'null' and {_elements(raw, fields)} is null")
    if wrong:
        said = " or ".join(f"({sql})" for sql in wrong)
        found.append(f"len(list_filter({_elements(raw, fields)}, lambda r: {said})) > 0")
    return " or ".join(f"({sql})" for sql in found) or "false"


def exploded_sql(rows: str, form: Form) -> str:
    """One row for each record of the column a form explodes, its fields as columns.

    A row without any keeps one row, in which they are NULL. x_SourcePart counts from 0.
    """
    if not form.explode:
        return rows
    column = quote_name(form.explode)
    fields = ",\n  ".join(
        f"exploded.record.{quote_name(field)} as {quote_name(f'{form.explode}_{field}')}"
        for field in form.records[form.explode]
    )
    numbered = f"list_transform({column}, lambda r, i: {{'part': i - 1, 'record': r}})"
    none = "[{'part': 0, 'record': null}]"
    unnested = f"unnest(case when len({column}) > 0 then {numbered} else {none} end) as exploded"
    return (
        f"select\n  * exclude ({column}, exploded),\n"
        f"  cast(exploded.part as integer) as x_SourcePart,\n  {fields}\n"
        f"from (select *, {unnested} from (\n{rows}\n))"
    )


def _elements(raw: RawColumn, fields: Mapping[str, RecordKind]) -> str:
    """The column as a list of structs."""
    column = quote_name(raw.name)
    if raw.type not in _TEXT:
        return column if list_fields(raw.type) else "null"
    shape = "[{" + ", ".join(f'"{name}": "VARCHAR"' for name in fields) + "}]"
    struct = ", ".join(f"{quote_name(name)} varchar" for name in fields)
    text = f"nullif(cast({column} as varchar), '')"
    # json_transform takes what is no list for null. Some tools write such a list as Python does,
    # [{'name': 'x'}], which DuckDB reads as its own notation.
    return (
        f"coalesce(json_transform(try_cast({text} as json), {quote_text(shape)}),"
        f" try_cast({text} as struct({struct})[]))"
    )


def _field(raw: RawColumn, name: str) -> tuple[str, str] | None:
    """SQL and type of a field of the record r; names go without regard to case."""
    if raw.type in _TEXT:
        return f"r.{quote_name(name)}", "VARCHAR"
    by_name = {field.lower(): (field, kind) for field, kind in list_fields(raw.type).items()}
    if name.lower() not in by_name:
        return None
    field, kind = by_name[name.lower()]
    return f"r.{quote_name(field)}", kind


def _value(raw: RawColumn, name: str, kind: RecordKind, read: ColumnRead | None) -> str:
    found = _field(raw, name)
    return value_sql(*found, kind, read) if found else f"cast(null as {TYPES[kind]})"


def _unreadable(raw: RawColumn, name: str, kind: RecordKind, read: ColumnRead | None) -> str | None:
    found = _field(raw, name)
    return unreadable_sql(*found, kind, read) if found else None


def _list_type(fields: Mapping[str, RecordKind]) -> str:
    return f"struct({', '.join(f'{quote_name(n)} {TYPES[k]}' for n, k in fields.items())})[]"
