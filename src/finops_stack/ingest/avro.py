"""Avro → Parquet with its own types, batch by batch.

DuckDB's extension gives decimals as bytes, and BigQuery exports NUMERIC as decimals.
"""

import json
import lzma
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from finops_stack.errors import InputError

_BATCH_ROWS = 5_000
_AGAIN = "have it delivered again, then run again"
_LOGICAL = {
    "date": "date32",
    "timestamp-millis": "timestamp_ms",
    "timestamp-micros": "timestamp_us",
    "local-timestamp-millis": "local_ms",
    "local-timestamp-micros": "local_us",
}
_PRIMITIVE = {
    "boolean": "bool_",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
    "bytes": "binary",
    "enum": "string",
}
# DuckDB's widest decimal.
_DIGITS = 38


def avro_to_parquet(path: Path, target: Path, name: str) -> None:
    """Every block to its sync marker. Raises InputError when the file is not whole."""
    import fastavro
    from pyarrow import parquet

    try:
        with path.open("rb") as file:
            rows = fastavro.reader(file)
            schema = _arrow_schema(rows.writer_schema, name)
            with parquet.ParquetWriter(str(target), schema) as sink:
                for batch in _batches(rows):
                    sink.write_table(_table(batch, schema))
    except _faults() as error:
        raise _not_whole(name, error) from error


def _faults() -> tuple[type[Exception], ...]:
    """What fastavro, its codecs and Arrow raise on bytes that are no Avro."""
    import pyarrow as pa
    from cramjam import DecompressionError
    from fastavro.schema import SchemaParseException, UnknownType

    return (
        pa.ArrowException,
        DecompressionError,
        SchemaParseException,
        UnknownType,
        EOFError,
        LookupError,
        TypeError,
        ValueError,
        AssertionError,
        OverflowError,
        struct.error,
        zlib.error,
        lzma.LZMAError,
    )


def _not_whole(name: str, error: BaseException) -> InputError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return InputError(f"{name} is not a whole Avro file: {reason[:200]}", hint=_AGAIN)


def _batches(rows: Any) -> Iterator[list[Any]]:
    found = iter(rows)
    while batch := list(islice(found, _BATCH_ROWS)):
        yield batch


def _table(batch: list[Any], schema: Any) -> Any:
    import pyarrow as pa

    texts = {field.name for field in schema if field.metadata and b"json" in field.metadata}
    for row in batch if texts else ():
        for column in texts:
            row[column] = None if row[column] is None else json.dumps(row[column], default=str)
    return pa.Table.from_pylist(batch, schema=schema)


def _arrow_schema(avro: Any, name: str) -> Any:
    import pyarrow as pa

    if not isinstance(avro, dict) or avro.get("type") != "record":
        raise InputError(f"{name}: its rows are no records", hint=_AGAIN)
    return pa.schema([_field(field) for field in avro["fields"]])


def _field(field: Any) -> Any:
    import pyarrow as pa

    kind = _arrow_type(field["type"])
    if kind is None:  # several kinds in one column: its values as JSON text
        return pa.field(field["name"], pa.string(), metadata={"json": "1"})
    return pa.field(field["name"], kind)


def _arrow_type(avro: Any) -> Any:
    """Arrow's type; None for a union of several."""
    import pyarrow as pa

    if isinstance(avro, list):
        kinds = [each for each in avro if each != "null"]
        return _arrow_type(kinds[0]) if len(kinds) == 1 else None
    if not isinstance(avro, dict):
        return getattr(pa, _PRIMITIVE.get(avro, "string"))()
    kind = avro["type"]
    if "logicalType" in avro:
        return _logical_type(avro)
    if kind == "record":
        return pa.struct([_inner(field) for field in avro["fields"]])
    if kind == "array":
        return pa.list_(_arrow_type(avro["items"]) or pa.string())
    if kind == "map":
        return pa.map_(pa.string(), _arrow_type(avro["values"]) or pa.string())
    if kind == "fixed":
        return pa.binary(avro["size"])
    return _arrow_type(kind)


def _inner(field: Any) -> Any:
    import pyarrow as pa

    return pa.field(field["name"], _arrow_type(field["type"]) or pa.string())


def _logical_type(avro: Any) -> Any:
    import pyarrow as pa

    word = avro["logicalType"]
    if word == "decimal":
        digits, places = min(avro["precision"], _DIGITS), avro.get("scale", 0)
        return pa.decimal128(digits, min(places, digits))
    named = _LOGICAL.get(word, "")
    if named == "date32":
        return pa.date32()
    if named.startswith("timestamp"):
        return pa.timestamp(named[-2:], tz="UTC")
    if named.startswith("local"):
        return pa.timestamp(named[-2:])
    return _arrow_type(avro["type"])
