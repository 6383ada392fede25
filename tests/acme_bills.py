"""Bills of the test vendor Acme (own_vendors/acme), written as Acme would deliver them."""

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

OWN_VENDORS = Path(__file__).parent / "own_vendors"
KINDS = ("csv", "csv.gz", "csv.zip", "parquet")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """What one call wrote: the manifest and the data files it names."""

    manifest: Path
    files: tuple[Path, ...]

    @property
    def file(self) -> Path:
        """The only data file."""
        (only,) = self.files
        return only


def acme_row(month: str = "2026-09", **values: str) -> dict[str, str]:
    """One line of an Acme bill, all as text; values replace or add columns."""
    return {
        "account": "0071",
        "service": "VM small",
        "currency": "EUR",
        "invoice": f"INV-{month}",
        "amount": "1.50",
        "quantity": "3",
        "start": f"{month}-01T00:00:00Z",
        "end": f"{month}-01T01:00:00Z",
        "tag:team": "red",
    } | values


def acme_rows(month: str = "2026-09", amounts: Sequence[str] = ("1.50", "2.25")) -> list[Row]:
    """One line for each amount, an hour each."""
    return [
        acme_row(
            month,
            amount=amount,
            start=f"{month}-01T{n % 24:02d}:00:00Z",
            end=f"{month}-01T{n % 24:02d}:59:59Z",
        )
        for n, amount in enumerate(amounts)
    ]


def csv_bytes(rows: Sequence[Row], *, columns: Sequence[str] = ()) -> bytes:
    """Rows as csv with a header; without rows, the header alone."""
    names = list(columns) or list(dict.fromkeys(n for row in rows or [acme_row()] for n in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def encode(rows: Sequence[Row], kind: str, *, columns: Sequence[str] = ()) -> bytes:
    """Rows as the bytes of one delivered file of a kind."""
    if kind == "parquet":
        return _parquet_bytes(rows, columns)
    plain = csv_bytes(rows, columns=columns)
    if kind == "csv.gz":
        return gzip.compress(plain, mtime=0)
    if kind == "csv.zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bill.csv", plain)
        return packed.getvalue()
    assert kind == "csv", kind
    return plain


def acme_delivery(
    folder: Path,
    month: str = "2026-09",
    *,
    rows: Sequence[Row] | None = None,
    delivery_id: str = "d1",
    kind: str = "csv",
    files: int = 1,
    version: str = "",
    contents: Sequence[bytes] | None = None,
) -> Written:
    """Write one month's delivery below `folder`, data files first, the manifest last.

    rows are dealt out over `files` files; `contents` replaces them by the bytes of each file.
    version: the manifest lies in that folder below the month, otherwise in the month (pointer).
    """
    dealt = acme_rows(month) if rows is None else list(rows)
    columns = list(dict.fromkeys(name for row in dealt for name in row))
    bodies = contents or [encode(dealt[n::files], kind, columns=columns) for n in range(files)]
    month_folder = folder / month
    month_folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, body in enumerate(bodies, 1):
        stem = re.sub(r"[^\w.-]", "_", version or delivery_id)[:100]
        path = month_folder / f"{stem}-{number}.{kind}"
        path.write_bytes(body)
        written.append(path)
    listed = [path.relative_to(folder).as_posix() for path in written]
    manifest = month_folder / version / "manifest.json"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text(json.dumps({"id": delivery_id, "files": listed}), encoding="utf-8")
    return Written(manifest, tuple(written))


def _parquet_bytes(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Typed as a vendor would: costs double, times timestamps, the rest text."""
    names = list(columns) or list(acme_row())
    table = pa.table(
        {
            name: pa.array([_typed(name, row.get(name)) for row in rows], type=_type_of(name))
            for name in names
        }
    )
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def _type_of(name: str) -> pa.DataType:
    if name in ("amount", "quantity"):
        return pa.float64()
    return pa.timestamp("us") if name in ("start", "end") else pa.string()


def _typed(name: str, value: str | None) -> object:
    if not value:
        return None
    if name in ("amount", "quantity"):
        return float(value)
    if name in ("start", "end"):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return value
