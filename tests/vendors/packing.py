"""A fixture's readable csv → the files a provider delivers (docs/vendor-folders.md, Fixtures)."""

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import duckdb

from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

_PARQUET_TYPES = {"text": "varchar", "money": "double", "time": "timestamp_ms"}


def pack(delivery: Path, target: Path, vendor: Vendor) -> Path:
    """Copy a fixture's `delivery/` folder, turning `x.csv.gz.csv` and its like into `x.csv.gz`.

    `x.parquet.jsonl` becomes nested Parquet; its types stand in types.json beside `delivery/`.
    """
    for path in sorted(p for p in delivery.rglob("*") if p.is_file()):
        place = target / path.relative_to(delivery)
        place.parent.mkdir(parents=True, exist_ok=True)
        packed = place.with_suffix("")
        if path.name.endswith((".csv.gz.csv", ".jsonl.gz.jsonl")):
            # mtime 0: the same fixture gives the same bytes
            packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        elif path.name.endswith(".csv.zip.csv"):
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(path, packed.with_suffix("").name)
        elif path.name.endswith(".parquet.csv"):
            _write_parquet(path, packed, vendor)
        elif path.name.endswith(".parquet.jsonl"):
            _write_nested(path, packed, delivery.parent / "types.json")
        else:
            shutil.copyfile(path, place)
    return target


def _write_parquet(path: Path, packed: Path, vendor: Vendor) -> None:
    """Typed as the vendor's form declares; blank stays NULL."""
    with duckdb.connect() as connection:
        source = f"read_csv({quote_text(str(path))}, all_varchar = true, header = true, {NO_HIVE})"
        names = [row[0] for row in connection.execute(f"describe from {source}").fetchall()]
        form = vendor.form_of(names)
        assert form is not None, f"{path}: columns of no form of {vendor.name}"
        select = ", ".join(_typed(form, name) for name in names)
        connection.execute(
            f"copy (select {select} from {source}) to {quote_text(str(packed))} (format parquet)"
        )


def _write_nested(path: Path, packed: Path, types: Path) -> None:
    """Nested columns, typed as the case's types.json says: column → DuckDB type."""
    columns: dict[str, str] = json.loads(types.read_text(encoding="utf-8"))
    pairs = ", ".join(f"{quote_text(name)}: {quote_text(kind)}" for name, kind in columns.items())
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from read_json({quote_text(str(path))},"
            f" format = 'newline_delimited', columns = {{{pairs}}}))"
            f" to {quote_text(str(packed))} (format parquet)"
        )


def _typed(form: Form, name: str) -> str:
    kinds = {column.lower(): kind for column, kind in form.columns.kinds().items()}
    kind = kinds.get(form.normalise(name).lower(), "text")
    column = f"nullif({quote_name(name)}, '')"
    if kind == "map":
        return f"cast(cast({column} as json) as map(varchar, varchar)) as {quote_name(name)}"
    kind_type = "varchar" if name in form.columns.lenient else _PARQUET_TYPES[kind]
    return f"cast({column} as {kind_type}) as {quote_name(name)}"
