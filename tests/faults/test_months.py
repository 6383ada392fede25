"""Files whose rows tell their months, and bills of two parts: through discovery, plan and run."""

import gzip
import json
from collections import Counter

import pytest

from acme_bills import OWN_VENDORS
from finops_stack.cli.planning import plan_sources
from finops_stack.deliveries.discover import discover
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError
from finops_stack.ingest.land import land
from finops_stack.ingest.load import RawZone
from finops_stack.ingest.months import FileMonths
from finops_stack.vendors.catalog import load_vendor
from finops_stack.warehouse.engine import Engine


def line(month, cost="1,50", **more):
    usage = [{"metric": "storage", "quantity": 1, "unit": "GB", "cost": cost}]
    return {
        "account": "0071",
        "invoice": {"month": month},
        "service": {"name": "Store", "id": "s"},
        "start": f"{month[:4]}-{month[4:]}-01T00:00:00Z",
        "end": f"{month[:4]}-{month[4:]}-02T00:00:00Z",
        "usage": usage,
    } | more


def text(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Counting(LocalFolder):
    """A folder that counts what is fetched from it."""

    def __init__(self, location):
        super().__init__(location)
        self.fetched = Counter()

    def download(self, item, target):
        self.fetched[item.key] += 1
        return super().download(item, target)


class Exports:
    """A source folder of Parcel's, and all that reads it."""

    def __init__(self, folder):
        self.folder = folder
        self.vendor = load_vendor("parcel", [OWN_VENDORS])
        self.storage = Counting(str(folder / "bills"))
        self.engine = Engine("800MB", folder / "spill")
        self.cache = folder / "periods" / "parcel.json"

    def put(self, name, content):
        path = self.folder / "bills" / "export" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def months(self, *, keep=False):
        return FileMonths(
            self.vendor,
            self.storage,
            cache=self.cache,
            folder=self.folder / "read",
            connect=self.engine.connect,
            keep=keep,
        )

    def found(self, months=None):
        return discover("parcel", self.vendor, self.storage, months or self.months())

    def files(self):
        chosen = self.found().chosen()
        return {str(m): [i.key.split("/")[1] for i in d.files] for m, d in chosen.items()}

    def refusal(self):
        with pytest.raises(InputError) as refused:
            self.found()
        assert refused.value.hint
        assert not (self.folder / "read").exists()
        return refused.value.message


@pytest.fixture
def exports(tmp_path):
    return Exports(tmp_path)


def test_each_file_is_read_once_and_then_known(exports):
    exports.put("a.jsonl", text(line("202609"), line("202610")))
    exports.put("b.jsonl.gz", gzip.compress(text(line("202610"))))
    expected = {"2026-09": ["a.jsonl"], "2026-10": ["a.jsonl", "b.jsonl.gz"]}
    assert exports.files() == exports.files() == expected
    assert set(exports.storage.fetched.values()) == {1}
    written = exports.cache.stat().st_mtime_ns
    assert exports.files() == expected
    assert exports.cache.stat().st_mtime_ns == written
    exports.put("c.jsonl", text(line("202611")))
    assert exports.files() == expected | {"2026-11": ["c.jsonl"]}
    assert exports.storage.fetched == {
        "export/a.jsonl": 1, "export/b.jsonl.gz": 1, "export/c.jsonl": 1,
    }  # fmt: skip


def test_a_changed_file_is_read_again_and_a_lost_cache_costs_nothing_else(exports):
    exports.put("a.jsonl", text(line("202609")))
    assert exports.files() == {"2026-09": ["a.jsonl"]}
    exports.put("a.jsonl", text(line("202610"), line("202611")))
    expected = {"2026-10": ["a.jsonl"], "2026-11": ["a.jsonl"]}
    assert exports.files() == expected
    for broken in (b"", b"{", b"[]", b'{"export": 3}', b'{"export": {"rule": "x", "files": 1}}'):
        exports.cache.write_bytes(broken)
        assert exports.files() == expected
    exports.cache.unlink()
    exports.cache.mkdir()  # cannot be written
    assert exports.files() == expected


def test_a_new_file_changes_only_the_bills_of_its_months(exports):
    exports.put("a.jsonl", text(line("202609"), line("202610")))
    before = {str(m): d.fingerprint for m, d in exports.found().chosen().items()}
    exports.put("b.jsonl", text(line("202610")))
    after = {str(m): d.fingerprint for m, d in exports.found().chosen().items()}
    assert after["2026-09"] == before["2026-09"]
    assert after["2026-10"] != before["2026-10"]


@pytest.mark.parametrize(
    ("month", "says"),
    [
        ("September", 'invoice.month is "September"'),
        ("", "invoice.month is empty"),
        (None, "invoice.month is empty"),
        ("202613", 'invoice.month is "202613"'),
        ("01/09/2026", 'invoice.month is "01/09/2026"'),
        ("2026-9", 'invoice.month is "2026-9"'),
        (1767225600, 'invoice.month is "1767225600"'),
    ],
)
def test_a_row_that_tells_no_month_refuses_the_file(exports, month, says):
    exports.put("a.jsonl", text(line("202609"), line("202609") | {"invoice": {"month": month}}))
    message = exports.refusal()
    assert message.startswith("export/a.jsonl, row 1: ")
    assert says in message and "(1 rows)" in message


@pytest.mark.parametrize(
    ("month", "means"),
    [
        ("2026-09", "2026-09"),
        (202609, "2026-09"),
        ("20260930", "2026-09"),
        ("2026/09/01", "2026-09"),
        (" 2026-09-30T23:59:59Z", "2026-09"),
        ("2026-09-01T00:00:00+08:00", "2026-09"),
    ],
)
def test_ways_to_write_a_month(exports, month, means):
    exports.put("a.jsonl", text(line("202609") | {"invoice": {"month": month}}))
    assert list(exports.files()) == [means]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"account": "1"}\n{"acc', "export/a.jsonl, line 2: it is no JSON"),
        ("a.jsonl", b"<html>403</html>", "export/a.jsonl, line 1: it is no JSON"),
        ("a.jsonl.gz", gzip.compress(text(line("202609")))[:-4], "not a whole gzip file"),
        ("a.jsonl.gz", b"garbage", "not a whole gzip file"),
        ("a.jsonl.zst", b"garbage", "not a whole zstd file"),
        ("a.jsonl", b'{"account": "1"}\n', "no column invoice.month"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_what_was_read_stays_known(
    exports, name, content, says
):
    exports.put("0.jsonl", text(line("202609")))
    exports.put(name, content)
    assert says in exports.refusal()
    exports.put(name, gzip.compress(text(line("202610"))))
    (exports.folder / "bills/export" / name).rename(exports.folder / "bills/export/z.jsonl.gz")
    assert exports.files() == {"2026-09": ["0.jsonl"], "2026-10": ["z.jsonl.gz"]}
    assert exports.storage.fetched["export/0.jsonl"] == 1


def test_a_file_of_no_rows_is_of_no_month(exports):
    exports.put("a.jsonl", text(line("202609")))
    exports.put("empty.jsonl", b"")
    assert exports.files() == {"2026-09": ["a.jsonl"]}


def test_landing_fetches_no_file_twice_and_counts_the_bills_own_rows(exports):
    exports.put("a.jsonl", text(line("202609"), line("202610"), line("202610")))
    exports.put("b.jsonl", text(line("202609")))
    months = exports.months(keep=True)
    chosen = exports.found(months).chosen()
    assert months.kept
    months.kept.plan([delivery.files for delivery in chosen.values()])
    rows = {}
    with exports.engine.connect() as connection:
        for month, delivery in chosen.items():
            landed = land(
                delivery,
                vendor=exports.vendor,
                storage=exports.storage,
                zone=RawZone(str(exports.folder / "raw")),
                staging=exports.folder / "staging",
                connection=connection,
                kept=months.kept,
            )
            rows[str(month)] = [(file.name, file.rows) for file in landed.files]
    assert rows == {"2026-09": [("a.jsonl", 1), ("b.jsonl", 1)], "2026-10": [("a.jsonl", 2)]}
    assert set(exports.storage.fetched.values()) == {1}


def configure(workspace, vendor):
    (workspace.folder / "bills").mkdir(exist_ok=True)
    (workspace.folder / "finops.toml").write_text(
        f'vendor_folders = ["{OWN_VENDORS}"]\n[[sources]]\nname = "{vendor}"\n'
        f'vendor = "{vendor}"\nlocation = "bills"\n',
        encoding="utf-8",
    )


def test_late_rows_restate_their_month_and_no_other(workspace):
    configure(workspace, "parcel")
    export = workspace.bills / "export"
    export.mkdir()
    (export / "1.jsonl").write_bytes(text(line("202609"), line("202610", "2,00")))
    assert workspace.finops("run").exit_code == 0
    assert not (workspace.folder / "lake/work/staging").exists()
    (export / "2.jsonl").write_bytes(text(line("202610", "0,25"), line("202611", "4,00")))
    assert workspace.finops("plan").exit_code == 0
    assert not (workspace.folder / "lake/work/staging").exists()
    (plan,) = plan_sources(workspace.session)
    assert {str(bill.delivery.period): bill.action.value for bill in plan.bills} == {
        "2026-09": "unchanged",
        "2026-10": "restated",
        "2026-11": "new",
    }
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {
        ("parcel", "2026-09"): (1, "1.50"),
        ("parcel", "2026-10"): (2, "2.25"),
        ("parcel", "2026-11"): (1, "4.00"),
    }
    (export / "2.jsonl").write_bytes(text(line("202610", "x")))
    refused = workspace.finops("run")
    assert refused.exit_code == 2
    assert "export/2.jsonl, row 0: usage is" in refused.stderr
    assert workspace.totals()["parcel", "2026-10"] == (2, "2.25")


def tandem(workspace, export, kind, run, rows, *, day="01", count=None):
    place = workspace.bills / export / "20260901-20260930" / run
    place.mkdir(parents=True)
    body = "Product;Subscription;Date;Cost\n" + "".join(f"{row}\n" for row in rows)
    name = f"{export}/20260901-20260930/{run}/part.csv"
    blobs = []
    if rows:
        (workspace.bills / name).write_text(body, encoding="utf-8")
        blobs = [{"blobName": name, "byteCount": len(body)}]
    manifest = {
        "config": {"type": kind},
        "run": {"id": f"{export}-{run}", "submitted": f"2026-10-{day}T00:00:00Z"},
        "rowCount": len(rows) if count is None else count,
        "blobs": blobs,
    }
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return place


def test_a_bill_of_two_parts_loses_one_and_becomes_empty(workspace):
    configure(workspace, "tandem")
    row = "VM;0815;2026-09-02;2.5"
    tandem(workspace, "cost", "Actual", "r1", [row])
    amortised = tandem(workspace, "amortised", "Amortized", "r1", [row])
    assert workspace.finops("run").exit_code == 0
    costs = "select sum(BilledCost)::varchar, sum(EffectiveCost)::varchar from focus"
    assert [float(value) for value in workspace.rows(costs)[0]] == [2.5, 2.5]

    (amortised / "manifest.json").unlink()
    lost = workspace.finops("run")
    assert lost.exit_code == 0
    assert "its amortised part is not there any more" in lost.stderr
    assert [float(value) for value in workspace.rows(costs)[0]] == [2.5, 0]

    tandem(workspace, "cost", "Actual", "r2", [row], day="02", count=3)
    short = workspace.finops("run")
    assert (short.exit_code, "it counts 3 rows, its files have 1" in short.stderr) == (2, True)

    tandem(workspace, "cost", "Actual", "r3", [], day="03")
    emptied = workspace.finops("run")
    assert emptied.exit_code == 0, emptied.stderr
    assert "published with no rows" in emptied.stderr
    assert workspace.rows("select count(*) from focus") == [(0,)]
