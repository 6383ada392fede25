"""What every verb starts from: options before the verb, and what they open."""

import os
import pwd
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from finops_stack.cli.reporter import JsonReporter, Reporter, TerminalReporter
from finops_stack.config import load_config

if TYPE_CHECKING:
    from finops_stack.cli.session import Session


@dataclass
class Context:
    """Options of the whole command."""

    config_path: Path
    json_logs: bool = False
    verbose: bool = False

    @cached_property
    def session(self) -> "Session":
        """The settings, read once."""
        from finops_stack.cli.session import Session

        return Session(load_config(self.config_path))

    @cached_property
    def out(self) -> Console:
        """Results: stdout, colours only on a terminal."""
        return Console(file=sys.stdout, soft_wrap=True, highlight=False)

    @cached_property
    def reporter(self) -> Reporter:
        """Talk: stderr."""
        if self.json_logs:
            return JsonReporter()
        return TerminalReporter(Console(stderr=True, soft_wrap=True), verbose=self.verbose)

    def now(self) -> datetime:
        """This moment in UTC; the only place the clock is read for a run."""
        return datetime.now(UTC).replace(tzinfo=None)

    def user(self) -> str:
        """Who runs this, as the operating system knows him; not what the environment says."""
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # as in a container that is run as any number
            return f"uid {os.getuid()}"
