"""Where bills lie: one class per kind of place, one set of verbs."""

from finops_stack.config import Source
from finops_stack.deliveries.storage.base import ObjectInfo, Storage
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError

__all__ = ["ObjectInfo", "Storage", "open_storage"]


def open_storage(source: Source) -> Storage:
    """The storage of a source's location, by its scheme."""
    scheme, separator, _ = source.location.partition("://")
    if not separator:
        return LocalFolder(source.location)
    if scheme == "s3":
        from finops_stack.deliveries.storage.s3 import S3Prefix

        return S3Prefix(source.location, source.s3)
    raise InputError(
        f'source "{source.name}": no storage is known for {scheme}://',
        hint="give a local folder or an s3:// URL",
    )
