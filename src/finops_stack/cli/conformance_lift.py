"""What reading a source that is FOCUS already repairs: its files and its rows by the same rules."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_stack.warehouse.sql import NO_HIVE, quote_name, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.cli.session import Session
    from finops_stack.conformance.rulebook import Judgement, Verdict
    from finops_stack.warehouse.register import DeliveryRow

# A form that is told by this column is FOCUS as it comes.
_MARK = "BilledCost"


@dataclass(frozen=True)
class Lift:
    """The files as delivered, and the rows made of them, judged by the files' version."""

    delivered: "Judgement"
    published: "Judgement"

    @property
    def repaired(self) -> "list[Verdict]":
        """Errors of the files that the rows do not have."""
        failed = {verdict.rule.id for verdict in self.published.errors}
        return [v for v in self.delivered.errors if v.rule.id not in failed]

    @property
    def kept(self) -> "list[Verdict]":
        """Errors of both, as the rows have them."""
        failed = {verdict.rule.id for verdict in self.delivered.errors}
        return [v for v in self.published.errors if v.rule.id in failed]

    @property
    def added(self) -> "list[Verdict]":
        """Errors that only the rows have."""
        failed = {verdict.rule.id for verdict in self.delivered.errors}
        return [v for v in self.published.errors if v.rule.id not in failed]


def judge_lift(session: "Session", connection: "DuckDBPyConnection", source: str) -> Lift | None:
    """None where no published bill of the source was FOCUS as it came."""
    from finops_stack.conformance.inputs import version_of
    from finops_stack.conformance.rulebook import judge_relation

    paths = _delivered_files(session, connection, source)
    if not paths:
        return None
    files = ", ".join(quote_text(path) for path in paths)
    raw = (
        f"read_parquet([{files}], union_by_name = true, filename = true,"
        f" file_row_number = true, {NO_HIVE})"
    )
    described = connection.execute(f"describe select * from {raw}").fetchall()
    version = version_of(str(row[0]) for row in described)
    rows = published_relation(version, source)
    return Lift(
        judge_relation(connection, raw, version=version),
        judge_relation(connection, rows, version=version),
    )


def published_relation(version: str, source: str | None) -> str:
    """The published rows, of one source or all, as a version has them."""
    from finops_stack.focus.spec import LINEAGE, version_select

    selected = version_select(version) + [(c.name, c.name) for c in LINEAGE]
    names = ", ".join(f"{expression} as {quote_name(name)}" for name, expression in selected)
    where = f" where x_SourceName = {quote_text(source)}" if source else ""
    return f"(select {names} from lake.main.focus{where}) as published"


def _delivered_files(
    session: "Session", connection: "DuckDBPyConnection", source: str
) -> list[str]:
    """Raw files behind the published rows, where they are FOCUS as they came."""
    from finops_stack.warehouse.register import deliveries, raw_name

    # A run records what became of a bill after the snapshot that it publishes.
    asked = "select distinct x_DeliveryId from lake.main.focus where x_SourceName = ?"
    current = {str(row[0]) for row in connection.execute(asked, [source]).fetchall()}
    found = {
        (row.billing_period, row.delivery_id): row
        for row in deliveries(connection, source=source)
        if row.delivery_id in current
    }
    return [
        f"{session.lake.raw_path}/{raw_name(str(file['path']))}"
        for row in _native(session, found.values())
        for file in row.parsed_files()
        if file["rows"]
    ]


def _native(session: "Session", found: Collection["DeliveryRow"]) -> "list[DeliveryRow]":
    """Those whose rows are FOCUS as they come, whatever their emitter leaves out."""
    forms = {(row.vendor, row.form): session.vendor(row.vendor).form(row.form) for row in found}
    return [row for row in found if _MARK in forms[row.vendor, row.form].recognised_by]
