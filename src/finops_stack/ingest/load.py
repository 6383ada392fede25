"""dlt moves verified Parquet files into the raw zone, byte for byte.

A fresh working folder per run: after a crash dlt would otherwise load its old pending package and
drop the new data. What is loaded is known from our own register, so dlt keeps no state; of the
records it writes beside the files (a load, its schema) only the newest stay.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_stack.errors import FinopsError
from finops_stack.warehouse.unpublished_files import sync_files

_DLT_RECORDS = ("_dlt_loads", "_dlt_version")


@dataclass(frozen=True)
class RawFile:
    """One file to move. `table` is its name in the raw zone, without extension."""

    path: Path
    table: str
    rows: int


@dataclass(frozen=True)
class RawZone:
    """Where raw files go: a folder or an s3:// URL, and how S3 is reached."""

    url: str
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it is no folder of this machine."""
        return "://" in self.url

    def path_of(self, dataset: str, table: str) -> str:
        """Where a file of that table lies."""
        return f"{self.url}/{dataset}/{table}.parquet"


def load_raw(files: Sequence[RawFile], *, zone: RawZone, dataset: str, work: Path) -> None:
    """Import the files into `zone/dataset`, one table a file. Raises FinopsError when dlt fails.

    dlt links a file unchanged only when its declared columns are those of the file, in order.
    """
    dlt = _dlt()
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns
    from pyarrow import parquet

    shutil.rmtree(work, ignore_errors=True)

    def one(file: RawFile) -> Iterator[Any]:
        yield dlt.mark.with_file_import(str(file.path), "parquet", file.rows)

    resources = [
        dlt.resource(
            one(file),
            name=file.table,
            columns=py_arrow_to_table_schema_columns(parquet.read_schema(file.path)),
            write_disposition="append",
        )
        for file in files
    ]
    pipeline = dlt.pipeline(
        "finops_load",
        pipelines_dir=str(work),
        destination=_destination(zone),
        dataset_name=dataset,
    )
    try:
        pipeline.run(resources).raise_on_failed_jobs()
    except Exception as error:
        raise FinopsError(
            f"dlt could not load into {zone.url}: {_cause(error)}",
            hint="check free disk space and permissions, then run again",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _require_unchanged(files, zone=zone, dataset=dataset)
    if not zone.is_remote:
        # The register, which will name them, is synced at each commit.
        sync_files(Path(zone.path_of(dataset, file.table)) for file in files)
    _remove_older_records(zone, dataset)


def remove_raw(paths: Sequence[str], zone: RawZone) -> None:
    """Delete these files of the zone; one that is gone already is no error. Raises OSError."""
    if not zone.is_remote:
        for path in paths:
            Path(path).unlink(missing_ok=True)
    elif paths:
        bucket = _bucket(zone)
        for path in paths:
            with suppress(FileNotFoundError):
                bucket.rm_file(path)


def _remove_older_records(zone: RawZone, dataset: str) -> None:
    """dlt adds two small files a load and reads neither again; without this they grow for ever.

    Their names hold the time of the load, in seconds, after the pipeline's name.
    """
    for table in _DLT_RECORDS:
        with suppress(OSError):  # left for the next load
            remove_raw(sorted(_files(zone, f"{zone.url}/{dataset}/{table}"))[:-1], zone)


def _files(zone: RawZone, folder: str) -> list[str]:
    if not zone.is_remote:
        return [str(path) for path in Path(folder).glob("*.jsonl")]
    bucket = _bucket(zone)
    # It remembers listings, and dlt has just written.
    bucket.invalidate_cache()
    return [str(path) for path in bucket.ls(folder, detail=False)]


def _bucket(zone: RawZone) -> Any:
    from dlt.common.storages import fsspec_filesystem

    return fsspec_filesystem(zone.url, _aws_credentials(zone))[0]


def _dlt() -> Any:
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
    os.environ.setdefault("SCHEMA__NAMING", "direct")
    os.environ.setdefault("RESTORE_FROM_DESTINATION", "false")
    import dlt

    logging.getLogger("dlt").setLevel(logging.ERROR)
    return dlt


def _destination(zone: RawZone) -> Any:
    from dlt.destinations import filesystem

    options: dict[str, Any] = {}
    if zone.is_remote:
        options["credentials"] = _aws_credentials(zone)
    return filesystem(
        zone.url, layout="{table_name}.{ext}", warn_unsafe_layout_separators=False, **options
    )


def _aws_credentials(zone: RawZone) -> Any:
    """Where to look for keys, not the keys: s3fs asks the AWS chain itself."""
    from dlt.common.configuration.specs import AwsCredentials

    credentials = AwsCredentials()
    credentials.profile_name = zone.profile
    credentials.region_name = zone.region
    credentials.endpoint_url = zone.endpoint_url
    return credentials


def _require_unchanged(files: Sequence[RawFile], *, zone: RawZone, dataset: str) -> None:
    """dlt rewrites a file whose columns it normalises (a column of type null, for one): then the
    delivered bytes go in its place."""
    if zone.is_remote:
        return
    for file in files:
        there = Path(zone.path_of(dataset, file.table))
        if not file.path.samefile(there):
            temporary = there.with_suffix(".tmp")
            shutil.copyfile(file.path, temporary)
            temporary.replace(there)


def _cause(error: BaseException) -> str:
    """The innermost reason; dlt wraps it in several layers."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
