"""Run a command as a process of its own and measure it with all its children."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Short enough to see a peak that lasts a tenth of a second; costs 1 % of a core.
_SAMPLE_S = 0.02


@dataclass(frozen=True)
class Measured:
    """One process, or the least of several: each figure is a minimum of its own."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    written_bytes: int

    def least(self, other: "Measured") -> "Measured":
        """The smaller of each figure: what disturbs a measurement only ever adds to it."""
        return Measured(
            min(self.wall_s, other.wall_s),
            min(self.cpu_s, other.cpu_s),
            min(self.peak_bytes, other.peak_bytes),
            min(self.written_bytes, other.written_bytes),
        )


class StepError(RuntimeError):
    """The measured command did not end well; its output is the message."""


def measure(
    command: Sequence[str], *, accepted: Sequence[int] = (0,), folder: Path | None = None
) -> Measured:
    """Wall and CPU seconds, highest memory of the process tree, bytes written to storage.

    accepted: exit codes of a process that ended well; folder: where it runs.
    """
    return _run(command, accepted=accepted, folder=folder)[0]


def measure_step(name: str, *arguments: object) -> Measured:
    """A step of steps.py; its own clock counts, so that Python's imports do not."""
    command = [sys.executable, str(HERE / "steps.py"), name, *map(str, arguments)]
    outer, output = _run(command)
    inner = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    return replace(outer, wall_s=inner["wall_s"], cpu_s=inner["cpu_s"])


def least_of(repeat: int, one: Callable[[int], Measured]) -> Measured:
    """The minima of so many measurements. one: is told which it is, from 0."""
    found = one(0)
    for number in range(1, repeat):
        found = found.least(one(number))
    return found


def _run(
    command: Sequence[str], *, accepted: Sequence[int] = (0,), folder: Path | None = None
) -> tuple[Measured, str]:
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watch = _Watch(process.pid)
        watch.start()
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.finish()
    if process.returncode not in accepted:
        raise StepError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    peak = max(watch.peak_bytes, usage.ru_maxrss * 1024)
    cpu_s = usage.ru_utime + usage.ru_stime
    return Measured(wall_s, cpu_s, peak, usage.ru_oublock * 512), output


def _environment(outer: Mapping[str, str]) -> dict[str, str]:
    """Without the user's own settings, which would change what is measured."""
    kept = {name: value for name, value in outer.items() if not name.startswith("FINOPS_")}
    return kept | {"NO_COLOR": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}


class _Watch(threading.Thread):
    """Samples the memory of a process and its descendants."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.peak_bytes = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            root, *children = _tree(self.root)
            resident = _resident_bytes(root) + sum(map(_private_bytes, children))
            self.peak_bytes = max(self.peak_bytes, resident)

    def finish(self) -> None:
        """Stop, and wait until it has."""
        self._over.set()
        self.join()


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += [int(child) for child in _read(children).split()]
    return found


def _resident_bytes(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_BYTES if len(fields) > 1 else 0


def _private_bytes(pid: int) -> int:
    """What a child does not share: until it starts its own program, it is all its parent's."""
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(sizes) * 1024


def _read(path: Path) -> str:
    """A process may end at any moment."""
    try:
        return path.read_text()
    except OSError:
        return ""
