"""Bills in a local folder."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from finops_stack.deliveries.storage.base import ObjectInfo
from finops_stack.errors import InputError

_CHUNK = 4 * 1024 * 1024


class LocalFolder:
    """A folder; links that lead out of it are not followed."""

    bucket: str | None = None
    prefix = ""

    def __init__(self, location: str) -> None:
        self.root = Path(location)

    def list(self) -> list[ObjectInfo]:
        """Every file below the folder, by name."""
        if not self.root.is_dir():
            what = "is not a folder" if self.root.exists() else "is not there"
            raise InputError(f"{self.root} {what}", hint="check the source's location")
        root = self.root.resolve()
        found = []
        for folder, _, names in os.walk(root, onerror=_refuse):
            for name in names:
                path = Path(folder) / name
                if path.is_file() and path.resolve().is_relative_to(root):
                    found.append(_info(root, path))
        return sorted(found, key=lambda item: item.key)

    def read(self, key: str) -> bytes:
        """One file's bytes."""
        try:
            return (self.root / key).read_bytes()
        except OSError as error:
            raise InputError(
                f"{self.root / key} cannot be read: {error.strerror}",
                hint="check its permissions",
            ) from error

    def download(self, item: ObjectInfo, target: Path) -> str:
        """Copy while hashing; a copy, because a provider may overwrite the original in place."""
        path = self.root / item.key
        digest = hashlib.sha256()
        try:
            with path.open("rb") as source, target.open("wb") as sink:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    sink.write(chunk)
                after = os.fstat(source.fileno())
        except FileNotFoundError as error:
            raise InputError(f"{path} went away while it was read", hint="run again") from error
        except PermissionError as error:
            raise InputError(f"{path} cannot be read", hint="check its permissions") from error
        if (item.size_bytes, item.version) != (after.st_size, _version(after)):
            raise InputError(
                f"{path} changed while it was read", hint="run again when the delivery is complete"
            )
        return digest.hexdigest()


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed may hold a bill: passing over it would lose a month."""
    raise InputError(
        f"{error.filename} cannot be listed: {error.strerror}", hint="check its permissions"
    ) from error


def _info(root: Path, path: Path) -> ObjectInfo:
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    key = path.relative_to(root).as_posix()
    return ObjectInfo(key, stat.st_size, _version(stat), modified)


def _version(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"
