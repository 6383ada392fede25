"""A field of a nested column as a column of its own: dotted paths into structs and JSON text.

`with_nested` adds a column for each path that is there, under that very name; `relation_of` reads
them beside the file's own, so that all that follows treats them as any other column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from finops_stack.ingest.landed import RawColumn
from finops_stack.warehouse.sql import quote_name, quote_text

_TEXT = ("VARCHAR", "JSON")


def with_nested(columns: Sequence[RawColumn], paths: Iterable[str]) -> tuple[RawColumn, ...]:
    """The columns, and one for each path into one of them; names go without regard to case.

    What JSON text holds is not looked into: a path into it is taken to be there.
    """
    top = {column.delivered.lower(): column for column in reversed(columns)}
    nested = (_nested(top, path) for path in dict.fromkeys(paths) if path.lower() not in top)
    return (*columns, *(column for column in nested if column is not None))


def relation_of(read: str, columns: Sequence[RawColumn]) -> str:
    """What `read` gives, with the nested columns beside the file's own."""
    added = [f"{c.source} as {quote_name(c.name)}" for c in columns if c.source]
    return f"(select *, {', '.join(added)} from {read})" if added else read


def _nested(top: dict[str, RawColumn], path: str) -> RawColumn | None:
    head, *steps = path.split(".")
    root = top.get(head.lower())
    if root is None or not steps:
        return None
    place, kind = quote_name(root.name), root.type
    for number, step in enumerate(steps):
        if kind in _TEXT:
            found = RawColumn(path, path, "VARCHAR")
            return replace(found, source=json_field(place, steps[number:]))
        fields = {name.lower(): (name, field) for name, field in struct_fields(kind).items()}
        if step.lower() not in fields:
            return None
        name, kind = fields[step.lower()]
        place += f".{quote_name(name)}"
    return RawColumn(path, path, kind, source=place)


def json_field(text: str, steps: Sequence[str]) -> str:
    """A field of JSON text: a text without its quotes, a list or object as JSON; else NULL."""
    path = "$." + ".".join(f'"{step}"' for step in steps)
    return f"json_extract_string(try_cast({text} as json), {quote_text(path)})"


def struct_fields(kind: str) -> dict[str, str]:
    """Name → type of a STRUCT type as DuckDB writes it; none of any other type."""
    if not kind.startswith("STRUCT(") or not kind.endswith(")"):
        return {}
    fields = {}
    for part in _parts(kind.removeprefix("STRUCT(").removesuffix(")")):
        if part.startswith('"'):
            name, _, field = part[1:].partition('" ')
        else:
            name, _, field = part.partition(" ")
        fields[name.replace('""', '"')] = field
    return fields


def list_fields(kind: str) -> dict[str, str]:
    """Name → type of the structs in a list; none of any other type."""
    return struct_fields(kind.removesuffix("[]")) if kind.endswith("[]") else {}


def _parts(text: str) -> list[str]:
    """Split at commas that are in no bracket and no quotes."""
    parts, start, depth, quoted = [], 0, 0, False
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "()[]":
            depth += 1 if character in "([" else -1
        elif character == "," and depth == 0 and not quoted:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
