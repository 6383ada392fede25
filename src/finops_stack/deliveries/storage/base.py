"""What every storage can do."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from finops_stack.errors import InputError


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object. `key` is relative to the source's location; `version` changes when its
    bytes do (an ETag, or size and modification time of a local file)."""

    key: str
    size_bytes: int
    version: str
    modified: datetime


class ChangedWhileReadError(InputError):
    """The object under this key is no longer the listed one."""


def changed(place: str) -> ChangedWhileReadError:
    """What a storage raises when the listed version is no longer there."""
    return ChangedWhileReadError(
        f"{place} changed while it was read", hint="run again when the delivery is complete"
    )


def gone(place: str) -> InputError:
    """What a storage raises when a listed object is no longer there."""
    return InputError(f"{place} is not there", hint="run again when the delivery is complete")


class Storage(Protocol):
    """A place with objects. Every verb raises FinopsError in the user's words."""

    @property
    def bucket(self) -> str | None:
        """The bucket's name; None for a folder."""

    @property
    def prefix(self) -> str:
        """What a full key has before the relative one."""

    def list(self) -> list[ObjectInfo]:
        """Every object under the location."""

    def read(self, key: str) -> bytes:
        """A small object, whole (a manifest)."""

    def download(self, item: ObjectInfo, target: Path) -> str:
        """Copy an object to a local file, exactly the listed version; gives its sha256."""
