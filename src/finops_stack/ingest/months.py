"""Which months' bills the rows of a file are in: read once, then known from a cache."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from finops_stack.deliveries.storage import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.month_sql import MONTH, month_sql, period_columns
from finops_stack.ingest.nested import relation_of, with_nested
from finops_stack.ingest.prepare import KeptFiles, Prepared, prepare
from finops_stack.period import BillingPeriod
from finops_stack.vendors.layouts import Layout
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.engine import EngineError, first_line, limit_reached
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN_CHARACTERS = 60
# Reading takes the memory of a whole connection: one source at a time.
_ONE_AT_A_TIME = Lock()


class FileMonths:
    """Months of files, by key: what deliveries.data_files asks for.

    cache:   a JSON file; it may be lost at any time, and is written only when a file was read
    folder:  where files are read; they are deleted again unless `keep` says to leave them
    connect: opens a DuckDB connection, which is closed when all files are read
    """

    def __init__(
        self,
        vendor: Vendor,
        storage: Storage,
        *,
        cache: Path,
        folder: Path,
        connect: Callable[[], "DuckDBPyConnection"],
        keep: bool = False,
    ) -> None:
        self.vendor = vendor
        self.storage = storage
        self.cache = cache
        self.folder = folder
        self.connect = connect
        self.kept = KeptFiles(folder) if keep else None

    def __call__(
        self, layout: Layout, items: Sequence[ObjectInfo]
    ) -> Mapping[str, list[BillingPeriod]]:
        """Key → months, from the cache or the file itself.

        Raises: InputError naming file and row, for a row that tells no month.
        """
        rule, whole = _rule(layout, self.vendor), _read_cache(self.cache)
        cached = _files_of(whole.get(layout.name), rule)
        known = {i.key: cached[i.key] for i in items if _is_known(cached.get(i.key), i)}
        new = [item for item in items if item.key not in known]
        if new:
            try:
                self._read(layout, new, known)
            finally:
                entry = {"rule": rule, "files": known}
                _write_cache(self.cache, {**whole, layout.name: entry})
        return {key: [BillingPeriod.parse(m) for m in entry[1]] for key, entry in known.items()}

    def _read(self, layout: Layout, items: Sequence[ObjectInfo], known: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with _ONE_AT_A_TIME, self.connect() as connection:
                for file in prepare(
                    items,
                    layout,
                    storage=self.storage,
                    folder=self.folder,
                    connection=connection,
                ):
                    months = months_of(connection, layout, self.vendor, file)
                    known[file.item.key] = [file.item.version, months]
                    if self.kept is None:
                        file.parquet.unlink()
                    else:
                        self.kept.add(layout, file)
        finally:
            if self.kept is None:
                shutil.rmtree(self.folder, ignore_errors=True)


def months_of(
    connection: "DuckDBPyConnection", layout: Layout, vendor: Vendor, file: Prepared
) -> dict[str, int]:
    """Month → rows of the file. Raises: InputError for a row that tells no month."""
    if file.rows == 0:
        return {}
    columns = with_nested(file.columns, (*layout.period_column, *vendor.nested_paths()))
    form = vendor.form_of([column.delivered for column in columns])
    month = month_sql(layout, form, columns, file.item.key)
    told = period_columns(layout, columns)
    read = f"read_parquet({quote_text(str(file.parquet))}, file_row_number = true, {NO_HIVE})"
    relation = relation_of(read, told)
    try:
        rows = connection.execute(
            f"select {month} as month, count(*) from {relation} group by month order by month"
        ).fetchall()
        if any(re.fullmatch(MONTH, text or "") is None for text, _ in rows):
            _refuse(connection, relation, month, told, file.item.key)
    except EngineError as error:
        raise limit_reached(error, file.item.key) or InputError(
            f"{file.item.key} cannot be read: {first_line(error)}",
            hint="have it delivered again; nothing was loaded",
        ) from error
    return {f"{text[:4]}-{text[4:]}": count for text, count in rows}


def _refuse(
    connection: "DuckDBPyConnection",
    relation: str,
    month: str,
    told: Sequence[RawColumn],
    key: str,
) -> None:
    """Raises InputError with the first row that tells no month."""
    values = ", ".join(f"cast({quote_name(column.name)} as varchar)" for column in told)
    bad = connection.execute(
        f"select file_row_number, coalesce({values}), count(*) over () from {relation}"
        f" where coalesce(not regexp_full_match({month}, '{MONTH}'), true)"
        " order by file_row_number limit 1"
    ).fetchone()
    assert bad
    raise InputError(
        f"{key}, row {bad[0]}: {told[0].delivered} is {_shown(bad[1])}, which tells no month"
        f" ({bad[2]} rows)",
        hint="have the file delivered again, or move it out of the source; nothing was loaded",
    )


def _shown(value: str | None) -> str:
    if value is None or not value.strip():
        return "empty"
    text = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
    return f'"{text}"'


def _rule(layout: Layout, vendor: Vendor) -> str:
    """Changes when files would be read another way."""
    forms = [form.model_dump(mode="json", include={"read", "names"}) for form in vendor.forms]
    parts = [layout.model_dump(mode="json"), forms]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _is_known(entry: object, item: ObjectInfo) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and entry[0] == item.version
        and isinstance(entry[1], dict)
    )


def _read_cache(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _files_of(entry: object, rule: str) -> dict[str, Any]:
    """Files of a layout in the cache, when they were read by this rule."""
    if not isinstance(entry, dict) or entry.get("rule") != rule:
        return {}
    files = entry.get("files")
    return files if isinstance(files, dict) else {}


def _write_cache(path: Path, content: Mapping[str, Any]) -> None:
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(path)
