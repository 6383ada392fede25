"""One delivery: download, verify, load; or refuse it, naming the file and the reason."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from finops_stack.deliveries.delivery import Delivery
from finops_stack.deliveries.storage import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.ingest.landed import Landed, LandedFile, RawColumn
from finops_stack.ingest.load import RawFile, RawZone, load_raw
from finops_stack.ingest.month_sql import month_sql, month_text
from finops_stack.ingest.nested import relation_of, with_nested
from finops_stack.ingest.prepare import KeptFiles, Prepared, prepare, short_name
from finops_stack.vendors.layouts import Layout
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.warehouse.sql import NO_HIVE, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def land(
    delivery: Delivery,
    *,
    vendor: Vendor,
    storage: Storage,
    zone: RawZone,
    staging: Path,
    connection: "DuckDBPyConnection",
    progress: Callable[[int], None] = lambda _: None,
    kept: KeptFiles | None = None,
) -> Landed:
    """Verify every file of a delivery and load it into the raw zone.

    progress: called with the bytes of each finished file.
    kept: files that are here already, or that other bills of this run need as well.
    Raises: InputError when a file is not whole, or its columns are not those of a known form.
    """
    folder = staging / short_name(delivery.source + str(delivery.period) + delivery.delivery_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    layout = vendor.layout(delivery.layout)
    try:
        files = _prepared(
            delivery,
            layout,
            storage=storage,
            folder=folder,
            connection=connection,
            progress=progress,
            kept=kept,
        )
        _require_rows(delivery, files)
        paths = (*vendor.nested_paths(), *layout.period_column)
        files = [replace(file, columns=with_nested(file.columns, paths)) for file in files]
        form = _require_form(vendor, files)
        files = [replace(file, columns=_used(file, form, layout)) for file in files]
        own = [_own_rows(file, delivery, layout, form, connection) for file in files]
        return _load(delivery, form, files, own, zone=zone, work=folder / "dlt")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(
    delivery: Delivery,
    layout: Layout,
    *,
    storage: Storage,
    folder: Path,
    connection: "DuckDBPyConnection",
    progress: Callable[[int], None],
    kept: KeptFiles | None,
) -> list[Prepared]:
    """Every file of the delivery, in its order; those that are kept are not fetched again."""
    found: dict[str, Prepared] = {}
    lacking: list[ObjectInfo] = []
    shared: list[ObjectInfo] = []
    for item in delivery.files:
        if kept and (file := kept.get(layout, item)):
            found[item.key] = file
            progress(item.size_bytes)
        else:
            (shared if kept and kept.is_shared(item) else lacking).append(item)
    for items, place in ((lacking, folder), (shared, kept.folder if kept else folder)):
        place.mkdir(parents=True, exist_ok=True)
        for file in prepare(
            items, layout, storage=storage, folder=place, connection=connection, progress=progress
        ):
            found[file.item.key] = file
            if kept and items is shared:
                kept.add(layout, file)
    return [found[item.key] for item in delivery.files]


def _require_rows(delivery: Delivery, files: Sequence[Prepared]) -> None:
    """The rows read are those the manifest counts."""
    for part in delivery.parts:
        rows = sum(file.rows for file in files if file.item.key in part.keys)
        if part.rows is not None and part.rows != rows:
            raise InputError(
                f"{delivery.manifest}: it counts {part.rows} rows, its files have {rows}",
                hint="have it delivered again, then run again",
            )


def _used(file: Prepared, form: Form, layout: Layout) -> tuple[RawColumn, ...]:
    """The file's own columns and those nested ones that this form or its layout names."""
    own = [column for column in file.columns if not column.source]
    return with_nested(own, (*form.nested_paths(), *layout.period_column))


