"""Bills in Azure Blob Storage or Data Lake Storage Gen2, which answers the same protocol.

Keys come from the environment (AZURE_STORAGE_…) or from Azure's own credential chain, never ours.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceModifiedError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, StorageStreamDownloader

from finops_stack.config import AzureSecrets, AzureSettings
from finops_stack.deliveries.storage.base import ObjectInfo, changed, gone
from finops_stack.deliveries.storage.retry import DamagedError, keep_trying
from finops_stack.errors import FinopsError, InputError
from finops_stack.locations import BlobPlace, parse_blob

T = TypeVar("T")

# One request's share of a blob, held in memory; eight downloads run at once.
_CHUNK = 8 * 1024 * 1024
_PASSING = (408, 429, 500, 502, 503, 504)
_REFUSED = (401, 403)
# What Azure calls a wrong, expired or malformed key, whatever status it comes with.
_REFUSED_CODES = {"AuthenticationFailed", "InvalidAuthenticationInfo", "AuthorizationFailure"}
_ROLE = "Storage Blob Data Reader"
# Entra's own word for a refusal, without the trace ids behind it.
_ENTRA = re.compile(r"AADSTS\d+: [^.\r\n]*")
_QUERY = re.compile(r"\?[^\s)'\"]+")
_OPTIONS: dict[str, Any] = {
    "retry_total": 0,  # keep_trying retries, with a budget of its own
    "connection_timeout": 10,
    "read_timeout": 60,
    "max_single_get_size": _CHUNK,
    "max_chunk_get_size": _CHUNK,
}


class AzureBlobs:
    """All blobs of a container whose name starts with a prefix."""

    def __init__(self, location: str, settings: AzureSettings) -> None:
        place = parse_blob(location)
        self.bucket: str | None = place.container
        self.prefix = place.prefix
        access = _access(place, settings, AzureSecrets())
        self.credentials = access.name  # which of them, never the key itself
        self.root = f"{access.url}/{place.container}/"
        self.client = access.client.get_container_client(place.container)

    def list(self) -> list[ObjectInfo]:
        """Every blob under the prefix, page by page; a Data Lake's folders are none."""

        def pages() -> list[ObjectInfo]:
            found = self.client.list_blobs(name_starts_with=self.prefix, include=["metadata"])
            return [
                ObjectInfo(
                    str(item.name).removeprefix(self.prefix),
                    int(item.size),
                    str(item.etag).strip('"'),
                    item.last_modified,
                )
                for item in found
                if not str(item.name).endswith("/") and not _is_folder(item.metadata)
            ]

        return self._try("list", self.prefix, pages)

    def read(self, key: str) -> bytes:
        """One blob's bytes."""

        def get() -> bytes:
            stream = self.client.download_blob(self.prefix + key)
            content = b"".join(stream.chunks())
            _require_whole(stream, hashlib.md5(content, usedforsecurity=False), len(content))
            return content

        return self._try("read", self.prefix + key, get)

    def download(self, item: ObjectInfo, target: Path) -> str:
        """Exactly the listed version (If-Match); short or damaged bodies are tried again."""

        def get() -> str:
            stream = self.client.download_blob(
                self.prefix + item.key,
                etag=f'"{item.version}"',
                match_condition=MatchConditions.IfNotModified,
            )
            digest, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
            with target.open("wb") as sink:
                for chunk in stream.chunks():
                    digest.update(chunk)
                    md5.update(chunk)
                    size += len(chunk)
                    sink.write(chunk)
            if size != item.size_bytes:
                raise ServiceResponseError(f"{size} bytes of {item.size_bytes} arrived")
            _require_whole(stream, md5, size)
            return digest.hexdigest()

        return self._try("read", self.prefix + item.key, get)

    def _try(self, action: str, key: str, call: Callable[[], T]) -> T:
        """Run a call; pass over what passes by itself, explain the rest."""
        place = self.root + key
        try:
            return keep_trying(call, passes=_passes, unreached=_unreached)
        except _NoTokenError as error:
            raise _no_token(error, action, place) from error
        except HttpResponseError as error:
            raise self._explain(error, action, key) from error
        except DamagedError as error:
            raise InputError(
                f"{place}: {error}", hint="have it delivered again, then run again"
            ) from error
        except AzureError as error:
            raise FinopsError(
                f"{action} {place} failed: {_without_query(error)}",
                hint="check the network, then run again",
            ) from error

    def _is_there(self, key: str) -> bool:
        """Asked when a blob is not the listed one: servers say so of one that is gone, too."""
        try:
            return bool(self.client.get_blob_client(key).exists())
        except AzureError:
            return True

    def _explain(self, error: HttpResponseError, action: str, key: str) -> FinopsError:
        """One message for one fault: what was asked for, what the server said, what to do."""
        code, status, place = _code(error), error.status_code, self.root + key
        if isinstance(error, ResourceModifiedError) or status == 412:
            return changed(place) if self._is_there(key) else gone(place)
        if code == "ContainerNotFound":
            return InputError(
                f"there is no container {self.bucket} at {self.root}",
                hint="check the source's location and account",
            )
        if status == 404:
            return gone(place)
        if code == "BlobArchived":
            return InputError(f"{place} is archived", hint="rehydrate it, then run again")
        # A key that is no base64 is found wrong before anything is sent: no status.
        refused = isinstance(error, ClientAuthenticationError) or status in _REFUSED
        if refused or code in _REFUSED_CODES:
            return InputError(
                f"{action} {place} was refused with {self.credentials} ({code})",
                hint=f'give the credentials the role "{_ROLE}" on it, or renew them',
            )
        return FinopsError(f"{action} {place} failed ({code})", hint="run again later")


