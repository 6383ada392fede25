"""A mapped form's costs computed anew from the raw rows, and which of its rules hold for them.

A mapping is one row's expression: its model on a few rows of the bill gives what it gave on all of
them. Models that are SQL may read the whole bill (a pool, a residue), so none of these is run.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from finops_stack.build.bill_rows import BillFiles, relation_sql
from finops_stack.build.mapped import focus_model, rules_model
from finops_stack.build.portable import render
from finops_stack.explain.formula import COSTS
from finops_stack.ingest.landed import LandedFile
from finops_stack.period import BillingPeriod
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.warehouse.engine import EngineError
from finops_stack.warehouse.register import DeliveryRow
from finops_stack.warehouse.sql import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Recomputed:
    """What today's mapping makes of a charge's raw row. rules: numbers of those that hold."""

    costs: Mapping[str, Decimal]
    rules: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Conversion:
    """What a bill is converted by: the vendor's folder and what the source's settings say."""

    vendor: Vendor
    form: Form
    given: Mapping[str, str]


def recompute(
    connection: "DuckDBPyConnection",
    by: Conversion,
    delivery: DeliveryRow,
    rows: Mapping[LandedFile, Sequence[int]],
) -> dict[tuple[str, int, int], Recomputed]:
    """(file, row, part) → costs by today's mapping; none where it no longer runs on this bill."""
    found: dict[tuple[str, int, int], Recomputed] = {}
    with TemporaryDirectory(prefix="finops-explain-") as folder:
        _write_vocabulary(by.vendor, Path(folder))
        connection.execute(f"set file_search_path = {quote_text(folder)}")
        for file, numbers in rows.items():
            bill_rows = _bill_rows(by, delivery, file, numbers)
            with suppress(EngineError):
                found |= _of_file(connection, by, file.name, bill_rows)
    connection.execute("reset file_search_path")
    return found


def _of_file(
    connection: "DuckDBPyConnection", by: Conversion, file: str, bill_rows: str
) -> dict[tuple[str, int, int], Recomputed]:
    model = render(focus_model(by.vendor, by.form), "duckdb")
    charges = connection.execute(
        f"with bill_rows as ({bill_rows})\n"
        f"select x_SourceRow, x_SourcePart, {', '.join(COSTS)} from (\n{model}\n)"
    ).fetchall()
    held: dict[int, frozenset[int]] = {}
    if by.form.rules:
        rules = render(rules_model(by.vendor, by.form), "duckdb")
        asked = f"with bill_rows as ({bill_rows})\nselect x_SourceRow, holds from (\n{rules}\n)"
        for row, holds in connection.execute(asked).fetchall():
            held[row] = frozenset(number for number in holds if number)
    return {
        (file, row, part): Recomputed(
            dict(zip(COSTS, costs, strict=True)), held.get(row, frozenset())
        )
        for row, part, *costs in charges
    }


def _bill_rows(
    by: Conversion, delivery: DeliveryRow, file: LandedFile, numbers: Sequence[int]
) -> str:
    """The raw rows of these numbers, as models read them."""
    layouts = [each for each in by.vendor.layouts if each.name == delivery.layout]
    bill = BillFiles(
        delivery.source,
        BillingPeriod.parse(delivery.billing_period),
        delivery.delivery_id,
        delivery.delivered_at,
        by.form,
        (file,),
        by.given,
        layouts[0] if layouts else None,
    )
    listed = ", ".join(str(int(number)) for number in numbers)
    return f"select * from ({relation_sql(bill)}) where x_SourceRow in ({listed})"


def _write_vocabulary(vendor: Vendor, folder: Path) -> None:
    """The files that models read, at the places they read them from."""
    place = folder / "vocabulary"
    (place / vendor.name).mkdir(parents=True)
    (place / "account_names.csv").write_text("account_id,account_name\n", encoding="utf-8")
    for name, text in vendor.vocabulary().items():
        (place / vendor.name / name).write_text(text, encoding="utf-8")
