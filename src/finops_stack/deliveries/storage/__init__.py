"""Where bills lie: one class per kind of place, one set of verbs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from finops_stack.config import Source
from finops_stack.deliveries.storage.base import ObjectInfo, Storage
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError

__all__ = ["SECTIONS", "ObjectInfo", "Storage", "open_storage", "scheme_of"]

# Scheme of a location → the section of a source with its settings.
SECTIONS = {
    "s3": "s3",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "https": "azure",
    "gs": "gcs",
    "bigquery": "bigquery",
}


def scheme_of(location: str) -> str | None:
    """What is before ://; None for a folder."""
    scheme, separator, _ = location.partition("://")
    return scheme if separator else None


def open_storage(source: Source) -> Storage:
    """The storage of a source's location, by its scheme; what reads it is imported only here."""
    scheme = scheme_of(source.location)
    if scheme is None:
        return LocalFolder(source.location)
    opener = _OPENERS.get(SECTIONS.get(scheme, ""))
    if opener is None:
        raise InputError(
            f'source "{source.name}": no storage is known for {scheme}://',
            hint="give a local folder, or a URL that begins with s3://, az://, abfss://, gs://"
            " or bigquery://",
        )
    return opener(source)


def _s3(source: Source) -> Storage:
    from finops_stack.deliveries.storage.s3 import S3Prefix

    return S3Prefix(source.location, source.s3)


def _azure(source: Source) -> Storage:
    with _needs("azure", source):
        from finops_stack.deliveries.storage.azure_blob import AzureBlobs
    return AzureBlobs(source.location, source.azure)


def _gcs(source: Source) -> Storage:
    with _needs("gcp", source):
        from finops_stack.deliveries.storage.gcs import GcsPrefix
    return GcsPrefix(source.location, source.gcs)


def _bigquery(source: Source) -> Storage:
    with _needs("gcp", source):
        from finops_stack.deliveries.storage.bigquery import BigQueryTable
    return BigQueryTable(source.location, source.bigquery)


_OPENERS: dict[str, Callable[[Source], Storage]] = {
    "s3": _s3,
    "azure": _azure,
    "gcs": _gcs,
    "bigquery": _bigquery,
}


@contextmanager
def _needs(extra: str, source: Source) -> Iterator[None]:
    """Around an import of what is installed on request only."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f'source "{source.name}": reading {source.location} needs the package {error.name}',
            hint=f'pip install "open-finops-stack[{extra}]"',
        ) from error
