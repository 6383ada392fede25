"""One delivery: download, verify, load; or refuse it, naming the file and the reason."""

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from finops_stack.deliveries.delivery import Delivery
from finops_stack.deliveries.storage import ObjectInfo, Storage
from finops_stack.errors import InputError
from finops_stack.ingest.landed import Landed, LandedFile, RawColumn
from finops_stack.ingest.load import RawFile, RawZone, load_raw
from finops_stack.ingest.text import describe_parquet, text_to_parquet
from finops_stack.ingest.verify import gunzip, require_parquet_frame, unzip
from finops_stack.vendors.manifest import Form, Vendor

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Downloads wait on the network, not on a core.
_DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class _Staged:
    """A downloaded file: `original` as delivered, `parquet` what will be loaded."""

    item: ObjectInfo
    sha256: str
    original: Path
    parquet: Path
    columns: tuple[RawColumn, ...] = ()
    rows: int = 0


def land(
    delivery: Delivery,
    *,
    vendor: Vendor,
    storage: Storage,
    zone: RawZone,
    staging: Path,
    connection: "DuckDBPyConnection",
    progress: Callable[[int], None] = lambda _: None,
) -> Landed:
    """Verify every file of a delivery and load it into the raw zone.

    progress: called with the bytes of each finished file.
    Raises: InputError when a file is not whole, or its columns are not those of a known form.
    """
    folder = staging / _short(delivery.source + str(delivery.period) + delivery.delivery_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        staged = _download(delivery, storage, folder)
        verified = []
        for file in staged:
            verified.append(_verify(file, connection))
            progress(file.item.size_bytes)
        form = _require_form(vendor, verified)
        return _load(delivery, form, verified, zone=zone, work=folder / "dlt")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(delivery: Delivery, storage: Storage, folder: Path) -> list[_Staged]:
    """Every file into the staging folder, under names of our own (a key may hold anything)."""

    def one(number: int, item: ObjectInfo) -> _Staged:
        original = folder / f"{number:05d}.delivered"
        sha256 = storage.download(item, original)
        return _Staged(item, sha256, original, folder / f"{number:05d}.parquet")

    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        return list(pool.map(one, range(1, len(delivery.files) + 1), delivery.files))


def _verify(file: _Staged, connection: "DuckDBPyConnection") -> _Staged:
    """Whole, and readable; csv becomes text Parquet, Parquet stays byte for byte."""
    name, key = file.item.key, file.item.key.lower()
    if key.endswith(".parquet"):
        file.original.rename(file.parquet)
        require_parquet_frame(file.parquet, name)
        columns, rows = describe_parquet(connection, file.parquet, name)
        return replace(file, columns=columns, rows=rows)
    plain = file.original.with_suffix(".csv")
    if key.endswith(".gz"):
        gunzip(file.original, plain, name)
    elif key.endswith(".zip"):
        unzip(file.original, plain, name)
    elif key.endswith(".csv"):
        file.original.rename(plain)
    else:
        raise InputError(
            f"{name}: no reader for this kind of file",
            hint="known: .parquet, .csv, .csv.gz, .csv.zip",
        )
    columns = text_to_parquet(connection, plain, file.parquet, name)
    plain.unlink()
    _, rows = describe_parquet(connection, file.parquet, name)
    return replace(file, columns=columns, rows=rows)


def _require_form(vendor: Vendor, files: list[_Staged]) -> Form:
    """The one form of all files, with the columns it cannot do without."""
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


def _require_columns(form: Form, file: _Staged) -> None:
    by_name = {form.normalise(c.delivered).lower(): c for c in file.columns}
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


def _require_one_each(form: Form, file: _Staged) -> None:
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
    delivery: Delivery, form: Form, files: list[_Staged], *, zone: RawZone, work: Path
) -> Landed:
    stem = f"{delivery.period}_{_short(delivery.fingerprint)}"
    tables = [f"{stem}_{number:05d}" for number in range(1, len(files) + 1)]
    load_raw(
        [RawFile(f.parquet, table, f.rows) for f, table in zip(files, tables, strict=True)],
        zone=zone,
        dataset=delivery.source,
        work=work,
    )
    names = _names([f.item.key for f in files])
    return Landed(
        delivery,
        form.name,
        tuple(
            LandedFile(
                name=names[f.item.key],
                key=f.item.key,
                size_bytes=f.item.size_bytes,
                sha256=f.sha256,
                rows=f.rows,
                columns=f.columns,
                path=zone.path_of(delivery.source, table),
            )
            for f, table in zip(files, tables, strict=True)
        ),
    )


def _names(keys: list[str]) -> dict[str, str]:
    """Key → the base name lineage carries; the whole key where two files share a base name."""
    base = {key: PurePosixPath(key).name for key in keys}
    return base if len(set(base.values())) == len(keys) else dict(zip(keys, keys, strict=True))


def _short(text: str) -> str:
    """A file name of our own for an id that may hold anything."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
