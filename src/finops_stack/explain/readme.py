"""What a vendor's README says of a column: rows of its tables, and sentences led by its name."""

import re
from collections.abc import Iterator
from pathlib import Path

from finops_stack.explain.formula import COSTS

_BOLD = re.compile(r"\*\*(?P<name>[^*]+)\*\*")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LISTED = re.compile(r",\s*|\s+and\s+")
_RULER = re.compile(r"[\s|:-]+")


def words_of(folder: Path, column: str) -> tuple[str, ...]:
    """Each a line of plain text, as it stands there; none where the README says nothing."""
    path = folder / "README.md"
    if not path.is_file():
        return ()
    text = path.read_text(encoding="utf-8")
    return tuple(dict.fromkeys((*_rows(text, column), *_sentences(text, column))))


def _rows(text: str, column: str) -> Iterator[str]:
    """Rows of two-column and wider tables whose first cell lists the column."""
    names = {column, "four costs", "the four costs"} if column in COSTS else {column}
    head: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif not _RULER.fullmatch(line) and names & set(_LISTED.split(cells[0].replace("`", ""))):
            said = zip(head[1:], cells[1:], strict=False)
            yield "; ".join(f"{name}: {cell}" if len(cells) > 2 else cell for name, cell in said)


def _sentences(text: str, column: str) -> Iterator[str]:
    """What follows **List cost** up to the next words in bold, for ListCost."""
    words = _CAPITAL.sub(" ", column).lower()
    for paragraph in re.split(r"\n\s*\n", text):
        plain = " ".join(paragraph.split())
        marks = list(_BOLD.finditer(plain))
        if paragraph.startswith("|") or not marks:
            continue
        ends = [mark.start() for mark in marks[1:]] + [len(plain)]
        for mark, end in zip(marks, ends, strict=True):
            if words in mark["name"].lower():
                yield plain[mark.start() : end].replace("**", "").strip()
