"""From settings to the things verbs work with."""

import csv
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from finops_stack import __version__
from finops_stack.config import Config, Source
from finops_stack.errors import InputError
from finops_stack.ingest.load import RawZone
from finops_stack.reconcile.invoice_detail import parquet_lines, read_invoice_detail
from finops_stack.reconcile.invoice_row import InvoiceFile
from finops_stack.reconcile.invoices import parse_invoices
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.checks import read_checks, require_checks
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.engine import Engine
from finops_stack.warehouse.lake import Lake
from finops_stack.warehouse.rates import Rate, parse_rates
from finops_stack.warehouse.s3_secret import S3Access


@dataclass(frozen=True)
class Session:
    """One installation, as its settings describe it."""

    config: Config

    @cached_property
    def lake(self) -> Lake:
        """The lake of these settings; nothing is opened yet."""
        lake, engine = self.config.lake, self.config.engine
        if lake.s3.role_arn:
            raise InputError(
                "role_arn under [lake.s3] is not used: DuckDB and dlt read the lake's storage",
                hint="name a profile under [lake.s3] that assumes the role in ~/.aws/config",
            )
        temporary = engine.temp_directory or lake.path / "work" / "tmp"
        return Lake(
            folder=lake.path,
            engine=Engine(engine.memory_limit, temporary, engine.threads),
            catalog=lake.catalog,
            storage=lake.storage,
            s3=S3Access(lake.s3.profile, lake.s3.region, lake.s3.endpoint_url),
        )

    @property
    def raw_zone(self) -> RawZone:
        """Where delivered files go."""
        s3 = self.config.lake.s3
        return RawZone(self.lake.raw_path, s3.profile, s3.region, s3.endpoint_url)

    def sources(self, name: str | None = None) -> list[Source]:
        """All sources, or the one of that name. Raises InputError naming those that exist."""
        sources = list(self.config.sources)
        if not sources:
            raise InputError(
                "no source is set up yet", hint='add one: "finops add VENDOR LOCATION"'
            )
        if name is None:
            return sources
        found = [source for source in sources if source.name == name]
        if not found:
            known = ", ".join(source.name for source in sources)
            raise InputError(f'no source is called "{name}"', hint=f"known sources: {known}")
        return found

    def vendor(self, name: str) -> Vendor:
        """A vendor folder, read, its checks too."""
        vendor = load_vendor(name, self.config.vendor_folders)
        require_checks(vendor)
        return vendor

    def given(self, source: str) -> dict[str, str]:
        """What the settings of a source say that its bills leave out."""
        return next(s.given for s in self.config.sources if s.name == source)

    def exchange_rates(self) -> list[Rate]:
        """The user's rates into the reporting currency; none where none is set."""
        currency = self.config.currency
        if currency.rates is None or currency.reporting is None:
            return []
        text = _read_text(currency.rates, "rates under [currency]")
        return parse_rates(text, currency.rates, currency.reporting)

    def invoices(self) -> InvoiceFile:
        """The user's invoices and explanations; none where no file is set."""
        path = self.config.reconcile.invoices
        if path is None:
            return InvoiceFile()
        if path.suffix == ".parquet" and path.is_file():
            return read_invoice_detail(path, parquet_lines(path))
        return parse_invoices(_read_text(path, "invoices under [reconcile]"), path)

    def account_names(self) -> str | None:
        """The user's own account names, as csv text. Raises InputError naming the wrong line."""
        path = self.config.account_names
        if path is None:
            return None
        text = _read_text(path, "account_names")
        _require_names(text, path)
        return text

    def rules(self, vendor: Vendor) -> str:
        """Changes when this vendor's models, the package or the check settings do."""
        manifest = vendor.model_dump(mode="json", exclude={"folder", "additions"})
        given = {s.name: s.given for s in self.config.sources if s.vendor == vendor.name}
        parts: list[object] = [__version__, manifest, vendor.models(), vendor.vocabulary(), given]
        parts += [self.config.checks, self.config.quality.model_dump(mode="json")]
        parts += [[asdict(check) for check in read_checks(vendor.folder)]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _read_text(path: Path, setting: str) -> str:
    if not path.is_file():
        raise InputError(f"{path} is not there", hint=f"check {setting} in finops.toml")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8", hint="save it as UTF-8") from error


def _require_names(text: str, path: Path) -> None:
    """Two columns, and each account once: a name given twice would count its charges twice."""
    rows = csv.reader(io.StringIO(text), strict=True)
    hint = "write account_id,account_name, and then each account once"
    header = ",".join(next(rows, []))
    if header.replace(" ", "") != "account_id,account_name":
        raise InputError(f'{path}: its first line is "{header}"', hint=hint)
    seen: set[str] = set()
    try:
        for row in rows:
            problem = _problem(row, seen)
            if problem:
                raise InputError(f"{path}, line {rows.line_num}: {problem}", hint=hint)
            seen.update(row[:1])
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}", hint=hint) from error


def _problem(row: list[str], seen: set[str]) -> str:
    """What is wrong with a row of account names; a blank line is no row."""
    if row and len(row) != 2:
        return f"it has {len(row)} columns, not 2"
    if row and row[0] in seen:
        return f"account {row[0]} is there twice"
    return "it holds a NUL byte" if any("\0" in cell for cell in row) else ""
