"""Where bills lie, as a URL: its parts, and one spelling for one place.

https://account.blob.core.windows.net/c/p, abfss://c@account.dfs.core.windows.net/p and az://c/p
are the same folder; two sources that read it would count its cost twice.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from finops_stack.errors import InputError

# Public cloud and the sovereign ones: <account>.<service>.core.<suffix>
_HOST = re.compile(r"^(?P<account>[a-z0-9]{3,24})\.(?:blob|dfs)\.(?P<suffix>core\.[a-z0-9.-]+)$")
_CONTAINER = re.compile(r"^[a-z0-9$](?:[a-z0-9-]{1,61}[a-z0-9])$")
# A project may carry its organisation's domain, "example.org:bills".
_PROJECT = re.compile(r"^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")
_DATASET = re.compile(r"^\w{1,1024}$", re.ASCII)
# BigQuery allows letters of any script, marks, digits, dashes and spaces; a billing export has none
# but these.
_TABLE = re.compile(r"^[\w-]{1,1024}$", re.ASCII)
PUBLIC_SUFFIX = "core.windows.net"
BLOB_SCHEMES = ("az", "abfs", "abfss", "https")


@dataclass(frozen=True)
class BlobPlace:
    """A prefix in a container; the account is None where the URL leaves it to the settings."""

    account: str | None
    container: str
    prefix: str
    suffix: str = PUBLIC_SUFFIX


@dataclass(frozen=True)
class TablePlace:
    """A BigQuery table, each part checked."""

    project: str
    dataset: str
    table: str

    @property
    def quoted(self) -> str:
        """As an identifier in SQL; the parts hold no backtick."""
        return f"`{self.project}.{self.dataset}.{self.table}`"


def folder(prefix: str) -> str:
    """A prefix that ends where a name ends: "exports" is no part of "exports-of-others"."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def parse_blob(location: str) -> BlobPlace:
    """az://container/prefix, abfss://container@account.dfs…/prefix or the blob's https:// URL."""
    scheme, _, rest = location.partition("://")
    head, _, path = rest.partition("/")
    if scheme == "az":
        return _blob_place(location, None, head, path)
    container, at, host = head.rpartition("@")
    if scheme == "https" and not at:
        container, _, path = unquote(path).partition("/")
    found = _HOST.match(host)
    if not found or (scheme == "https" and at):
        raise InputError(
            f"{location} is no place in Azure storage",
            hint="write az://container/prefix, abfss://container@account.dfs.core.windows.net/"
            "prefix or https://account.blob.core.windows.net/container/prefix",
        )
    return _blob_place(location, found["account"], container, path, found["suffix"])


def _blob_place(
    location: str, account: str | None, container: str, path: str, suffix: str = PUBLIC_SUFFIX
) -> BlobPlace:
    if not _CONTAINER.match(container):
        raise InputError(
            f"{location} names no container",
            hint="a container's name has 3 to 63 of a-z, 0-9 and -: az://container/prefix",
        )
    return BlobPlace(account, container, folder(path), suffix)


def parse_table(location: str) -> TablePlace:
    """bigquery://project/dataset/table."""
    parts = location.removeprefix("bigquery://").rstrip("/").split("/")
    patterns = (_PROJECT, _DATASET, _TABLE)
    if len(parts) != 3 or not all(p.match(part) for p, part in zip(patterns, parts, strict=True)):
        raise InputError(
            f"{location} names no table",
            hint="write bigquery://project/dataset/table, each of letters, digits, - and _",
        )
    return TablePlace(*parts)


def one_spelling(location: str, account: str | None) -> str:
    """The same text for the same place, ending in a slash."""
    if location.partition("://")[0] in BLOB_SCHEMES:
        place = parse_blob(location)
        owner = place.account or account or ""
        return f"az://{owner}.{place.suffix}/{place.container}/{place.prefix}"
    return location.rstrip("/") + "/"
