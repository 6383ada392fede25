"""Bills made by nise, through the pipeline: totals against nise's own rows, added up here.

Where nise writes a bill's rows but not the folders they are delivered in, those are made here as
the vendor's guide has them; no value is touched.
"""

import ast
import csv
import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from installation import Installation
from venvs import HERE, tool

MONTH, RUN = "20250901-20250930", "5e0d7a90-0c1e-4f6b-9a43-000000000001"
# The last place of a FOCUS cost: a cost with more places is rounded there, once a row.
_LAST_PLACE = Decimal("1e-15")
Totals = dict[str, tuple[int, Decimal]]


@dataclass(frozen=True)
class Bill:
    """One cloud: nise's lock file and arguments, and how its files become a delivery."""

    vendor: str
    lock: str
    arguments: tuple[str, ...]
    deliver: Callable[[Path, Path], list[Path]]
    cost: str
    currency: str
    given: str = ""


def compare(name: str, environments: Path, work: Path) -> tuple[Totals, Totals, str]:
    """Currency → rows and sum: as nise wrote them, as FOCUS has them; and what the run said.

    Raises: UnavailableError where nise cannot be had.
    """
    bill = BILLS[name]
    nise = tool(bill.lock, "nise", environments)
    made, folder = work / f"nise-{name}", work / f"installation-{name}"
    for each in (made, folder):
        shutil.rmtree(each, ignore_errors=True)
    (made / "out").mkdir(parents=True)
    static = str(HERE / "bills" / f"{name}.yml")
    command = [str(nise), "report", name, "--static-report-file", static, *bill.arguments]
    subprocess.run(command, cwd=made, check=True, capture_output=True)
    files = bill.deliver(made, folder / "bills")
    installation = Installation(folder, bill.vendor, bill.given)
    said = installation.run()
    return _added_up(bill, files), installation.totals(), said


def differences(raw: Totals, focus: Totals) -> list[str]:
    """Currencies whose sums differ by more than rounding each row's last place explains."""
    found = []
    for currency in sorted(raw.keys() | focus.keys()):
        rows, cost = raw.get(currency, (0, Decimal(0)))
        _, booked = focus.get(currency, (0, Decimal(0)))
        if abs(cost - booked) > rows * _LAST_PLACE:
            found.append(f"{currency}: {cost} in the bill, {booked} in FOCUS")
    return found


def _added_up(bill: Bill, files: list[Path]) -> Totals:
    totals: Totals = {}
    for file in files:
        for row in _rows(file):
            currency = row[bill.currency]
            cost = Decimal(row[bill.cost] or 0) + _credits(row)
            rows, before = totals.get(currency, (0, Decimal(0)))
            totals[currency] = (rows + 1, before + cost)
    return totals


def _rows(file: Path) -> Iterator[dict[str, str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _credits(row: dict[str, str]) -> Decimal:
    """A row of Google's bill carries what is taken off it."""
    listed = ast.literal_eval(row.get("credits") or "[]")
    credits = listed if isinstance(listed, list) else [listed]
    return sum((Decimal(str(each["amount"])) for each in credits if each), Decimal(0))


def _as_it_is(made: Path, bills: Path) -> list[Path]:
    """nise writes AWS's folders and manifests itself."""
    shutil.copytree(made / "out", bills)
    return sorted(bills.rglob("*.csv.gz"))


def _with_manifest(made: Path, bills: Path) -> list[Path]:
    """Azure: the folders of a Cost Management export and its manifest."""
    place = Path("exports/nise") / MONTH / RUN
    (bills / place).mkdir(parents=True)
    blobs = []
    for number, file in enumerate(sorted((made / "out").rglob(f"{MONTH}/*.csv")), 1):
        target = bills / place / f"part_0_{number:04d}.csv"
        shutil.copy(file, target)
        rows = sum(1 for _ in _rows(target))
        name, size = target.relative_to(bills).as_posix(), target.stat().st_size
        blobs.append({"blobName": name, "byteCount": size, "dataRowCount": rows})
    manifest = {
        "manifestVersion": "2024-04-01",
        "blobCount": len(blobs),
        "dataRowCount": sum(int(str(blob["dataRowCount"])) for blob in blobs),
        "exportConfig": {"exportName": "nise", "type": "ActualCost", "dataVersion": "2021-10-01"},
        "runInfo": {
            "submittedTime": "2025-10-07T03:10:41.7654321Z",
            "runId": RUN,
            "startDate": "2025-09-01T00:00:00",
            "endDate": "2025-09-30T00:00:00Z",
        },
        "blobs": blobs,
    }
    (bills / place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return sorted(bills.rglob("part_*.csv"))


def _with_json(made: Path, bills: Path) -> list[Path]:
    """Google: lists of records as JSON, as an export has them, not as Python prints them."""
    target = bills / "month=2025-09" / "export.csv"
    target.parent.mkdir(parents=True)
    (source,) = made.glob("*.csv")
    rows = list(_rows(source))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _json_text(value) for name, value in row.items()})
    return [source]


def _json_text(value: str) -> str:
    if not value.startswith(("[", "{")):
        return value
    return json.dumps(ast.literal_eval(value))


def _in_bucket(made: Path, bills: Path) -> list[Path]:
    """Oracle: the folder of cost reports, gzip."""
    (bills / "reports" / "cost-csv").mkdir(parents=True)
    for number, file in enumerate(sorted((made / "out").glob("report_cost*2025-09.csv")), 1):
        target = bills / "reports" / "cost-csv" / f"{number:016d}-00001.csv.gz"
        with gzip.open(target, "wb") as zipped:
            zipped.write(file.read_bytes())
    return sorted(bills.rglob("*.csv.gz"))


BILLS = {
    "aws": Bill(
        "aws",
        "nise",
        (
            "--aws-s3-bucket-name",
            "out",
            "--aws-s3-report-name",
            "nise",
            "--aws-s3-report-prefix",
            "cur",
        ),
        _as_it_is,
        "lineItem/UnblendedCost",
        "lineItem/CurrencyCode",
    ),
    "azure": Bill(
        "azure",
        "nise",
        (
            "--azure-container-name",
            "out",
            "--azure-report-name",
            "nise",
            "--azure-report-prefix",
            "cost",
        ),
        _with_manifest,
        "CostInBillingCurrency",
        "BillingCurrency",
    ),
    "gcp": Bill(
        "gcp",
        "nise",
        ("--gcp-report-prefix", "nise", "-r", "-w"),
        _with_json,
        "cost",
        "currency",
    ),
    "oci": Bill(
        "oci",
        "nise-oci",
        ("--oci-local-bucket", "out", "-w"),
        _in_bucket,
        "cost/myCost",
        "cost/currencyCode",
    ),
}
