"""Bills in a BigQuery table, which looks like a folder with one Parquet file for each month.

A month's version is its number of rows and its newest export time: the table only grows, and rows
of an old month keep arriving.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Semaphore
from typing import Any, TypeVar

import pyarrow as pa
from google.cloud import bigquery, bigquery_storage
from pyarrow import compute, parquet

from finops_stack.config import BigQuerySettings
from finops_stack.deliveries.storage.base import ObjectInfo, changed, gone
from finops_stack.deliveries.storage.google_access import ask, find_credentials
from finops_stack.errors import FinopsError, InputError
from finops_stack.locations import TablePlace, parse_table

T = TypeVar("T")

_SCOPE = "https://www.googleapis.com/auth/bigquery"
# Months are loaded side by side, each with a row group in memory.
_MONTHS_AT_ONCE = 2
_ROW_GROUP_BYTES = 32 * 1024 * 1024
_ROW_GROUP_ROWS = 122_880
_PAGE_ROWS = 10_000
_CHUNK = 4 * 1024 * 1024
# A view tells no size.
_BYTES_A_ROW = 1_000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = re.compile(r"^\d{4}-?\d{2}$")
# ask() retries, with a budget of its own.
_ONCE: dict[str, Any] = {"retry": None, "timeout": 60}
# The first is that of the export, the second that of its FOCUS shape.
_EXPORT_TIMES = ("export_time", "x_ExportTime")


@dataclass(frozen=True)
class _Shape:
    """How months are told in this table: expressions over its columns, and names of keys."""

    month: str
    key: str
    newest: str | None
    partition: str | None
    partition_type: str


@dataclass(frozen=True)
class _Month:
    """One month of the table, as it was listed."""

    month: str
    rows: int
    newest: datetime
    first: date | datetime | None
    last: date | datetime | None
    unpartitioned: int


class BigQueryTable:
    """One table or view; its months are listed by one query, and read by one each."""

    bucket: str | None = None
    prefix = ""

    def __init__(self, location: str, settings: BigQuerySettings) -> None:
        self.table = parse_table(location)
        self.settings = settings
        self.location = location
        credentials = find_credentials(settings.endpoint_url, _SCOPE, location)
        url = settings.endpoint_url
        self.client = bigquery.Client(
            project=settings.job_project or self.table.project,
            credentials=credentials,
            location=settings.location,
            client_options={"api_endpoint": url} if url else None,
        )
        # An emulator's other port is not known; there rows come as JSON pages.
        self.reader: Any = None if url else _reader(credentials)
        self.shape: _Shape | None = None
        self.months: dict[str, _Month] = {}
        self.turn = Semaphore(_MONTHS_AT_ONCE)
        self.lock = Lock()

    def list(self) -> list[ObjectInfo]:
        """One object a month; its size is the month's share of the table's."""
        table = self._ask("bigquery.tables.get", "BigQuery Data Viewer", self._get_table)
        shape = _shape(table, self.location)
        rows = self._rows(_listing_sql(self.table, shape))
        found = [_month(row, table.modified or _NEVER) for row in rows]
        loose = [each for each in found if not _MONTH.match(each.month)]
        if loose:
            count = sum(each.rows for each in loose)
            raise InputError(
                f'{self.location}: the month of {count} rows is none: "{loose[0].month}"',
                hint="point the source at a view that gives them a month, or leaves them out",
            )
        months = {f"{shape.key}={each.month}/rows.parquet": each for each in found}
        with self.lock:
            self.shape, self.months = shape, months
        return [_info(key, month, table) for key, month in sorted(months.items())]

    def read(self, key: str) -> bytes:
        """A month's file, whole."""
        item = next((item for item in self.list() if item.key == key), None)
        if item is None:
            raise gone(f"{self.location}/{key}")
        with TemporaryDirectory() as folder:
            self.download(item, Path(folder) / "rows.parquet")
            return (Path(folder) / "rows.parquet").read_bytes()

    def download(self, item: ObjectInfo, target: Path) -> str:
        """A month's rows as Parquet, nested columns and all; exactly the listed rows."""
        if item.key not in self.months:
            self.list()
        month, shape = self.months.get(item.key), self.shape
        if month is None or shape is None:
            raise gone(f"{self.location}/{item.key}")
        with self.turn:
            sql, parameters = _month_sql(self.table, shape, month)
            job = self._start(sql, parameters)

            def fetch() -> tuple[int, datetime | None]:
                return _write(self._batches(job), target, shape.newest)

            rows, newest = self._ask(
                "bigquery.readsessions.create", "BigQuery Read Session User", fetch
            )
        if _version(rows, newest or month.newest) != item.version:
            raise changed(f"{self.location}/{item.key}")
        return _sha256(target)

    def _get_table(self) -> bigquery.Table:
        place = self.table
        name = f"{place.project}.{place.dataset}.{place.table}"
        return self.client.get_table(name, **_ONCE)

    def _start(self, sql: str, parameters: Sequence[bigquery.ScalarQueryParameter] = ()) -> Any:
        """A query that has ended; values are bound, never part of its text."""
        config = bigquery.QueryJobConfig(
            query_parameters=[*parameters],
            maximum_bytes_billed=self.settings.maximum_bytes_billed,
        )

        job: Any = None

        def run() -> Any:
            nonlocal job
            # After a fault of the network the same job is asked for again: another would cost
            # twice. One that failed does not come to another end.
            if job is None or job.error_result:
                job = self.client.query(sql, job_config=config, job_retry=None, **_ONCE)
            job.result(max_results=1, retry=None, job_retry=None)
            return job

        return self._ask("bigquery.jobs.create", "BigQuery Job User", run)

    def _rows(self, sql: str) -> Sequence[dict[str, Any]]:
        job = self._start(sql)

        def rows() -> Sequence[dict[str, Any]]:
            return [dict(row) for row in job.result(retry=None, job_retry=None)]

        return self._ask("bigquery.tables.getData", "BigQuery Data Viewer", rows)

    def _batches(self, job: Any) -> Iterator[pa.RecordBatch]:
        """The job's rows; read again after a fault, not queried again: that would cost twice."""
        found = job.result(page_size=_PAGE_ROWS, retry=None, job_retry=None)
        yield from found.to_arrow_iterable(
            bqstorage_client=self.reader, max_queue_size=1, max_stream_count=1
        )

    def _ask(self, action: str, role: str, call: Callable[[], T]) -> T:
        def no_table(error: Exception) -> FinopsError:
            return InputError(
                f"there is no table {self.location}",
                hint="check the source's location, and location under [sources.bigquery]:"
                f" {str(error).splitlines()[0][:200]}",
            )

        return ask(call, action=action, place=self.location, role=role, not_found=no_table)


