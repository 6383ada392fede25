"""A finops installation of one source, thrown away after the look at it."""

import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from finops_stack.cli.session import Session
from finops_stack.config import load_config


@dataclass(frozen=True)
class Installation:
    """finops.toml, the lake, and one source called `judged` in the folder `bills`."""

    folder: Path
    vendor: str
    given: str = ""

    def run(self) -> str:
        """`finops run`; gives what it said. Held bills are no failure of the tool."""
        config = self.folder / "finops.toml"
        config.write_text(
            f'[lake]\npath = "lake"\n\n[[sources]]\nname = "judged"\nvendor = "{self.vendor}"\n'
            f'location = "bills"\n{self.given}',
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "finops_stack.cli.main", "--config", str(config), "run"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode not in (0, 3):
            raise RuntimeError(f"finops run ended with {ended.returncode}:\n{ended.stderr}")
        return ended.stderr

    def totals(self) -> dict[str, tuple[int, Decimal]]:
        """Currency → rows and BilledCost, of what is published: nothing where bills are held."""
        session = Session(load_config(self.folder / "finops.toml"))
        if session.lake.published_snapshot() is None:
            return {}
        with session.lake.published() as connection:
            rows = connection.execute(
                "select BillingCurrency, count(*), sum(BilledCost) from lake.main.focus"
                " group by BillingCurrency"
            ).fetchall()
        return {str(currency): (count, cost) for currency, count, cost in rows}
