"""Vocabulary files: the folder's own, and the rows a user adds to them."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from finops_stack.errors import InputError


def read_vocabulary(folder: Path) -> dict[str, str]:
    """File name → text, of every csv in a folder."""
    return {p.name: p.read_text(encoding="utf-8-sig") for p in sorted(folder.glob("*.csv"))}


def with_additions(text: str, added: str, keys: Sequence[str], path: Path) -> str:
    """The user's rows, then those of the folder whose key the user did not write.

    keys: columns that tell one row from another; none: the first column.
    Raises: InputError for a column the folder's file has not.
    """
    header, rows = _read(text)
    own_header, own_rows = _read(added)
    unknown = [name for name in own_header if name not in header]
    if unknown:
        raise InputError(
            f'{path}: column "{unknown[0]}" is not one of the vendor\'s own file',
            hint=f"columns there: {', '.join(header)}",
        )
    names = [name for name in keys if name in header] or header[:1]
    taken = {_key(row, names) for row in own_rows}
    kept = [row for row in rows if _key(row, names) not in taken]
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*own_rows, *kept])
    return out.getvalue()


def has_rows(text: str) -> bool:
    """Whether a file says anything below its header."""
    return bool(_read(text)[1])


def _read(text: str) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text))
    rows = [row for row in reader if any(row.values())]
    return list(reader.fieldnames or ()), rows


def _key(row: dict[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple((row.get(name) or "").lower() for name in names)
