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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from finops_stack.errors import FinopsError, InputError


@dataclass(frozen=True)
class RunLock:
    """A lock that is held."""

    handle: int

    def sign(self, now: datetime) -> None:
        """Say who holds it, once there is work to do: nothing new, nothing written."""
        text = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.isoformat(timespec="seconds"),
        }
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, json.dumps(text).encode(), 0)


@contextmanager
def lake_lock(lake: Lake) -> Iterator[RunLock]:
    """Hold the lake's run lock, wherever its catalogue is. Raises FinopsError naming the holder."""
    with run_lock(lake.folder) as lock:
        if lake.catalog == "sqlite":
            yield lock
            return
        with _catalogue_lock(lake):
            yield lock


@contextmanager
def _catalogue_lock(lake: Lake) -> Iterator[None]:
    """A session of its own holds the lock; it is still there at the end, or the run fails."""
    connection = lake.engine.connect()
    try:
        load_extensions(connection, "postgres_scanner")
        try:
            # One connection, or a second one would be asked about the first one's lock.
            connection.execute("set pg_connection_limit = 1")
            me = quote_text(f"application_name='finops pid {os.getpid()} on {_host()}'"[:63])
            connection.execute(f"attach {quote_text(lake.catalog.removeprefix('postgres:'))} as x")
        except EngineError as error:
            raise FinopsError("") from error
        yield
    finally:
        connection.close()


@contextmanager
def run_lock(folder: Path) -> Iterator[RunLock]:
    """Hold the lake's run lock. Raises FinopsError naming the holder's pid, host and start."""
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
        raise FinopsError(
            f"another run is at work on this lake: {_holder(path)}",
            hint="wait for it to end; its lock goes with it, nothing has to be removed",
        ) from error


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "it has just begun"