def _own_rows(
    file: Prepared,
    delivery: Delivery,
    layout: Layout,
    form: Form,
    connection: "DuckDBPyConnection",
) -> int:
    """Rows of this bill: all, but where rows tell the month."""
    if not layout.period_column or file.rows == 0:
        return file.rows
    month = month_sql(layout, form, file.columns, file.item.key)
    read = f"read_parquet({quote_text(str(file.parquet))}, {NO_HIVE})"
    row = connection.execute(
        f"select count(*) from {relation_of(read, file.columns)}"
        f" where {month} = {quote_text(month_text(delivery.period))}"
    ).fetchone()
    return int(row[0]) if row else 0


def _require_form(vendor: Vendor, files: list[Prepared]) -> Form:
    """The one form of all files, with the columns it cannot do without.

    A month without any file is of no form: its first one says how an empty bill looks.
    """
    if not files:
        return vendor.forms[0]
    forms = {}
    for file in files:
        delivered = [column.delivered for column in file.columns]
        form = vendor.form_of(delivered)
        if form is None:
            known = "; ".join(f"{f.title} ({', '.join(f.recognised_by)})" for f in vendor.forms)
            raise InputError(
                f"{file.item.key}: its columns are those of no known form of {vendor.name}",
                hint=f"expected one of: {known}",
            )
        _require_columns(form, file)
        _require_one_each(form, file)
        forms[form.name] = form
    if len(forms) != 1:
        raise InputError(
            f"one delivery holds {', '.join(sorted(forms)) or 'no files'}",
            hint="a delivery's files must be of one form",
        )
    return next(iter(forms.values()))


def _require_columns(form: Form, file: Prepared) -> None:
    by_name = {c.delivered.lower(): c for c in file.columns}
    by_name |= {form.normalise(c.delivered).lower(): c for c in file.columns}
    missing = [name for name in form.required if name.lower() not in by_name]
    if missing:
        raise InputError(
            f"{file.item.key}: column {missing[0]} is missing",
            hint=f"add it to the export; needed: {', '.join(form.required)}",
        )
    for name in form.identifiers:
        column = by_name.get(name.lower())
        if column is not None and column.type != "VARCHAR":
            raise InputError(
                f"{file.item.key}: {column.delivered} is {column.type}, expected text",
                hint="as a number an id loses its leading zeros; export it as text",
            )


def _require_one_each(form: Form, file: Prepared) -> None:
    """Of two columns called amount and Amount nobody can say which is the cost."""
    kinds = form.columns.kinds()
    counted = {name.lower() for name in kinds if kinds[name] in ("money", "time")}
    seen: dict[str, str] = {}
    for column in file.columns:
        name = form.normalise(column.delivered).lower()
        if name in counted and name in seen:
            raise InputError(
                f"{file.item.key}: {seen[name]} and {column.delivered} are the same column",
                hint="export only one of them",
            )
        seen[name] = column.delivered


def _load(
    delivery: Delivery,
    form: Form,
    files: Sequence[Prepared],
    own_rows: Sequence[int],
    *,
    zone: RawZone,
    work: Path,
) -> Landed:
    stem = f"{delivery.period}_{short_name(delivery.fingerprint)}"
    tables = [f"{stem}_{number:05d}" for number in range(1, len(files) + 1)]
    if files:
        load_raw(
            [RawFile(f.parquet, table, f.rows) for f, table in zip(files, tables, strict=True)],
            zone=zone,
            dataset=delivery.source,
            work=work,
        )
    names = _names([f.item.key for f in files])
    landed = (
        LandedFile(
            name=names[f.item.key],
            key=f.item.key,
            size_bytes=f.item.size_bytes,
            sha256=f.sha256,
            rows=rows,
            columns=f.columns,
            path=zone.path_of(delivery.source, table),
            part=delivery.part_of(f.item.key),
        )
        for f, table, rows in zip(files, tables, own_rows, strict=True)
    )
    return Landed(delivery, form.name, tuple(landed))


def _names(keys: list[str]) -> dict[str, str]:
    """Key → the base name lineage carries; the whole key where two files share a base name."""
    base = {key: PurePosixPath(key).name for key in keys}
    return base if len(set(base.values())) == len(keys) else dict(zip(keys, keys, strict=True))
