"""A delivered file of any kind → Parquet: verified whole, text as text, Parquet byte for byte."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.ingest.json_rows import json_to_parquet
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.text import describe_parquet, text_to_parquet
from finops_stack.ingest.verify import gunzip, require_parquet_frame, unzip, unzstd
from finops_stack.vendors.layouts import LayoutRead

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK = 4 * 1024 * 1024
_PACKED = {".gz": gunzip, ".zip": unzip, ".zst": unzstd}
_PACKED_MAGIC = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".zip", b"\x28\xb5\x2f\xfd": ".zst"}
_KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".avro")
_KINDS_MAGIC = {b"PAR1": ".parquet", b"Obj\x01": ".avro"}
KNOWN = ", ".join(_KINDS) + "; text also packed as " + ", ".join(_PACKED)


@dataclass(frozen=True)
class _Source:
    """A file at work: `path` is its bytes, `name` its key, for messages."""

    path: Path
    name: str
    read: LayoutRead


def to_parquet(
    connection: "DuckDBPyConnection",
    original: Path,
    target: Path,
    *,
    name: str,
    read: LayoutRead,
) -> tuple[tuple[RawColumn, ...], int]:
    """Turn the downloaded file `original` into `target`; it is gone afterwards.

    name: its key; its end tells what it is, or else its first bytes do.
    Gives its columns and number of rows. Raises: InputError when it is not whole or readable.
    """
    plain, kind = _unpacked(original, name)
    source = _Source(plain, name, read)
    if kind == ".parquet":
        plain.rename(target)
        require_parquet_frame(target, name)
        return describe_parquet(connection, target, name)
    if kind == ".avro":
        from finops_stack.ingest.avro import avro_to_parquet

        avro_to_parquet(plain, target, name)
        plain.unlink()
        return describe_parquet(connection, target, name)
    columns = _text(connection, source, target, kind)
    plain.unlink()
    _, rows = describe_parquet(connection, target, name)
    return columns, rows


def _unpacked(original: Path, name: str) -> tuple[Path, str]:
    """The file without its packing, and what it is."""
    key = name.lower()
    packing = next((end for end in _PACKED if key.endswith(end)), "")
    kind = _kind_of(key.removesuffix(packing))
    if not packing and not kind:
        packing = _magic(original, _PACKED_MAGIC)
    plain = original
    if packing:
        plain = original.with_suffix(".plain")
        _PACKED[packing](original, plain, name)
        original.unlink()
    kind = kind or _magic(plain, _KINDS_MAGIC) or _kind_of_text(plain)
    if not kind:
        raise InputError(f"{name}: no reader for this kind of file", hint=f"known: {KNOWN}")
    return plain, kind


def _kind_of(key: str) -> str:
    return next((end for end in _KINDS if key.endswith(end)), "")


def _magic(path: Path, known: dict[bytes, str]) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for magic, kind in known.items() if start.startswith(magic)), "")


def _kind_of_text(path: Path) -> str:
    """JSON says so with its first character; nothing tells csv from any other text."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    return ".json" if start[:1] in (b"{", b"[") else ""


def _text(
    connection: "DuckDBPyConnection", source: _Source, target: Path, kind: str
) -> tuple[RawColumn, ...]:
    read = source.read
    if read.encoding != "utf-8":
        _to_utf8(source)
    if kind in (".csv", ".tsv"):
        if kind == ".tsv" and read.delimiter == ",":
            read = read.model_copy(update={"delimiter": "\t"})
        return text_to_parquet(connection, source.path, target, source.name, read)
    _without_bom(source.path)
    lines = kind != ".json" and not read.rows
    return json_to_parquet(
        connection, source.path, target, name=source.name, read=read, lines=lines
    )


def _to_utf8(source: _Source) -> None:
    """The file in UTF-8, in its place, piece by piece."""
    decoder = codecs.getincrementaldecoder(source.read.encoding)()
    temporary = source.path.with_suffix(".utf8")
    try:
        with source.path.open("rb") as file, temporary.open("wb") as sink:
            while chunk := file.read(_CHUNK):
                sink.write(decoder.decode(chunk).encode())
            sink.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            f"{source.name} is not {source.read.encoding}: {error.__class__.__name__}",
            hint="check encoding under [layouts.read]",
        ) from error
    temporary.replace(source.path)


def _without_bom(path: Path) -> None:
    """JSON knows no byte order mark, though some write one."""
    with path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            return
        temporary = path.with_suffix(".nobom")
        with temporary.open("wb") as sink:
            while chunk := file.read(_CHUNK):
                sink.write(chunk)
    temporary.replace(path)
