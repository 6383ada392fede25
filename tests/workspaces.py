"""A folder with a finops.toml, and the finops command run in it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from acme_bills import OWN_VENDORS, Written, acme_delivery
from finops_stack.cli.session import Session
from finops_stack.config import load_config
from finops_stack.warehouse.lake import Lake


@dataclass(frozen=True)
class Ended:
    """How a finops command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything the user saw."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Workspace:
    """A folder of one installation: finops.toml, the lake, and bills below `bills/`."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()

    @property
    def bills(self) -> Path:
        """Where the source `acme` delivers."""
        return self.folder / "bills"

    @property
    def session(self) -> Session:
        """Its settings, read anew."""
        return Session(load_config(self.folder / "finops.toml"))

    @property
    def lake(self) -> Lake:
        """Its lake."""
        return self.session.lake

    def configure(
        self, *sources: str, vendor_folders: Sequence[Path] = (OWN_VENDORS,), more: str = ""
    ) -> None:
        """Write finops.toml with these sources (default: acme), each reading bills/ or NAME/."""
        lines = [f"vendor_folders = {json.dumps([str(f) for f in vendor_folders])}", more]
        for name in sources or ("acme",):
            place = "bills" if name == "acme" else name
            (self.folder / place).mkdir(exist_ok=True)
            lines += ["[[sources]]", f'name = "{name}"', 'vendor = "acme"', f'location = "{place}"']
        (self.folder / "finops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def deliver(self, month: str = "2026-09", source: str = "acme", **options: Any) -> Written:
        """Write a delivery of a source, see acme_delivery."""
        place = "bills" if source == "acme" else source
        return acme_delivery(self.folder / place, month, **options)

    def finops(self, *arguments: str) -> Ended:
        """The command in this process: quick from the second time on."""
        from finops_stack.cli.main import main

        stdout, stderr = io.StringIO(), io.StringIO()
        code = 0
        with (
            chdir(self.folder),
            mock.patch.object(sys, "argv", ["finops", *arguments]),
            redirect_stdout(stdout),
            redirect_stderr(stderr),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
        return Ended(code, stdout.getvalue(), stderr.getvalue())

    def finops_apart(
        self, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 120
    ) -> Ended:
        """The command in a process of its own, as a user starts it."""
        done = subprocess.run(
            [sys.executable, "-m", "finops_stack.cli.main", *arguments],
            cwd=self.folder,
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published snapshot; tables go by their bare names."""
        with self.lake.published() as connection:
            return connection.execute(sql).fetchall()

    def totals(self) -> dict[tuple[str, str], tuple[int, str]]:
        """(source, month) → rows and the billed sum, as published."""
        found = self.rows(
            "select x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), count(*),"
            " sum(BilledCost)::decimal(38, 2)::varchar from focus group by all"
        )
        return {(source, month): (rows, billed) for source, month, rows, billed in found}
