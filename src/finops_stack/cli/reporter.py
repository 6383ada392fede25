"""How a run talks: progress bars on a terminal, lines elsewhere, JSON lines when asked."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class Step(Protocol):
    """One step of a run under way."""

    def advance(self, amount: float = 1) -> None:
        """So much more is done."""


class Reporter(Protocol):
    """Where a run's talk goes; results go to stdout and never through here."""

    def step(self, name: str, total: float) -> AbstractContextManager[Step]:
        """A step with so much to do."""

    def say(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str, hint: str = "") -> None:
        """Something to act on."""


class TerminalReporter:
    """Progress bars on stderr; plain lines when it is no terminal."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self.console = console
        self.verbose = verbose

    @contextmanager
    def step(self, name: str, total: float) -> Iterator[Step]:
        """A bar that stays when it is full."""
        with Progress(
            TextColumn(f"{name:<9}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        ) as progress:
            task = progress.add_task(name, total=total or 1)
            yield _Bar(progress, task)
            progress.update(task, completed=total or 1)
        if self.verbose and not self.console.is_terminal:
            self.say(f"{name}: done")

    def say(self, text: str) -> None:
        """A line."""
        self.console.print(text, highlight=False, markup=False)

    def warn(self, text: str, hint: str = "") -> None:
        """A warning and what to do."""
        self.console.print(Text.assemble(("warning:", "yellow"), " ", text), highlight=False)
        if hint:
            self.console.print(Text(f"hint:    {hint}"), highlight=False)


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress = progress
        self.task = task

    def advance(self, amount: float = 1) -> None:
        self.progress.advance(self.task, amount)


class JsonReporter:
    """One JSON object a line on stderr."""

    @contextmanager
    def step(self, name: str, total: float) -> Iterator[Step]:
        """Start and end of a step."""
        self._write({"event": "step_started", "step": name})
        yield _Nothing()
        self._write({"event": "step_ended", "step": name})

    def say(self, text: str) -> None:
        """An information line."""
        self._write({"event": "info", "message": text})

    def warn(self, text: str, hint: str = "") -> None:
        """A warning line."""
        self._write({"event": "warning", "message": text, "hint": hint})

    def _write(self, value: dict[str, str]) -> None:
        sys.stderr.write(json.dumps(value) + "\n")
        sys.stderr.flush()


class _Nothing:
    def advance(self, amount: float = 1) -> None:
        """Nobody looks."""
