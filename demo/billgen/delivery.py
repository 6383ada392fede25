"""Writes one execution as AWS Data Exports does: CREATE_NEW_REPORT, Parquet, CUR 2.0.

  <prefix>/<export>/data/BILLING_PERIOD=2026-09/<timestamp>-<uuid>/<export>-00001.snappy.parquet
  <prefix>/<export>/metadata/BILLING_PERIOD=2026-09/<timestamp>-<uuid>/<export>-Manifest.json
  <prefix>/<export>/metadata/BILLING_PERIOD=2026-09/<export>-Manifest.json      the newest

Source: vendors/aws.md, section 1.3.  Data first, then the execution's manifest, the newest last.
"""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta
from pathlib import Path

import duckdb

from billgen.company import Company, Run
from billgen.engine import Execution
from billgen.months import add_months

TYPES = {"DOUBLE": "double", "VARCHAR": "string", "TIMESTAMP_MS": "timestamp"}


def plan_execution(run: Run, index: int, number: int) -> Execution:
    """Name of a delivery: from the seed, so that a second run writes the same files."""
    month = run.month_list[index]
    name = f"tallowfen/{run.seed}/{month:%Y-%m}/{number}"
    token = uuid.uuid5(uuid.NAMESPACE_URL, name)
    # the first comes in the days after the month, a restatement six weeks later
    is_open = index == run.months - 1
    after = 0 if is_open else 2 + token.int % 5
    day = add_months(month, 1) + timedelta(days=after + 42 * number)
    clock = f"{4 + token.int % 3:02d}{token.int % 60:02d}{token.int // 60 % 60:02d}"
    return Execution(
        index=index,
        month=month,
        number=number,
        execution_id=f"{day:%Y%m%d}T{clock}Z-{token}",
        is_open=is_open,
    )


def write_delivery(
    con: duckdb.DuckDBPyConnection, company: Company, execution: Execution, out: Path
) -> None:
    """Copy view `export` to Parquet and write both manifests."""
    root = f"{company.prefix}/{company.export}"
    period = f"BILLING_PERIOD={execution.month:%Y-%m}"
    data = f"{root}/data/{period}/{execution.execution_id}"
    (out / data).mkdir(parents=True, exist_ok=True)
    keys = []
    for number, where in enumerate(cut_chunks(company, execution), 1):
        key = f"{data}/{company.export}-{number:05d}.snappy.parquet"
        part = out / f"{key}.part"
        con.execute(
            f"copy (select * exclude (n) from export where {where} order by n)"
            f" to {quote(part)} (format parquet, compression snappy)"
        )
        part.replace(out / key)
        keys.append(key)
    manifest = {
        "executionId": execution.execution_id,
        "exportName": company.export,
        "billingPeriod": describe_period(execution.month),
        "dataFiles": [f"s3://{company.bucket}/{key}" for key in keys],
        "columns": list_columns(con),
    }
    name = f"{company.export}-Manifest.json"
    write_json(out / root / "metadata" / period / execution.execution_id / name, manifest)
    write_json(out / root / "metadata" / period / name, manifest)


def cut_chunks(company: Company, execution: Execution) -> list[str]:
    """Conditions on n, the row's place in the bill: one condition a file."""
    if execution.index % company.two_chunk_every != company.two_chunk_every - 1:
        return ["true"]
    cut = "(select count(*) * 3 // 5 from bill)"
    return [f"n <= {cut}", f"n > {cut}"]


def describe_period(month: date) -> dict[str, str]:
    """Half-open period of a manifest."""
    form = "%Y-%m-%dT00:00:00.000Z"
    return {"start": month.strftime(form), "end": add_months(month, 1).strftime(form)}


def list_columns(con: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
    """Name and type of every delivered column."""
    rows = con.execute("describe select * exclude (n) from export").fetchall()
    return [{"name": str(r[0]), "type": TYPES.get(str(r[1]), "map")} for r in rows]


def quote(path: Path) -> str:
    """SQL text literal; COPY takes no parameter for its file."""
    return "'" + str(path).replace("'", "''") + "'"


def write_json(path: Path, value: object) -> None:
    """Whole file or none: readers poll manifests."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
