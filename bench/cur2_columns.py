"""The columns of a synthetic report: names, types and the SQL that fills them."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TYPES = {
    "text": "varchar",
    "double": "double",
    "time": "timestamp_ms",
    "map": "map(varchar, varchar)",
}
_MANIFEST_TYPES = {"text": "string", "double": "double", "time": "timestamp", "map": "map"}
_TEXT_FORMS = {
    "map": "to_json({})::varchar",
    "time": "strftime({}, '%Y-%m-%dT%H:%M:%SZ')",
}
# A legacy report has a column for each key of these maps.
_LEGACY_KEYS = {
    "product": {"servicename": "product/servicename", "group": "product/group"},
    "resource_tags": {
        f"user_{key}": f"resourceTags/user:{key}" for key in ("team", "env", "cost_center")
    },
}


@dataclass(frozen=True)
class OutColumn:
    """One column as written."""

    name: str
    kind: str
    sql: str

    @property
    def manifest_type(self) -> str:
        """Its type as a manifest says it."""
        return _MANIFEST_TYPES[self.kind]


def out_columns(
    folder: Path, literals: Mapping[str, object], *, schema: str, form: str
) -> list[OutColumn]:
    """The columns of a schema (cur2 or legacy) in a format (parquet or csv.gz)."""
    legacy, text = schema == "legacy", form == "csv.gz"
    columns: list[OutColumn] = []
    for column in _cur2_columns(folder, literals):
        if legacy and column.kind == "map":
            columns += _one_per_key(column, text=text)
            continue
        sql = f"cast({column.sql} as {_TYPES[column.kind]})"
        if text:
            sql = _TEXT_FORMS.get(column.kind, "{}").format(sql)
        name = legacy_name(column.name) if legacy and text else column.name
        columns.append(OutColumn(name, column.kind, sql))
    return columns


def _cur2_columns(folder: Path, literals: Mapping[str, object]) -> Iterator[OutColumn]:
    with (folder / "columns.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sql = row["sql"] or "null"
            for name, value in literals.items():
                sql = sql.replace(f"{{{name}}}", str(value))
            yield OutColumn(row["column"], row["kind"], sql)


def _one_per_key(column: OutColumn, *, text: bool) -> Iterator[OutColumn]:
    for key, delivered in _LEGACY_KEYS.get(column.name, {}).items():
        snake = re.sub("[^a-z0-9]+", "_", delivered.replace("T", "_t").lower())
        yield OutColumn(delivered if text else snake, "text", f"({column.sql})['{key}']")


def legacy_name(name: str) -> str:
    """line_item_usage_amount → lineItem/UsageAmount"""
    found = re.match(r"(line_item|savings_plan|split_line_item|[a-z]+)_(.*)", name)
    assert found
    category, rest = found.groups()
    word = "".join(part.capitalize() for part in rest.split("_"))
    if category == "product":
        word = word[0].lower() + word[1:]
    return re.sub("_(.)", lambda m: m[1].upper(), category) + "/" + word
