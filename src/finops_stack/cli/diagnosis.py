"""What doctor looks at; each check gives lines and raises nothing a user could act on."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finops_stack.cli.format import bytes_text, count_text, moment_text
from finops_stack.errors import FinopsError, InputError

if TYPE_CHECKING:
    from finops_stack.cli.session import Session
    from finops_stack.config import Source
    from finops_stack.warehouse.lake import Lake
    from finops_stack.warehouse.orphans import Orphan

Level = Literal["ok", "warning", "error"]
DISTRIBUTION = "open-finops-stack"
_LOW_DISK_BYTES = 5 * 1024**3
# A delivery is copied, made Parquet and converted before the old one goes.
_DISK_PER_DELIVERY = 3


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis. `lake_closed`: the lake could not be opened."""

    level: Level
    subject: str
    text: str
    todo: str = ""
    lake_closed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What --format json shows."""
        return {
            "level": self.level,
            "subject": self.subject,
            "text": self.text,
            "todo": self.todo or None,
        }


def of_error(subject: str, error: FinopsError, *, lake_closed: bool = False) -> Finding:
    """An error as a line."""
    return Finding("error", subject, error.message, error.hint, lake_closed)


def check_packages() -> list[Finding]:
    """Every package we require, in a version that works with the others."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return [Finding("warning", "packages", f"{DISTRIBUTION} is not installed as a package")]
    wrong = []
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    for each in needed:
        try:
            found = version(each.name)
        except PackageNotFoundError:
            found = "none"
        if found == "none" or not each.specifier.contains(found, prereleases=True):
            asked = f"{each.name}{each.specifier}"
            todo = f"pip install '{asked}'"
            wrong.append(Finding("error", "packages", f"{asked} is needed, {found} is there", todo))
    return wrong or [Finding("ok", "packages", f"{len(needed)} packages fit together")]


def check_extensions(lake: "Lake") -> list[Finding]:
    """DuckDB loads the extensions this lake needs, from their wheels."""
    from finops_stack.warehouse.engine import EngineError, first_line, load_extensions

    names = ["ducklake", "sqlite_scanner" if lake.catalog == "sqlite" else "postgres_scanner"]
    names += ["httpfs"] if lake.storage else []
    try:
        connection = lake.engine.connect()
        load_extensions(connection, *names)
        connection.close()
    except FinopsError as error:
        return [of_error("extensions", error)]
    except EngineError as error:
        return [Finding("error", "extensions", first_line(error), "reinstall the package")]
    return [Finding("ok", "extensions", f"DuckDB loads {', '.join(names)}")]


def check_lake(lake: "Lake", *, now: datetime, clean: bool) -> list[Finding]:
    """The lake opens, something is published and its snapshot is there, no files lie about."""
    from finops_stack.warehouse.register import publications
    from finops_stack.warehouse.snapshots import living_snapshots

    if not lake.exists():
        return [Finding("warning", "lake", f"none in {lake.folder} yet", 'run "finops run"')]
    try:
        with lake.open(read_only=True) as connection:
            published, living = publications(connection), living_snapshots(connection)
    except InputError as error:
        return [Finding("warning", "lake", error.message, error.hint)]
    except FinopsError as error:
        return [of_error("lake", error, lake_closed=True)]
    found = [Finding("ok", "lake", f"{lake.folder} opens, {len(living)} snapshots")]
    if not published:
        found.append(Finding("warning", "published", "nothing yet", 'run "finops run"'))
    elif published[-1].snapshot_id not in living:
        text = f"snapshot {published[-1].snapshot_id} is gone: readers see nothing"
        found.append(Finding("error", "published", text, 'run "finops run --full"'))
    else:
        at = moment_text(published[-1].published_at)
        found.append(Finding("ok", "published", f"snapshot {published[-1].snapshot_id}, {at}"))
    return found + _check_orphans(lake, now=now, clean=clean)


def _check_orphans(lake: "Lake", *, now: datetime, clean: bool) -> list[Finding]:
    from finops_stack.warehouse.lock import lake_lock
    from finops_stack.warehouse.orphans import delete_orphans, orphans

    try:
        with lake.open(read_only=True) as connection:
            lying = orphans(connection, lake.data_path, now=now)
        if lying and clean:
            with lake_lock(lake), lake.open() as connection:
                gone = delete_orphans(connection, now=now)
            return [Finding("ok", "files", f"{len(gone)} orphaned Parquet files removed")]
    except FinopsError as error:
        return [of_error("files", error)]
    if not lying:
        return [Finding("ok", "files", "no orphaned Parquet file")]
    size = bytes_text(sum(orphan.size_bytes for orphan in lying))
    text = f"{count_text(len(lying))} orphaned Parquet files ({size}), such as {lying[0].path}"
    return [Finding("warning", "files", text, 'remove them: "finops doctor --clean"')]


