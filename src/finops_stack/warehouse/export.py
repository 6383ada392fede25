"""FOCUS data as files: what is selected, how a csv cell is written, and the COPY.

DuckDB writes the files itself; the figures of a file are read back from it.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from finops_stack.bill import BillKey, bills_condition
from finops_stack.errors import FinopsError
from finops_stack.focus.spec import LINEAGE, Column, columns, sql_type, version_select
from finops_stack.warehouse.engine import first_line
from finops_stack.warehouse.lake import LAKE
from finops_stack.warehouse.sql import quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# A file ends near this size: about a million rows of a bill as Parquet, half a million as csv.
_FILE_SIZE = {"parquet": "256MB", "csv": "512MB"}
_FORMAT = {
    "parquet": "format parquet, compression zstd",
    "csv": "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''",
}
# The codes of = + - @ tab CR (OWASP, "CSV Injection", read 2026-07), as in cli/format.py. By code:
# a million rows of 40 texts take 9.6 s, by regular expression 10.6 s, unguarded 4.3 s.
_FORMULA_CODES = "61, 43, 45, 64, 9, 13"


@dataclass(frozen=True)
class Figures:
    """What an exported or published bill adds up to; BilledCost by currency."""

    rows: int
    billed_cost: dict[str, Decimal]

    def cost_in(self, currency: str) -> Decimal:
        """In one currency; nothing where there is none."""
        return self.billed_cost.get(currency, Decimal(0))


def published_bills(connection: "DuckDBPyConnection") -> list[BillKey]:
    """Bills that have charges, by month and source."""
    rows = connection.execute(
        f"""select distinct BillingPeriodStart, x_SourceName from {LAKE}.main.cost_by_month
        order by all"""
    ).fetchall()
    return [BillKey(source, start) for start, source in rows]


def export_columns(version: str, *, lineage: bool) -> list[Column]:
    """The version's columns in its order, then the address of the raw row."""
    return [*columns(version), *(LINEAGE if lineage else ())]


def select_sql(version: str, bill: BillKey, *, lineage: bool, as_csv: bool) -> str:
    """One bill's rows in the shape of a FOCUS version; for csv every column is text."""
    expressions = dict(version_select(version))
    parts = []
    for column in export_columns(version, lineage=lineage):
        expression = expressions.get(column.name, column.name)
        if as_csv:
            expression = _csv_sql(expression, sql_type(column))
        parts.append(f"{expression} as {quote_name(column.name)}")
    return f"select {', '.join(parts)} from {LAKE}.main.focus where {bills_condition([bill])}"


def copy_bill(connection: "DuckDBPyConnection", select: str, folder: Path, kind: str) -> list[Path]:
    """Write a bill's rows into a folder of their own; gives the files in their order."""
    folder.mkdir(parents=True)
    options = f"{_FORMAT[kind]}, file_size_bytes {quote_text(_FILE_SIZE[kind])}"
    try:
        connection.execute(
            f"copy ({select}) to {quote_text(str(folder))} ({options}, overwrite_or_ignore true)"
        )
    except duckdb.Error as error:
        raise FinopsError(
            f"the export was not written: {first_line(error)}",
            hint='look at the free space of the disk and at "finops doctor"',
        ) from error
    return sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))


def figures_of_bill(connection: "DuckDBPyConnection", bill: BillKey, kind: str) -> Figures:
    """What is published; a currency as the files of that kind write it."""
    currency = _csv_sql("BillingCurrency", "varchar") if kind == "csv" else "BillingCurrency"
    relation = f"{LAKE}.main.focus where {bills_condition([bill])}"
    return _figures(connection, relation, currency=currency)


def figures_of_files(
    connection: "DuckDBPyConnection", files: list[Path], names: list[str], kind: str
) -> Figures:
    """What was written, read back from the files; `names`: their columns."""
    paths = ", ".join(quote_text(str(file)) for file in files)
    if kind == "parquet":
        return _figures(connection, f"read_parquet([{paths}])")
    types = ", ".join(f"{quote_text(name)}: 'varchar'" for name in names)
    return _figures(
        connection,
        f"read_csv([{paths}], columns = {{{types}}}, header = true, auto_detect = false,"
        " delim = ',', quote = '\"', escape = '\"')",
    )


def _figures(
    connection: "DuckDBPyConnection", relation: str, *, currency: str = "BillingCurrency"
) -> Figures:
    rows = connection.execute(
        f"""select coalesce({currency}, '') as currency, count(*),
            coalesce(sum(BilledCost::decimal(38, 15)), 0)
        from {relation} group by all order by all"""
    ).fetchall()
    return Figures(sum(row[1] for row in rows), {row[0]: row[2] for row in rows})


def _csv_sql(expression: str, data_type: str) -> str:
    """A column as the text of a csv cell; NULL stays NULL, which is written as nothing."""
    if data_type.startswith("decimal"):
        return f"rtrim(rtrim(({expression})::varchar, '0'), '.')"
    if data_type == "timestamp":
        return f"strftime({expression}, '%Y-%m-%dT%H:%M:%SZ')"
    if data_type.startswith("map"):
        return _map_sql(expression)
    if data_type == "varchar":
        text = f"replace({expression}, chr(0), '')"
        return f"case when ascii({text}) in ({_FORMULA_CODES}) then '''' || {text} else {text} end"
    return f"({expression})::varchar"


def _map_sql(expression: str) -> str:
    """JSON text; the costly way that removes NUL bytes is only gone where there is one."""
    clean = (
        f"map_from_entries(list_transform(map_entries({expression}), lambda entry:"
        " {'key': replace(entry.key, chr(0), ''), 'value': replace(entry.value, chr(0), '')}))"
    )
    return (
        f"case when contains(to_json({expression})::varchar, '\\u0000')"
        f" then to_json({clean})::varchar else to_json({expression})::varchar end"
    )
