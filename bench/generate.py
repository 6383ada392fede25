"""Synthetic AWS Cost and Usage Reports, made by DuckDB SQL (cur2/): CUR 2.0, or legacy names.

  python bench/generate.py --rows 1000000 --out bills                    # one month, Parquet
  python bench/generate.py --rows 200000 --months 24 --start 2024-01     # 24 deliveries
  python bench/generate.py --rows 100000 --schema legacy --format csv.gz

The same rows, seed and start give the same bill under one DuckDB version. In every month, to
1e-6: a savings plan's covered lines and unused commitment add up to its fee, a reservation's
likewise, and each negation cancels the unblended cost of its covered line.
_truth-<period>.json has the sums.
"""

import argparse
import calendar
import json
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cur2_columns import OutColumn, out_columns

FOLDER = Path(__file__).parent / "cur2"
PREFIX, EXPORT, BUCKET = "billing", "cur", "example-billing"


@dataclass(frozen=True)
class Bill:
    """One month of one export. `run` names the execution: a new one is a restatement."""

    out: Path
    rows: int
    year: int = 2025
    month: int = 1
    seed: int = 7
    run: str = "run-0"
    schema: str = "cur2"
    format: str = "parquet"
    rows_per_file: int = 2_000_000
    discount: float = 0.0

    @property
    def start(self) -> str:
        """First day of the month."""
        return f"{self.year}-{self.month:02d}-01"

    @property
    def end(self) -> str:
        """First day of the month after."""
        return f"{self.year + self.month // 12}-{self.month % 12 + 1:02d}-01"

    @property
    def period(self) -> str:
        """2025-01"""
        return self.start[:7]


def make_bill(bill: Bill) -> list[Path]:
    """Write one delivery: data files, manifest, truth. Gives the data files."""
    with duckdb.connect() as connection:
        _build_lines(connection, bill)
        columns = out_columns(FOLDER, _literals(bill), schema=bill.schema, form=bill.format)
        files = _write_data(connection, bill, columns)
        _write_manifests(bill, files, columns)
        _write_truth(connection, bill)
    return [bill.out / PREFIX / EXPORT / file for file in files]


def _literals(bill: Bill) -> dict[str, object]:
    """What stands for each {name} in cur2/*."""
    return {
        "seed": bill.seed,
        "period_id": bill.period.replace("-", ""),
        "start": f"timestamp '{bill.start}'",
        "end": f"timestamp '{bill.end}'",
        "net": f"{1 - bill.discount} *" if bill.discount else "null::double *",
        "net_off": f"{-bill.discount} * cost" if bill.discount else "null",
    }


