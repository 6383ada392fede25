"""Where the seconds of one `finops run` go: python bench/run.py --profile."""

import importlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# Functions of a run, outer ones first, as module and name; one that is gone is left out.
_WATCHED = (
    ("finops_stack.cli.flow", "plan_sources"),
    ("finops_stack.cli.flow", "ensure_register"),
    ("finops_stack.cli.landing", "land"),
    ("finops_stack.ingest.land", "_download"),
    ("finops_stack.ingest.land", "gunzip"),
    ("finops_stack.ingest.land", "text_to_parquet"),
    ("finops_stack.ingest.land", "describe_parquet"),
    ("finops_stack.ingest.land", "load_raw"),
    ("finops_stack.ingest.load", "_dlt"),
    ("finops_stack.cli.landing", "require_readable"),
    ("finops_stack.cli.landing", "add_delivery"),
    ("finops_stack.cli.flow", "plan"),
    ("finops_stack.cli.flow", "sync"),
    ("finops_stack.cli.flow", "run_dbt"),
    ("finops_stack.cli.flow", "judge_and_publish"),
    ("finops_stack.cli.publishing", "check_rows"),
    ("finops_stack.cli.publishing", "check_totals"),
    ("finops_stack.cli.publishing", "_put_back"),
    ("finops_stack.cli.publishing", "_record"),
    ("finops_stack.cli.publishing", "expire"),
)
_IMPORTS = ("finops_stack.cli.main", "finops_stack.cli.flow", "dlt", "dbt.cli.main")


@dataclass
class Spent:
    """Calls of one function, with what they called."""

    name: str
    depth: int
    calls: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


class Clock:
    """Times functions by standing in for them."""

    def __init__(self) -> None:
        self.spent: dict[tuple[str, ...], Spent] = {}
        self._open: list[str] = []

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """What happens inside counts for `name`."""
        self._open.append(name)
        entry = self.spent.setdefault(tuple(self._open), Spent(name, len(self._open) - 1))
        wall_s, cpu_s = time.perf_counter(), _cpu_s()
        try:
            yield
        finally:
            entry.calls += 1
            entry.wall_s += time.perf_counter() - wall_s
            entry.cpu_s += _cpu_s() - cpu_s
            self._open.pop()

    def watch(self, module: str, name: str) -> None:
        """Replace a function of a module by one that is timed; nothing when it is not there."""
        place = importlib.import_module(module)
        function = getattr(place, name, None)
        if function is not None:
            setattr(place, name, self._timed(function))

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.on(function.__name__):
                return function(*arguments, **options)

        return timed


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def profile_run(config: Path) -> None:
    """Run once in this process; print seconds by function, by dbt model, by import."""
    os.environ["NO_COLOR"] = "1"
    clock = Clock()
    with clock.on("import the command"):
        from finops_stack.cli.main import app
    with clock.on("import the flow"):
        for module, name in _WATCHED:
            clock.watch(module, name)
    with clock.on("finops run"):
        app(["--config", str(config), "run"], standalone_mode=False)
    console = Console(width=110)
    console.print(_functions(list(clock.spent.values())))
    work = config.parent / "lake" / "work" / "dbt"
    console.print(_models(json.loads((work / "target" / "run_results.json").read_text())))
    console.print(_imports())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory {peak_mb:.0f} MB")


def _functions(spent: Sequence[Spent]) -> Table:
    table = Table(title="by function, callees included")
    table.add_column("function")
    for name in ("calls", "wall s", "CPU s"):
        table.add_column(name, justify="right")
    for each in spent:
        figures = (str(each.calls), f"{each.wall_s:.2f}", f"{each.cpu_s:.2f}")
        table.add_row("  " * each.depth + each.name, *figures)
    return table


def _models(results: dict[str, Any]) -> Table:
    table = Table(title="by dbt model (execution; the rest of run_dbt is start-up and parsing)")
    table.add_column("model")
    table.add_column("wall s", justify="right")
    nodes = [(r["unique_id"].split(".")[-1], r["execution_time"]) for r in results["results"]]
    for name, seconds in sorted(nodes, key=lambda node: -node[1]):
        table.add_row(name, f"{seconds:.2f}")
    table.add_row("all models", f"{sum(seconds for _, seconds in nodes):.2f}")
    table.add_row("dbt's own clock", f"{results['elapsed_time']:.2f}")
    return table


def _imports() -> Table:
    """Seconds of each import alone in a new process, and what in it is slow."""
    table = Table(title="imports, each in a new process")
    table.add_column("module")
    table.add_column("wall s", justify="right")
    table.add_column("slowest inside (own seconds)")
    for module in _IMPORTS:
        started = time.perf_counter()
        command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        lines = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", text)
        slow = sorted(((int(us) / 1e6, name) for us, name in lines), reverse=True)[:4]
        inside = ", ".join(f"{name} {seconds:.2f}" for seconds, name in slow)
        table.add_row(module, f"{time.perf_counter() - started:.2f}", inside)
    return table
