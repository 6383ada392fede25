"""Landing one delivery with the real parts, short of dbt: discover → land → require_readable."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from acme_bills import OWN_VENDORS, Written, acme_delivery
from finops_stack.build.bill_rows import BillFiles, relation_sql, unreadable_predicates
from finops_stack.deliveries.discover import Found, discover
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError
from finops_stack.ingest.land import land
from finops_stack.ingest.landed import Landed
from finops_stack.ingest.load import RawZone
from finops_stack.ingest.readable import require_readable
from finops_stack.period import BillingPeriod
from finops_stack.vendors.catalog import load_vendor
from finops_stack.warehouse.engine import Engine

SEPTEMBER = BillingPeriod(2026, 9)


@dataclass
class Landing:
    """A source folder of Acme's and what landing its September bill gives."""

    folder: Path
    vendor: Any = field(default_factory=lambda: load_vendor("acme", [OWN_VENDORS]))

    def __post_init__(self) -> None:
        engine = Engine("800MB", self.folder / "spill")
        self.connection = engine.connect()
        self.bills = self.folder / "bills"
        self.staging = self.folder / "staging"
        self.zone = RawZone(str(self.folder / "raw"))
        self.storage = LocalFolder(str(self.bills))

    def deliver(self, **options: Any) -> Written:
        """Write September's delivery, see acme_delivery."""
        return acme_delivery(self.bills, **options)

    def discover(self) -> Found:
        """What lies in the folder."""
        return discover("acme", self.vendor, self.storage)

    def land(self) -> Landed:
        """Land September. Raises InputError as a run would meet it."""
        delivery = self.discover().chosen()[SEPTEMBER]
        return self.land_delivery(delivery)

    def land_delivery(self, delivery: Any) -> Landed:
        """Land this delivery."""
        landed = land(
            delivery,
            vendor=self.vendor,
            storage=self.storage,
            zone=self.zone,
            staging=self.staging,
            connection=self.connection,
        )
        form = self.vendor.form(landed.form)
        for file in landed.files:
            require_readable(self.connection, file, unreadable_predicates(form, file.columns))
        return landed

    def rows(self, sql: str = "select * from bill") -> list[tuple[Any, ...]]:
        """September as the models see it, as `bill`."""
        landed = self.land()
        delivery = landed.delivery
        files = BillFiles(
            delivery.source,
            delivery.period,
            delivery.delivery_id,
            delivery.delivered_at,
            self.vendor.form(landed.form),
            landed.files,
        )
        return self.connection.execute(f"with bill as ({relation_sql(files)}) {sql}").fetchall()

    def refusal(self, *says: str) -> InputError:
        """The refusal of September: two lines for the user, exit code 2, nothing staged."""
        with pytest.raises(InputError) as refused:
            self.land()
        error = refused.value
        assert error.exit_code == 2
        assert error.hint
        assert len(error.message) < 600
        assert error.message.isprintable(), error.message
        for words in says:
            assert words in error.message
        assert not list(self.staging.rglob("*"))
        return error


@pytest.fixture
def landing(tmp_path: Path) -> Any:
    """Lands deliveries below a temporary folder."""
    landing = Landing(tmp_path)
    yield landing
    landing.connection.close()
