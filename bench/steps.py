"""Single steps, each run as a process of its own: python bench/steps.py NAME ARGUMENTS.

Prints the seconds of the work alone, imports and preparations left out.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import duckdb

from finops_stack.build.lake_file import read_lake
from finops_stack.config import EngineSettings
from finops_stack.conformance.inputs import open_inputs
from finops_stack.conformance.rulebook import judge_relation
from finops_stack.focus.spec import canonical_columns, sql_type
from finops_stack.warehouse.engine import Engine
from finops_stack.warehouse.lake import transaction
from side_by_side import dlt_dict_rows, polars_focus

HERE = Path(__file__).parent
# As the lake writes its files.
LAKE_FILES = "format parquet, compression zstd, compression_level 1, row_group_size 40960"
Work = Callable[[], object]


def scan(data: str) -> Work:
    """L: every column of the Parquet file, read and hashed."""
    connection = duckdb.connect()
    sql = f"select bit_xor(hash(t)) from read_parquet('{data}') t"
    return lambda: connection.execute(sql).fetchall()


def judge(folder: str) -> Work:
    """Every rule of FOCUS 1.2, on files as anyone has them, with the limits a user has."""
    defaults = EngineSettings()
    engine = Engine(defaults.memory_limit, Path(tempfile.gettempdir()), defaults.threads)
    connection = engine.connect()
    (found,) = open_inputs(connection, Path(folder))
    return lambda: judge_relation(connection, found.relation, version="1.2")


def gunzip(data: str) -> Work:
    """gzip alone."""
    return lambda: subprocess.run(["gzip", "-dc", data], stdout=subprocess.DEVNULL, check=True)


def convert(project: str, model: str) -> Work:
    """The statement dbt ran last in this project: one bill into the lake's table of a model."""
    work = Path(project)
    sql = next((work / "target" / "compiled").rglob(f"{model}.sql")).read_text(encoding="utf-8")
    bill = json.loads((work / "bills.json").read_text(encoding="utf-8"))[0]
    stack = ExitStack()
    connection = stack.enter_context(read_lake(work).open())
    _in_folder(connection, work)
    connection.execute(f"create or replace temp view bill_rows as {bill['relation']}")

    def insert() -> None:
        with stack, transaction(connection):
            connection.execute(f"insert into lake.main.{model} by name {sql}")

    return insert


def rewrite(project: str, model: str, target: str) -> Work:
    """The finished rows of that bill, from memory to a file like the lake's: the least that
    conversion can cost."""
    work = Path(project)
    bill = json.loads((work / "bills.json").read_text(encoding="utf-8"))[0]
    start = bill["billing_period_start"]
    stack = ExitStack()
    connection = stack.enter_context(read_lake(work).open())
    connection.execute("set memory_limit = '4GB'")
    connection.execute(
        f"create temp table finished as select * from lake.main.{model}"
        f" where BillingPeriodStart = '{start}'"
    )

    def write() -> None:
        with stack:
            connection.execute(f"copy finished to '{target}' ({LAKE_FILES})")

    return write


def _in_folder(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Vocabulary is read by relative path, as dbt does in its project's folder."""
    connection.execute(f"set file_search_path = '{folder}'")


def statement(form: str, files: str, target: str) -> Work:
    """One statement of statements/ from a bill's files to a file with every FOCUS column."""
    select = (HERE / "statements" / f"{form}.sql").read_text(encoding="utf-8").format(files=files)
    connection = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {sql_type(c)}' for c in canonical_columns())
    connection.execute(f"create table shape ({columns})")
    sql = f"""copy (select * from shape union all by name ({select}))
        to '{target}' ({LAKE_FILES})"""
    return lambda: connection.execute(sql)


def dlt_dicts(data: str, rows: str) -> Work:
    """The usual way to use dlt: rows as dicts into a DuckDB file."""
    folder = tempfile.mkdtemp(prefix="bench-dlt-")
    load = dlt_dict_rows(Path(data), rows=int(rows), folder=Path(folder))

    def work() -> None:
        load()
        shutil.rmtree(folder)

    return work


def polars(data: str, target: str) -> Work:
    """polars: scan, convert, sink; FOCUS columns of one statement."""
    return polars_focus(Path(data), Path(target))


STEPS: dict[str, Callable[..., Work]] = {
    "scan": scan,
    "judge": judge,
    "gunzip": gunzip,
    "convert": convert,
    "rewrite": rewrite,
    "statement": statement,
    "dlt-dicts": dlt_dicts,
    "polars": polars,
}


def _cpu_s() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Prepare, then measure."""
    work = STEPS[sys.argv[1]](*sys.argv[2:])
    cpu_s, started = _cpu_s(), time.perf_counter()
    work()
    wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - cpu_s
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main()
