"""An installation on disk: a finops.toml, bills of the test vendor acme, a lake, its content."""

import csv
import hashlib
import io
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from finops_stack.cli.session import Session
from finops_stack.config import load_config
from finops_stack.deliveries.storage import SECTIONS, scheme_of
from finops_stack.warehouse.bills import bill_tables
from finops_stack.warehouse.lake import published_snapshot
from finops_stack.warehouse.register import latest_outcomes, latest_published, publications

OWN_VENDORS = Path(__file__).parents[1] / "own_vendors"
HEADER = [
    "account", "service", "currency", "invoice", "amount", "quantity", "start", "end", "tag:team",
]  # fmt: skip
# What differs between two runs that did the same.
NOT_COMPARED = {"run_id", "sequence", "recorded_at", "landed_at", "fingerprint", "rules"}


def bill_csv(month, amounts, *, account="0001", currency="EUR"):
    """One row an amount."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number, amount in enumerate(amounts):
        day = number % 27 + 1
        writer.writerow(
            [account, f"service-{number % 3}", currency, f"i-{month}", amount, 1,
             f"{month}-{day:02d}T00:00:00Z", f"{month}-{day:02d}T01:00:00Z", "shop"]
        )  # fmt: skip
    return text.getvalue()


def manifest(delivery_id, *files):
    return json.dumps({"id": delivery_id, "files": list(files)})


@dataclass
class Installation:
    """One folder with everything in it."""

    folder: Path
    runner: object
    settings: str = ""

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = {}
        self.sources = []
        self.connection = None
        self.write_settings()

    @property
    def lake(self):
        return self.folder / "lake"

    def write_settings(self):
        text = f'vendor_folders = ["{OWN_VENDORS}"]\n{self.settings}\n'
        if "[engine]" not in self.settings:
            # A fifth less work for bills this small.
            text += "[engine]\nthreads = 1\n"
        for name, location, settings in self.sources:
            text += f'[[sources]]\nname = "{name}"\nvendor = "acme"\nlocation = "{location}"\n'
            if settings:
                pairs = "".join(f'{key} = "{value}"\n' for key, value in settings.items())
                text += f"[sources.{SECTIONS[scheme_of(location)]}]\n{pairs}"
        (self.folder / "finops.toml").write_text(text)

    def add_source(self, name, location=None, **settings):
        """settings: of the section its location is read by."""
        self.sources.append((name, location or str(self.bills(name)), settings))
        self.write_settings()

    def bills(self, source):
        folder = self.folder / "bills" / source
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def deliver(self, source, month, delivery_id, amounts, **columns):
        """A delivery in the source's local folder; replaces the month's former one in place."""
        folder = self.bills(source) / month
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{month}/{month}-{delivery_id}.csv"
        (self.bills(source) / name).write_text(bill_csv(month, amounts, **columns))
        (folder / "manifest.json").write_text(manifest(delivery_id, name))

    def run(self, *argv, **faults):
        return self.runner.run(*(argv or ("run",)), cwd=self.folder, env=self.env, **faults)

    def start(self, *argv, **faults):
        return self.runner.start(*(argv or ("run",)), cwd=self.folder, env=self.env, **faults)

    def done(self, *argv, **faults):
        """A run that must end well."""
        ended = self.run(*argv, **faults)
        assert ended.code == 0, ended.text
        return ended

    def session(self):
        return Session(load_config(self.folder / "finops.toml"))

    @contextmanager
    def attached(self, snapshot=None):
        """The lake, read-only, on one connection for all questions (loading extensions is slow)."""
        lake = self.session().lake
        if self.connection is None:
            self.connection = lake.engine.connect()
            lake.prepare(self.connection)
        self.connection.execute(lake.attach_sql(read_only=True, snapshot=snapshot))
        self.connection.execute("use lake")
        try:
            yield self.connection
        finally:
            self.connection.execute("use memory")
            self.connection.execute("detach lake")

    def published_snapshot(self):
        if not self.session().lake.exists():
            return None
        with self.attached() as connection:
            return published_snapshot(connection)

    def totals(self):
        """(source, month) → (delivery, rows, billed cost) as published; {} before the first."""
        snapshot = self.published_snapshot()
        if snapshot is None:
            return {}
        with self.attached(snapshot) as connection:
            return totals(connection)

    def state(self):
        """Everything a reader could see, and the register's last word on every bill."""
        with self.attached(self.published_snapshot()) as connection:
            tables = {name: rows_of(connection, name) for name in bill_tables(connection)}
            tables["focus"] = rows_of(connection, "focus")
            # What differs between two runs that did the same is when and by which run.
            tables["restatements"] = rows_of(connection, "restatements", "run_id, restated_at")
            tables["bills"] = rows_of(connection, "bills", "since")
        with self.attached() as connection:
            for name, found in (
                ("published", latest_published(connection)),
                ("latest", latest_outcomes(connection)),
            ):
                tables[name] = sorted(
                    str([v for k, v in vars(row).items() if k not in NOT_COMPARED])
                    for row in found.values()
                )
        return tables

    def publications(self):
        with self.attached() as connection:
            return publications(connection)

    def debris(self):
        """Files a finished run must not leave: staging, temporary, rejected half-written ones."""
        found = []
        for path in self.lake.rglob("*"):
            relative = path.relative_to(self.lake).as_posix()
            if path.is_file() and (
                relative.startswith(("work/staging", "work/tmp"))
                or ".tmp" in path.name
                or path.name.endswith("-journal")
                or (path.name.endswith("-wal") and path.stat().st_size > 0)
            ):
                found.append(relative)
        return found

    def raw_files(self):
        """sha256 of every raw file of a bill."""
        return sorted(
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (self.lake / "raw").rglob("*.parquet")
        )

    def save(self):
        """Keep this state, to come back to by restore() (paths are in the lake: no copy works)."""
        kept = self.folder.with_suffix(".saved")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept)

    def restore(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_suffix(".saved"), self.folder)


def totals(connection):
    rows = connection.execute(
        "select x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), x_DeliveryId, count(*),"
        " sum(BilledCost) from lake.main.focus group by all order by all"
    ).fetchall()
    return {
        (source, month): (delivery, rows_, cost) for source, month, delivery, rows_, cost in rows
    }


def expected(amounts, delivery_id):
    """What totals() must say of a bill."""
    return (delivery_id, len(amounts), sum(map(Decimal, amounts)))


def rows_of(connection, name, without=""):
    shown = f"* exclude ({without})" if without else "*"
    return sorted(
        map(str, connection.execute(f'select {shown} from lake.main."{name}"').fetchall())
    )


def files_with(text, *folders):
    """Files below the folders that hold the text; for secrets, which must be in none."""
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]
