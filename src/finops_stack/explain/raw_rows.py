"""The raw row behind a FOCUS row: its delivery, its file, its values as they were delivered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_stack.build.bill_rows import read_files
from finops_stack.ingest.landed import LandedFile, RawColumn
from finops_stack.ingest.nested import relation_of
from finops_stack.vendors.layouts import compiled
from finops_stack.vendors.manifest import Form
from finops_stack.warehouse.engine import EngineError
from finops_stack.warehouse.register import DeliveryRow, raw_name
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class RawRow:
    """A data row of a delivered file. values: delivered column → its text there, None for NULL."""

    file: LandedFile
    row: int
    values: Mapping[str, str | None]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the file as it was delivered, and where its copy lies."""
        return {
            "file": self.file.name,
            "key": self.file.key,
            "part": self.file.part or None,
            "sha256": self.file.sha256,
            "path": self.file.path,
            "row": self.row,
            "values": dict(self.values),
        }


def landed_file(delivery: DeliveryRow, name: str, raw_path: str) -> LandedFile | None:
    """The file of that base name, at its place today: the lake may have moved since it landed."""
    for entry in delivery.parsed_files():
        if entry["name"] == name:
            columns = tuple(RawColumn(**column) for column in entry["columns"])
            file = LandedFile(**(entry | {"columns": columns}))
            return replace(file, path=f"{raw_path}/{raw_name(file.path)}")
    return None


def is_kept(file: LandedFile) -> bool:
    """Whether a local raw file is still there; of a bucket's that is only told by reading it."""
    return "://" in file.path or Path(file.path).is_file()


def read_raw(
    connection: "DuckDBPyConnection",
    file: LandedFile,
    rows: Sequence[int],
    columns: Sequence[RawColumn],
) -> dict[int, RawRow]:
    """Row number → row, of the rows that are there; none where the file is no longer kept."""
    if not is_kept(file):
        return {}
    texts = "".join(f", cast({quote_name(column.name)} as varchar)" for column in columns)
    try:
        found = connection.execute(
            f"select file_row_number{texts} from {relation_of(read_files([file]), file.columns)}"
            f" where file_row_number in ({', '.join(str(int(row)) for row in rows)})"
        ).fetchall()
    except EngineError:
        return {}
    names = [column.delivered for column in columns]
    return {
        int(number): RawRow(file, int(number), dict(zip(names, values, strict=True)))
        for number, *values in found
    }


def delivered_columns(
    form: Form, columns: Sequence[RawColumn], names: Sequence[str]
) -> dict[str, list[RawColumn]]:
    """Column of the form → the delivered columns it is read from; none where the bill lacks it."""
    by_name = {form.normalise(column.delivered).lower(): column for column in reversed(columns)}
    found: dict[str, list[RawColumn]] = {}
    for name in names:
        place = form.explode if name in form.exploded_columns() else name
        plain = by_name.get(place.lower())
        found[name] = [plain] if plain else []
        found[name] += [c for c in _collected(form, columns, name) if c not in found[name]]
    return found


def _collected(form: Form, columns: Sequence[RawColumn], name: str) -> Iterator[RawColumn]:
    for rule in form.collect:
        if rule.map == name:
            pattern = compiled(rule.pattern)
            yield from (column for column in columns if pattern.search(column.delivered))