def check_raw(session: "Session", *, now: datetime, clean: bool) -> list[Finding]:
    """No raw file lies about that no delivery in the register names."""
    from finops_stack.ingest.load import remove_raw
    from finops_stack.warehouse.lake import NoLakeError
    from finops_stack.warehouse.lock import lake_lock

    lake = session.lake
    if not lake.exists():
        return []
    try:
        lying = _raw_orphans(lake, now)
        if lying and clean:
            with lake_lock(lake):
                lying = _raw_orphans(lake, now)
                remove_raw([orphan.path for orphan in lying], session.raw_zone)
    except NoLakeError:
        return []
    except FinopsError as error:
        return [of_error("raw files", error)]
    except OSError as error:
        return [Finding("error", "raw files", f"cannot be removed: {error}")]
    return [_raw_finding(lying, clean=clean)]


def _raw_orphans(lake: "Lake", now: datetime) -> "list[Orphan]":
    from finops_stack.warehouse.orphans import raw_orphans

    with lake.open(read_only=True) as connection:
        return raw_orphans(connection, lake.raw_path, now=now)


def _raw_finding(lying: "list[Orphan]", *, clean: bool) -> Finding:
    if not lying:
        return Finding("ok", "raw files", "each is named by a delivery")
    count = count_text(len(lying))
    if clean:
        return Finding("ok", "raw files", f"{count} that no delivery names removed")
    size = bytes_text(sum(orphan.size_bytes for orphan in lying))
    text = f"{count} that no delivery names ({size}), such as {lying[0].path}"
    return Finding("warning", "raw files", text, 'remove them: "finops doctor --clean"')


def check_run(lake: "Lake", *, clean: bool) -> list[Finding]:
    """Whether a run is at work; what a killed one has left."""
    from finops_stack.warehouse.lock import run_lock

    if not (lake.folder / "run.lock").exists():
        return [Finding("ok", "run", "none at work")]
    try:
        with run_lock(lake.folder):
            return [Finding("ok", "run", "none at work"), *_check_leftovers(lake.work, clean=clean)]
    except FinopsError as error:
        return [Finding("warning", "run", error.message, error.hint)]


def _check_leftovers(work: Path, *, clean: bool) -> list[Finding]:
    """Only asked while no run is at work."""
    left = [path for path in (work / "staging", *sorted((work / "tmp").glob("*"))) if path.exists()]
    if not left:
        return []
    if clean:
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return [Finding("ok", "leftovers", f"removed {', '.join(str(path) for path in left)}")]
    text = f"a killed run left {', '.join(str(path) for path in left)}"
    return [Finding("warning", "leftovers", text, 'remove it: "finops doctor --clean"')]


def check_source(session: "Session", source: "Source") -> Finding:
    """Its vendor is known, its place can be listed and holds deliveries."""
    from finops_stack.cli.planning import file_months
    from finops_stack.deliveries.discover import discover
    from finops_stack.deliveries.storage import open_storage

    subject = f"source {source.name}"
    try:
        vendor, storage = session.vendor(source.vendor), open_storage(source)
        months = file_months(session, source, vendor, storage)
        found = discover(source.name, vendor, storage, months)
    except FinopsError as error:
        return of_error(subject, error)
    waiting = found.waiting()
    if waiting:
        first = waiting[0]
        text = f"{first.period} {first.delivery_id} is incomplete: {first.why_not()}"
        return Finding("warning", subject, text, "deliver its files, or wait for them")
    return Finding("ok", subject, f"{len(found.by_month)} months in {source.location}")


def check_disk(lake: "Lake", *, newest_size: int) -> Finding:
    """Room for the next delivery."""
    folder = next(path for path in (lake.folder, *lake.folder.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    wanted = max(_LOW_DISK_BYTES, _DISK_PER_DELIVERY * newest_size)
    text = f"{bytes_text(free)} free at {folder}"
    if free < wanted:
        return Finding("warning", "disk", text, f"keep at least {bytes_text(wanted)} free")
    return Finding("ok", "disk", text)


def newest_size(lake: "Lake") -> int:
    """Bytes of the delivery landed last; 0 when none was, or the lake does not open."""
    from finops_stack.warehouse.register import deliveries

    if not lake.exists():
        return 0
    try:
        with lake.open(read_only=True) as connection:
            rows = deliveries(connection)
    except FinopsError:
        return 0
    return rows[-1].size_bytes if rows else 0
