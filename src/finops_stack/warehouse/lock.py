"""One run at a time: a kernel lock on a file in the lake folder.

The kernel frees the lock when its holder dies, so a stale lock needs no flag and no clean-up;
the text in the file only tells who holds it.
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