def fill(text: str, values: dict[str, object]) -> str:
    """{name} → value; other braces stay, they are SQL's."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _build_lines(connection: duckdb.DuckDBPyConnection, bill: Bill) -> None:
    hours = calendar.monthrange(bill.year, bill.month)[1] * 24
    plans = max(2, bill.rows // hours // 400)
    fees = hours * plans + 2 * plans + 40
    base = (bill.rows - fees) // 20 * 20
    if base < 20:
        raise SystemExit(f"--rows must be at least {fees + 20}")
    values = _literals(bill) | {
        "rows": bill.rows,
        "hours": hours,
        "plans": plans,
        "base": base,
        "groups": -(-(base // 20) // hours),
        "folder": FOLDER,
    }
    connection.execute(fill((FOLDER / "lines.sql").read_text(encoding="utf-8"), values))


def _write_data(
    connection: duckdb.DuckDBPyConnection, bill: Bill, columns: list[OutColumn]
) -> list[str]:
    text = bill.format == "csv.gz"
    folder = _data_folder(bill)
    (bill.out / PREFIX / EXPORT / folder).mkdir(parents=True, exist_ok=True)
    how = "format csv, header, compression gzip" if text else "format parquet, compression snappy"
    select = ", ".join(f'{column.sql} as "{column.name}"' for column in columns)
    files: list[str] = []
    for first in range(0, bill.rows, bill.rows_per_file):
        end = "csv.gz" if text else "snappy.parquet"
        files.append(f"{folder}/{EXPORT}-{len(files) + 1:05d}.{end}")
        where = f"where j >= {first} and j < {first + bill.rows_per_file}"
        if bill.rows <= bill.rows_per_file:
            where = ""
        target = bill.out / PREFIX / EXPORT / files[-1]
        connection.execute(f"copy (select {select} from line {where}) to '{target}' ({how})")
    return files


def _data_folder(bill: Bill) -> str:
    if bill.schema == "cur2":
        return f"data/BILLING_PERIOD={bill.period}"
    if bill.format == "csv.gz":
        return f"{_span(bill)}/{bill.run}"
    return f"{EXPORT}/year={bill.year}/month={bill.month}"


def _span(bill: Bill) -> str:
    return f"{bill.start.replace('-', '')}-{bill.end.replace('-', '')}"


def _write_manifests(bill: Bill, files: list[str], columns: list[OutColumn]) -> None:
    keys = [f"{PREFIX}/{EXPORT}/{file}" for file in files]
    if bill.schema == "cur2":
        manifest: dict[str, object] = {
            "executionId": bill.run,
            "exportName": EXPORT,
            "dataFiles": [f"s3://{BUCKET}/{key}" for key in keys],
            "columns": [{"name": c.name, "type": c.manifest_type} for c in columns],
        }
        places = [f"metadata/BILLING_PERIOD={bill.period}"]
    else:
        manifest = {
            "assemblyId": bill.run,
            "reportName": EXPORT,
            "bucket": BUCKET,
            "compression": "GZIP" if bill.format == "csv.gz" else "Parquet",
            "charset": "UTF-8",
            "reportKeys": keys,
            "billingPeriod": {
                "start": f"{bill.start.replace('-', '')}T000000.000Z",
                "end": f"{bill.end.replace('-', '')}T000000.000Z",
            },
            "columns": [
                {"category": c.name.split("/")[0], "name": c.name.split("/")[-1]} for c in columns
            ],
        }
        # The assembly's own, then the one above it, which is written last.
        places = [f"{_span(bill)}/{bill.run}", _span(bill)]
    for place in places:
        folder = bill.out / PREFIX / EXPORT / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{EXPORT}-Manifest.json").write_text(json.dumps(manifest, indent=1))


_EFFECTIVE = """case when lt = 'SavingsPlanNegation' then 0 when eff is not null then eff
    when sp is not null then sp_commit - sp_used when ri is not null then ri_fee - ri_used
    else cost end"""
_SUMS = {
    "rows": "count(*)",
    "billed": "sum(cost)",
    "effective": f"sum({_EFFECTIVE})",
    "sp_committed": "sum(sp_commit)",
    "sp_effective": f"sum({_EFFECTIVE}) filter (sp is not null)",
    "ri_fees": "sum(ri_fee)",
    "ri_effective": f"sum({_EFFECTIVE}) filter (ri is not null)",
}


def _write_truth(connection: duckdb.DuckDBPyConnection, bill: Bill) -> None:
    """The sums a converter's output must give, before a private discount."""
    row = connection.execute(f"select {', '.join(_SUMS.values())} from line").fetchone()
    truth: dict[str, object] = dict(zip(_SUMS, row or (), strict=True))
    by_type = "select lt, count(*), sum(cost) from line group by lt order by lt"
    truth["by_type"] = {t: [n, float(c)] for t, n, c in connection.execute(by_type).fetchall()}
    path = bill.out / f"_truth-{bill.period}.json"
    path.write_text(json.dumps(truth, indent=1, default=float))


def months_from(year: int, month: int, count: int) -> list[tuple[int, int]]:
    """So many months in a row, as (year, month)."""
    return [(year + (month - 1 + i) // 12, (month - 1 + i) % 12 + 1) for i in range(count)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("bills"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--start", default="2025-01")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--run", default=f"run-{int(time.time())}", help="name of the execution")
    parser.add_argument("--schema", choices=["cur2", "legacy"], default="cur2")
    parser.add_argument("--format", choices=["parquet", "csv.gz"], default="parquet")
    parser.add_argument("--rows-per-file", type=int, default=2_000_000)
    parser.add_argument("--discount", type=float, default=0.0, help="fills the net columns")
    options = vars(parser.parse_args())
    year, month = map(int, options.pop("start").split("-"))
    for when in months_from(year, month, options.pop("months")):
        started = time.perf_counter()
        bill = Bill(year=when[0], month=when[1], **options)
        make_bill(bill)
        print(f"{bill.period}: {bill.rows:,} rows in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