def _reader(credentials: Any) -> Any:
    return bigquery_storage.BigQueryReadClient(  # type: ignore[no-untyped-call]
        credentials=credentials
    )


def _shape(table: bigquery.Table, location: str) -> _Shape:
    """By its columns. Raises InputError where none tells the month, or what is new."""
    columns = {field.name: field for field in table.schema}
    invoice = columns.get("invoice")
    newest = next((name for name in _EXPORT_TIMES if name in columns), None)
    if invoice and any(field.name == "month" for field in invoice.fields):
        month, key = "t.invoice.month", "invoice_month"
    elif start := columns.get("BillingPeriodStart"):
        month, key = _month_of(start), "billing_period"
    else:
        raise InputError(
            f"{location} has neither invoice.month nor BillingPeriodStart",
            hint="point at a billing export, or at a view with one of them",
        )
    if newest is None and table.table_type != "TABLE":
        raise InputError(
            f"{location} is a view without {' or '.join(_EXPORT_TIMES)}: what is new in it cannot"
            " be seen",
            hint="add that column to the view",
        )
    partition, kind = _partition(table, columns)
    return _Shape(month, key, newest, partition, kind)


def _month_of(start: bigquery.SchemaField) -> str:
    """YYYY-MM of a billing period's start, whatever type it has.

    A day later is the same month in UTC too, wherever the month's first midnight was.
    """
    if start.field_type == "STRING":
        return f"substr(t.{start.name}, 1, 7)"
    return f"format_timestamp('%Y-%m', timestamp_add(timestamp(t.{start.name}), interval 1 day))"


