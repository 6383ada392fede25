"""One run at a time: a kernel lock on a file in the lake folder, and for a catalogue in
PostgreSQL, which several folders may share, an advisory lock there.

The kernel, or the server, frees the lock when its holder dies: a stale lock needs no flag and no
clean-up. The text in the file, or the connection's name, only tells who holds it.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_stack.errors import FinopsError, InputError
from finops_stack.warehouse.engine import first_line
from finops_stack.warehouse.lake import Lake

if TYPE_CHECKING:
    from psycopg import Connection

# Any number, the same for every finops; PostgreSQL keeps such locks apart by database.
_ADVISORY_LOCK = 1_179_209_552
_LOCKS = f"""pg_locks where locktype = 'advisory' and granted and objid = {_ADVISORY_LOCK}
  and database = (select oid from pg_database where datname = current_database())"""
_HELD_SQL = f"select count(*) from {_LOCKS} and pid = pg_backend_pid()"
_HOLDER_SQL = f"""select application_name, date_trunc('second', backend_start)
  from pg_stat_activity where pid in (select pid from {_LOCKS})"""


@dataclass(frozen=True)
class RunLock:
    """A lock that is held: the file's, and the catalogue's where that is a server."""

    handle: int
    catalogue: "Connection[tuple[Any, ...]] | None" = None

    def sign(self, now: datetime) -> None:
        """Say who holds it. Done when there is work to do: else a run writes nothing."""
        text = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.isoformat(timespec="seconds"),
        }
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, json.dumps(text).encode(), 0)

    def require_held(self) -> None:
        """Raises FinopsError when the server has lost the lock: another run may be at work."""
        if self.catalogue is None:
            return
        from psycopg import Error

        try:
            row = self.catalogue.execute(_HELD_SQL).fetchone()
        except Error as error:
            raise _lost(first_line(error)) from error
        if row is None or not row[0]:
            raise _lost("the server holds none of ours")


@contextmanager
def lake_lock(lake: Lake) -> Iterator[RunLock]:
    """Hold the lake's run lock, wherever its catalogue is. Raises FinopsError naming the holder."""
    with run_lock(lake.folder) as lock:
        if lake.catalog == "sqlite":
            yield lock
            return
        connection = _connect(lake)
        try:
            _take_advisory(connection)
            yield replace(lock, catalogue=connection)
        finally:
            connection.close()


@contextmanager
def run_lock(folder: Path) -> Iterator[RunLock]:
    """Hold the folder's lock. Raises FinopsError naming the holder's pid, host and start."""
    path = folder / "run.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(
            f"the lake folder {folder} cannot be written: {error.strerror}",
            hint="give the folder write permission, or set [lake] path to another one",
        ) from error
    try:
        _take(handle, path)
        yield RunLock(handle)
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(_holder(path)) from error


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "it has just begun"


def _connect(lake: Lake) -> "Connection[tuple[Any, ...]]":
    """A connection of the lock's own. DuckDB's give up such locks after each statement."""
    try:
        import psycopg
    except ImportError as error:
        raise InputError(
            "a catalogue in PostgreSQL needs psycopg", hint='pip install "psycopg[binary]"'
        ) from error
    me = f"finops pid {os.getpid()} on {socket.gethostname()}"[:63]
    try:
        return psycopg.connect(
            lake.catalog.removeprefix("postgres:"),
            application_name=me,
            autocommit=True,
            connect_timeout=15,
            keepalives_idle=30,
        )
    except psycopg.Error as error:
        raise FinopsError(
            f"the lake's catalogue cannot be opened: {first_line(error)}",
            hint="check catalog in finops.toml, and PGPASSWORD or ~/.pgpass",
        ) from error


def _take_advisory(connection: "Connection[tuple[Any, ...]]") -> None:
    # The connection sleeps for as long as the run works: no server may find that too long.
    connection.execute(
        "select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'"
    )
    row = connection.execute("select pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]).fetchone()
    if row and row[0]:
        return
    holder = connection.execute(_HOLDER_SQL).fetchone()
    raise _busy(f"{holder[0]}, since {holder[1]}" if holder else "it has just ended")


def _lost(why: str) -> FinopsError:
    return FinopsError(
        f"the catalogue's run lock is lost: {why}; nothing was published",
        hint="run again when the server is back",
    )


def _busy(holder: str) -> FinopsError:
    return FinopsError(
        f"another run is at work on this lake: {holder}",
        hint="wait for it to end; its lock goes with it, nothing has to be removed",
    )
