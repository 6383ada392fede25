"""Is the file whole? Nothing is read into the lake before it has passed here."""

import errno
import gzip
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from isal import igzip, isal_zlib

from finops_stack.errors import InputError

_CHUNK = 4 * 1024 * 1024
# isal carries no types; it reads gzip three times as fast as zlib and checks as much.
_open: Any = igzip.open
_NOT_WHOLE: Any = (EOFError, zlib.error, gzip.BadGzipFile, isal_zlib.error)
# What zipfile and its decompressors raise on bytes that are no archive; bz2 and a seek to a
# place before the file raise OSError.
_NOT_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_AGAIN = "have it delivered again, then run again"


def gunzip(path: Path, target: Path, name: str) -> None:
    """Decompress to the trailer: DuckDB reads a cut csv.gz as a shorter file, without an error.

    Several gzip members after each other are legal; anything else after the last is not.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty (0 bytes)", hint=_AGAIN)
    try:
        with _open(path, "rb") as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
    except _NOT_WHOLE as error:
        raise InputError(f"{name} is not a whole gzip file: {error}", hint=_AGAIN) from error


def unzip(path: Path, target: Path, name: str) -> None:
    """The one file of a zip archive; its CRC is checked. The name inside is never used."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) != 1:
                raise InputError(f"{name} holds {len(members)} files, not one", hint=_AGAIN)
            with archive.open(members[0]) as source, target.open("wb") as sink:
                while chunk := source.read(_CHUNK):
                    sink.write(chunk)
    except _NOT_ZIP as error:
        raise InputError(f"{name} is not a whole zip file: {error}", hint=_AGAIN) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a full disk is no fault of the file
            raise
        raise InputError(f"{name} is not a whole zip file: {error}", hint=_AGAIN) from error


def unzstd(path: Path, target: Path, name: str) -> None:
    """Every zstd frame to its end; its checksum, where it has one, is checked."""
    import pyarrow as pa

    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty (0 bytes)", hint=_AGAIN)
    try:
        with pa.input_stream(str(path), compression="zstd") as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
    except (pa.ArrowException, OSError) as error:
        # Arrow raises OSError for bytes that are no zstd; one of the disk has a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(f"{name} is not a whole zstd file: {error}", hint=_AGAIN) from error


def require_parquet_frame(path: Path, name: str) -> None:
    """Both magic words are there; a cut file has no footer."""
    size = path.stat().st_size
    if size < 12:
        raise InputError(f"{name} is no Parquet file ({size} bytes)", hint=_AGAIN)
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(-4, 2)
        tail = file.read(4)
    if head != b"PAR1":
        raise InputError(f"{name} does not begin as a Parquet file", hint=_AGAIN)
    if tail != b"PAR1":
        raise InputError(f"{name} has no Parquet footer: it is cut short", hint=_AGAIN)
