"""The DuckLake: a catalogue (SQLite or PostgreSQL) and Parquet files (a folder or S3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from finops_stack.errors import FinopsError, InputError
from finops_stack.warehouse.engine import Engine, first_line, load_extensions
from finops_stack.warehouse.s3_secret import S3Access, create_s3_secret
from finops_stack.warehouse.sql import quote_text

LAKE = "lake"
_BUSY_TIMEOUT_MS = 60_000
# DuckLake's words for a catalogue database without a lake in it.
_NOT_MADE = "creating a new DuckLake is explicitly disabled"
PUBLISHED_TABLE = "lake.ops.published"


class NoLakeError(InputError):
    """No run has made this lake yet; a plan takes that as an empty register."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"there is no lake yet in {folder}", hint='run "finops run" first')


@dataclass(frozen=True)
class Lake:
    """One lake, by folder. `catalog` is 'sqlite' or a 'postgres:…' DSN; `storage` an s3:// URL."""

    folder: Path
    engine: Engine
    catalog: str = "sqlite"
    storage: str | None = None
    s3: S3Access = field(default_factory=S3Access)

    @property
    def catalog_file(self) -> Path:
        """SQLite catalogue."""
        return self.folder / "catalog.sqlite"

    @property
    def data_path(self) -> str:
        """Where the lake's Parquet files go."""
        return f"{self.storage.rstrip('/')}/lake/" if self.storage else f"{self.folder / 'data'}/"

    @property
    def raw_path(self) -> str:
        """Where delivered files go, byte for byte."""
        return f"{self.storage.rstrip('/')}/raw" if self.storage else str(self.folder / "raw")

    @property
    def work(self) -> Path:
        """dbt's project, staging and temporary files: disposable."""
        return self.folder / "work"

    def exists(self) -> bool:
        """Whether a run has ever made this lake (a PostgreSQL catalogue is asked on attach)."""
        return self.catalog != "sqlite" or self.catalog_file.is_file()

    def attach_sql(self, *, read_only: bool = False, snapshot: int | None = None) -> str:
        """The ATTACH statement; holds no secret."""
        target = (
            f"ducklake:sqlite:{self.catalog_file}"
            if self.catalog == "sqlite"
            else f"ducklake:{self.catalog}"
        )
        options = [f"data_path {quote_text(self.data_path)}"]
        if self.catalog == "sqlite":
            # Both move with the settings (a mount at another place); names in there are relative.
            options.append("override_data_path true")
        if read_only:
            options.append("read_only")
        elif self.catalog == "sqlite":
            # Readers and the writer do not wait for each other: with SQLite's own journal a query
            # of more than 5 s makes the commit of a run fail, and a commit any query beside it.
            options += ["meta_journal_mode 'WAL'", f"meta_busy_timeout {_BUSY_TIMEOUT_MS}"]
        if snapshot is not None:
            options.append(f"snapshot_version {int(snapshot)}")
        return f"attach {quote_text(target)} as {LAKE} ({', '.join(options)})"

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load what this lake needs and, for S3, say where it is and how it is opened."""
        catalog = "sqlite_scanner" if self.catalog == "sqlite" else "postgres_scanner"
        load_extensions(connection, "ducklake", catalog)
        if self.storage:
            load_extensions(connection, "httpfs")
            create_s3_secret(connection, self.s3, self.storage)

    @contextmanager
    def open(
        self, *, read_only: bool = False, snapshot: int | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the lake attached as `lake` and used by default."""
        if read_only and not self.exists():
            raise NoLakeError(self.folder)
        connection = self.engine.connect()
        try:
            self.prepare(connection)
            self._attach(connection, read_only=read_only, snapshot=snapshot)
            yield connection
        finally:
            connection.close()
            if not read_only:
                self._settle()

    def _attach(
        self, connection: duckdb.DuckDBPyConnection, *, read_only: bool, snapshot: int | None
    ) -> None:
        try:
            connection.execute(self.attach_sql(read_only=read_only, snapshot=snapshot))
            connection.execute(f"use {LAKE}")
        except duckdb.Error as error:
            if read_only and _NOT_MADE in str(error):
                raise NoLakeError(self.folder) from error
            other_place = "DATA_PATH" in str(error)
            raise FinopsError(
                f"the lake in {self.folder} cannot be opened: {first_line(error)}",
                hint="set path or storage under [lake] to where the lake was made"
                if other_place
                else 'run "finops doctor"',
            ) from error

    def _settle(self) -> None:
        """SQLite deletes both files when its last writer leaves, but could not make them again
        on a disk that may only be read; there, empty ones are all it needs to open the catalogue.
        """
        if self.catalog == "sqlite" and self.catalog_file.is_file():
            for end in ("-wal", "-shm"):
                self.catalog_file.with_name(self.catalog_file.name + end).touch()

    @contextmanager
    def published(self, *, snapshot: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection at the published snapshot, or at an older one given."""
        version = snapshot if snapshot is not None else self.published_snapshot()
        if version is None:
            raise InputError("nothing is published yet", hint='run "finops run" first')
        with self.open(read_only=True, snapshot=version) as connection:
            yield connection

    def published_snapshot(self) -> int | None:
        """The snapshot readers see, or None before the first publication."""
        with self.open(read_only=True) as connection:
            return published_snapshot(connection)


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block's writes in one snapshot, or none."""
    connection.execute("begin")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def leaving_nothing(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A transaction that keeps nothing: for reading, and for temporary tables that go with it.

    Outside of one, each statement asks the catalogue for the newest snapshot: 2 ms.
    """
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


def published_snapshot(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The newest published snapshot in an attached lake."""
    if not table_exists(connection, "ops", "published"):
        return None
    row = connection.execute(
        f"select snapshot_id from {PUBLISHED_TABLE} order by sequence desc limit 1"
    ).fetchone()
    return int(row[0]) if row else None


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """The newest snapshot of the attached lake, published or not."""
    row = connection.execute(
        f"select max(snapshot_id) from ducklake_snapshots({quote_text(LAKE)})"
    ).fetchone()
    return int(row[0]) if row else 0


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether the attached lake (at its snapshot) has a table or view of this name."""
    row = connection.execute(
        "select count(*) from duckdb_tables() where database_name = ? and schema_name = ?"
        " and table_name = ?",
        [LAKE, schema, name],
    ).fetchone()
    return bool(row and row[0])
