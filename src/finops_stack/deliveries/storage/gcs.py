"""Bills in Google Cloud Storage."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import requests
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption

from finops_stack.config import GcsSettings
from finops_stack.deliveries.storage.base import ObjectInfo, changed, gone
from finops_stack.deliveries.storage.google_access import ask, find_credentials
from finops_stack.deliveries.storage.retry import DamagedError
from finops_stack.errors import FinopsError, InputError
from finops_stack.locations import folder

T = TypeVar("T")

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_ROLE = "Storage Object Viewer"
# ask() retries, with a budget of its own; connect and read, in seconds.
_ONCE: dict[str, Any] = {"retry": None, "timeout": (10, 60)}
_DAMAGED = "its bytes do not agree with its checksum"
_FIELDS = "items(name,size,generation,updated),nextPageToken"


class GcsPrefix:
    """All objects whose name starts with a prefix."""

    def __init__(self, location: str, settings: GcsSettings) -> None:
        bucket, _, prefix = location.removeprefix("gs://").partition("/")
        if not bucket:
            raise InputError(f"{location} names no bucket", hint="write gs://bucket/prefix")
        self.bucket: str | None = bucket
        self.prefix = folder(prefix)
        endpoint = {"api_endpoint": settings.endpoint_url} if settings.endpoint_url else None
        self.client = Client(
            project=settings.project,
            credentials=find_credentials(settings.endpoint_url, _SCOPE, location),
            client_options=endpoint,
        )
        # For its traces it asks for the bucket in a thread, which needs another permission.
        self.client._bucket_metadata_cache = None
        self.handle = self.client.bucket(bucket, user_project=settings.project)

    def list(self) -> list[ObjectInfo]:
        """Every object under the prefix, page by page."""

        def pages() -> list[ObjectInfo]:
            found = self.client.list_blobs(self.handle, prefix=self.prefix, fields=_FIELDS, **_ONCE)
            return [
                ObjectInfo(
                    blob.name.removeprefix(self.prefix),
                    int(blob.size or 0),
                    str(blob.generation),
                    blob.updated,
                )
                for blob in found
                if not blob.name.endswith("/")
            ]

        def no_bucket(_: Exception) -> FinopsError:
            return InputError(
                f"there is no bucket {self.bucket}", hint="check the source's location"
            )

        return self._ask("storage.objects.list", self.prefix, pages, no_bucket)

    def read(self, key: str) -> bytes:
        """One object's bytes, as they are stored; its checksum is compared."""
        name = self.prefix + key

        def get() -> bytes:
            try:
                content = self.handle.blob(name).download_as_bytes(raw_download=True, **_ONCE)
            except DataCorruption as error:
                raise DamagedError(_DAMAGED) from error
            return bytes(content)

        return self._ask("storage.objects.get", name, get, lambda _: gone(self._place(name)))

    def download(self, item: ObjectInfo, target: Path) -> str:
        """Exactly the listed generation; a short or damaged body is tried again."""
        name = self.prefix + item.key

        def get() -> str:
            blob = self.handle.blob(name, generation=int(item.version))
            damage = None
            with target.open("wb") as sink:
                hashing = _Hashing(sink)
                try:
                    # Raw: what is stored gzipped stays so, as its size and checksum say.
                    blob.download_to_file(hashing, raw_download=True, **_ONCE)
                except DataCorruption as error:
                    damage = error
            if hashing.size != item.size_bytes:
                raise requests.ConnectionError(f"{hashing.size} bytes of {item.size_bytes} arrived")
            if damage is not None:
                raise DamagedError(_DAMAGED) from damage
            return hashing.sha256.hexdigest()

        return self._ask("storage.objects.get", name, get, lambda _: self._lost(name))

    def _lost(self, name: str) -> FinopsError:
        """Why a listed generation is not there: another has taken its place, or none."""
        place = self._place(name)

        def look() -> bool:
            return bool(self.handle.blob(name).exists(**_ONCE))

        is_there = self._ask("storage.objects.get", name, look, lambda _: gone(place))
        return changed(place) if is_there else gone(place)

    def _ask(
        self,
        action: str,
        name: str,
        call: Callable[[], T],
        not_found: Callable[[Exception], FinopsError],
    ) -> T:
        place = self._place(name)
        return ask(call, action=action, place=place, role=_ROLE, not_found=not_found)

    def _place(self, name: str) -> str:
        return f"gs://{self.bucket}/{name}"


class _Hashing:
    """A file that is hashed while it is written."""

    def __init__(self, sink: BinaryIO) -> None:
        self.sink = sink
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> int:
        """As a file's."""
        self.sha256.update(chunk)
        self.size += len(chunk)
        return self.sink.write(chunk)
