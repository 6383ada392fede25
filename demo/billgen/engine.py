"""Runs the SQL files.  They read what changes from DuckDB variables; none of them is a template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from billgen.company import Company, Run
from billgen.months import add_months

SQL = Path(__file__).resolve().parent / "sql"
MONTH_FILES_1 = ("03_demand", "04_reservations")
MONTH_FILES_2 = ("06_usage_lines", "07_fee_lines", "08_bill", "09_pods", "10_taxes", "11_export")


@dataclass(frozen=True)
class Execution:
    """One delivery of one month: `number` 0 is the first, 1 the restated one."""

    index: int
    month: date
    number: int
    execution_id: str
    is_open: bool


def connect(run: Run, company: Company) -> duckdb.DuckDBPyConnection:
    """In-memory database with the company's tables and its slots."""
    con = duckdb.connect()
    con.execute("set variable seed = ?", [str(run.seed)])
    con.execute("set variable words = ?", [company.words])
    for name, rows in company.tables.items():
        con.execute(f"set variable {name}_json = ?", [json.dumps(rows, default=str)])
    run_file(con, "01_tables")
    run_file(con, "02_slots")
    return con


def run_file(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Execute one SQL file."""
    con.execute((SQL / f"{name}.sql").read_text(encoding="utf-8"))


def build_bill(con: duckdb.DuckDBPyConnection, company: Company, execution: Execution) -> None:
    """Tables `bill` and view `export` for one month.

    Reservations take their part of the demand first, then the plans in their order.
    """
    in_contract = execution.index >= company.edp_from_month
    con.execute("set variable month_start = ?::timestamp", [execution.month])
    con.execute("set variable month_end = ?::timestamp", [add_months(execution.month, 1)])
    con.execute("set variable month_index = ?", [execution.index])
    con.execute("set variable edp = ?", [company.edp_pct / 100 if in_contract else 0.0])
    con.execute("set variable restated = ?", [execution.number > 0])
    con.execute("set variable is_open = ?", [execution.is_open])
    con.execute("set variable execution_id = ?", [execution.execution_id])
    for name in MONTH_FILES_1:
        run_file(con, name)
    for number in range(len(company.tables["savings_plan"])):
        con.execute("set variable sp_no = ?", [number])
        run_file(con, "05_savings_plan")
    for name in MONTH_FILES_2:
        run_file(con, name)