def _partition(
    table: bigquery.Table, columns: dict[str, bigquery.SchemaField]
) -> tuple[str | None, str]:
    """What prunes a month's query: the days its rows lie in."""
    if table.table_type != "TABLE" or table.time_partitioning is None:
        return None, ""
    field = columns.get(table.time_partitioning.field or "")
    name, kind = (field.name, field.field_type) if field else ("_PARTITIONTIME", "TIMESTAMP")
    return f"t.`{name}`", kind


def _listing_sql(table: TablePlace, shape: _Shape) -> str:
    newest = f"t.{shape.newest}" if shape.newest else "null"
    partition = shape.partition or "null"
    return (
        f"select {shape.month} as month, count(*) as row_count, max({newest}) as newest,"
        f" min({partition}) as first_day, max({partition}) as last_day,"
        f" countif({partition} is null) as unpartitioned"
        f" from {table.quoted} as t group by 1"
    )


def _month(row: dict[str, Any], modified: datetime) -> _Month:
    """Without an export time a month is as new as its table."""
    return _Month(
        str(row["month"] or ""),
        int(row["row_count"]),
        _utc(row["newest"] or modified),
        row["first_day"],
        row["last_day"],
        int(row["unpartitioned"]),
    )


def _month_sql(
    table: TablePlace, shape: _Shape, month: _Month
) -> tuple[str, list[bigquery.ScalarQueryParameter]]:
    """All columns of a month's rows, from the partitions they were listed in."""
    sql = f"select t.* from {table.quoted} as t where {shape.month} = @month"
    parameters = [bigquery.ScalarQueryParameter("month", "STRING", month.month)]
    if shape.partition and month.first is not None:
        within = f"{shape.partition} between @first_day and @last_day"
        # Rows still in the streaming buffer lie in no partition yet.
        sql += (
            f" and ({within} or {shape.partition} is null)"
            if month.unpartitioned
            else (f" and {within}")
        )
        for name, value in (("first_day", month.first), ("last_day", month.last)):
            parameters.append(bigquery.ScalarQueryParameter(name, shape.partition_type, value))
    return sql, parameters


def _info(key: str, month: _Month, table: bigquery.Table) -> ObjectInfo:
    """With an estimate of its size."""
    whole, rows = table.num_bytes, table.num_rows
    size = whole * month.rows // rows if whole and rows else _BYTES_A_ROW * month.rows
    return ObjectInfo(key, size, _version(month.rows, month.newest), month.newest)


def _version(rows: int, newest: datetime) -> str:
    return f"{rows}-{newest.isoformat()}"


def _utc(value: datetime | date) -> datetime:
    """TIMESTAMP, DATETIME and DATE as a time in UTC."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _write(
    batches: Iterator[pa.RecordBatch], target: Path, newest: str | None
) -> tuple[int, datetime | None]:
    """Parquet in row groups of bounded size; gives the number of rows and the newest time."""
    rows, latest, writer = 0, None, None
    waiting: list[pa.RecordBatch] = []
    try:
        for batch in _readable(batches):
            writer = writer or parquet.ParquetWriter(target, batch.schema, compression="zstd")
            rows += batch.num_rows
            if newest and batch.num_rows:
                times = [t for t in (latest, compute.max(batch.column(newest)).as_py()) if t]
                latest = max(times, default=None)
            waiting.append(batch)
            if _is_full(waiting):
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=_ROW_GROUP_ROWS)
                waiting = []
        if writer and waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=_ROW_GROUP_ROWS)
    finally:
        if writer:
            writer.close()
    return rows, None if latest is None else _utc(latest)


def _is_full(batches: list[pa.RecordBatch]) -> bool:
    rows, size = sum(b.num_rows for b in batches), sum(b.nbytes for b in batches)
    return bool(rows >= _ROW_GROUP_ROWS or size >= _ROW_GROUP_BYTES)


def _readable(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """BIGNUMERIC has 76 digits, more than any reader of ours takes: as text, all of them."""
    for batch in batches:
        fields = [
            pa.field(f.name, pa.string()) if pa.types.is_decimal256(f.type) else f
            for f in batch.schema
        ]
        yield batch.cast(pa.schema(fields))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
