"""Delivered files onto this machine: downloaded side by side, verified, as Parquet."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from finops_stack.deliveries.storage import ObjectInfo, Storage
from finops_stack.ingest.landed import RawColumn
from finops_stack.ingest.readers import to_parquet
from finops_stack.vendors.layouts import Layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Downloads wait on the network, not on a core.
_DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class Prepared:
    """A verified file of a delivery; `sha256` is that of the delivered bytes."""

    item: ObjectInfo
    sha256: str
    parquet: Path
    columns: tuple[RawColumn, ...]
    rows: int


class KeptFiles:
    """Files that several bills of a run need, or that were read while it was planned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[tuple[str, str, str], Prepared] = {}
        self._shared: set[tuple[str, str]] = set()

    def add(self, layout: Layout, file: Prepared) -> None:
        """Keep a file as a layout reads it."""
        self._files[_key(layout, file.item)] = file

    def get(self, layout: Layout, item: ObjectInfo) -> Prepared | None:
        """The file, in exactly this version, or None."""
        return self._files.get(_key(layout, item))

    def plan(self, bills: Sequence[Sequence[ObjectInfo]]) -> None:
        """Which files the bills of this run need; others are deleted."""
        counts = Counter((item.key, item.version) for items in bills for item in items)
        self._shared = {key for key, count in counts.items() if count > 1}
        for key, file in list(self._files.items()):
            if key[1:] not in counts:
                file.parquet.unlink(missing_ok=True)
                del self._files[key]

    def is_shared(self, item: ObjectInfo) -> bool:
        """Whether more than one bill needs it."""
        return (item.key, item.version) in self._shared


def prepare(
    items: Sequence[ObjectInfo],
    layout: Layout,
    *,
    storage: Storage,
    folder: Path,
    connection: "DuckDBPyConnection",
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Prepared]:
    """Fetch and verify files into the folder, one after the other as they are asked for.

    progress: called with the bytes of each finished file.
    Raises: InputError when one is not whole.
    """
    for start in range(0, len(items), _DOWNLOADS_AT_ONCE):
        batch = items[start : start + _DOWNLOADS_AT_ONCE]
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            places = [folder / f"{short_name(item.key)}.delivered" for item in batch]
            digests = list(pool.map(storage.download, batch, places))
        for item, place, digest in zip(batch, places, digests, strict=True):
            target = place.with_suffix(".parquet")
            columns, rows = to_parquet(connection, place, target, name=item.key, read=layout.read)
            progress(item.size_bytes)
            yield Prepared(item, digest, target, columns, rows)


def short_name(text: str) -> str:
    """A file name of our own for a key or an id that may hold anything."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _key(layout: Layout, item: ObjectInfo) -> tuple[str, str, str]:
    return (layout.name, item.key, item.version)