@dataclass(frozen=True)
class _Access:
    """A client of the account; `url` holds no signature, `name` is what messages call its key."""

    client: BlobServiceClient
    url: str
    name: str


def _access(place: BlobPlace, settings: AzureSettings, secrets: AzureSecrets) -> _Access:
    """By the environment's connection string, key or signature, else by Azure's own chain.

    What the environment holds for another account is passed over.
    """
    # It logs refused credentials, and URLs with their signature; we say it once, in our words.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    connected = _connect(secrets)
    account = place.account or settings.account or (connected and connected.account_name)
    if not account:
        raise InputError(
            "the source names no storage account",
            hint="set account under [sources.azure], or give --account to finops add",
        )
    if connected and connected.account_name == account:
        url = str(connected.url).partition("?")[0].rstrip("/")
        return _Access(connected, url, "AZURE_STORAGE_CONNECTION_STRING")
    url = (settings.endpoint_url or f"https://{account}.blob.{place.suffix}").rstrip("/")
    credential, name = _credential(account, url, settings, secrets)
    return _Access(BlobServiceClient(url, credential=credential, **_OPTIONS), url, name)


def _connect(secrets: AzureSecrets) -> BlobServiceClient | None:
    if secrets.connection_string is None:
        return None
    text = secrets.connection_string.get_secret_value()
    try:
        return BlobServiceClient.from_connection_string(text, **_OPTIONS)
    except ValueError:
        # Not chained: its text could repeat the key.
        raise InputError(
            "AZURE_STORAGE_CONNECTION_STRING is no connection string",
            hint="copy it again from the storage account's access keys",
        ) from None


def _credential(
    account: str, url: str, settings: AzureSettings, secrets: AzureSecrets
) -> tuple[Any, str]:
    ours = secrets.account in (None, account)
    if secrets.key and ours:
        key = {"account_name": account, "account_key": secrets.key.get_secret_value()}
        return key, "AZURE_STORAGE_KEY"
    if secrets.sas_token and ours:
        return secrets.sas_token.get_secret_value().lstrip("?"), "AZURE_STORAGE_SAS_TOKEN"
    if not url.startswith("https://"):
        raise InputError(
            f"no key for {url} was found, and tokens are not sent over http://",
            hint="set AZURE_STORAGE_KEY, or give an https:// endpoint_url",
        )
    return _Chain(settings.tenant), "the credentials Azure's chain found"


class _NoTokenError(Exception):
    """Azure's chain gave no token; `refusal` is Entra's word, empty where nothing was found."""

    def __init__(self, refusal: str) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class _Chain:
    """DefaultAzureCredential, for one directory; its failures are told apart from the storage's."""

    def __init__(self, tenant: str | None) -> None:
        self.tenant = tenant
        # The storage names the account's own directory, which need not be the credential's.
        self.chain = DefaultAzureCredential(additionally_allowed_tenants=["*"])

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for the storage."""
        if self.tenant:
            options["tenant_id"] = self.tenant
        try:
            return self.chain.get_token(*scopes, **options)
        except ClientAuthenticationError as error:
            found = _ENTRA.search(str(error))
            raise _NoTokenError(found[0] if found else "") from error


def _no_token(error: _NoTokenError, action: str, place: str) -> InputError:
    if error.refusal:
        return InputError(
            f"{action} {place}: the credentials were refused ({error.refusal})",
            hint="renew them, or set tenant under [sources.azure] to the account's directory",
        )
    return InputError(
        f"no Azure credentials were found to {action} {place}",
        hint='run "az login", set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or'
        " AZURE_STORAGE_KEY",
    )


def _is_folder(metadata: dict[str, str] | None) -> bool:
    """How a Data Lake marks the folders it lists among its blobs."""
    return any(k.lower() == "hdi_isfolder" and v == "true" for k, v in (metadata or {}).items())


def _require_whole(stream: StorageStreamDownloader[bytes], md5: Any, size: int) -> None:
    """What the blob's properties say of length and MD5; not every writer leaves an MD5."""
    if size != stream.size:
        raise ServiceResponseError(f"{size} bytes of {stream.size} arrived")
    expected = stream.properties.content_settings.content_md5
    if expected and bytes(expected) != md5.digest():
        raise DamagedError("its bytes do not agree with its Content-MD5")


def _passes(error: BaseException) -> bool:
    """Whether a fault is of the kind that goes away by itself."""
    if isinstance(error, DecodeError):
        return True
    if isinstance(error, HttpResponseError):
        return error.status_code in _PASSING
    return isinstance(error, ServiceRequestError | ServiceResponseError)


def _unreached(error: BaseException) -> bool:
    return isinstance(error, ServiceRequestError)


def _code(error: HttpResponseError) -> str:
    """The server's word for it; its status where it has none (an answer of a proxy in between)."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.status_code or "malformed key")


def _without_query(error: AzureError) -> str:
    """The error's first line; a signature may stand in a URL's query."""
    return _QUERY.sub("?…", str(error).splitlines()[0] if str(error) else type(error).__name__)
