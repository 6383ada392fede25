"""The address of a FOCUS row as one text: SOURCE/DELIVERY/FILE:ROW:PART."""

import re
from dataclasses import dataclass

from finops_stack.errors import InputError

_ADDRESS = re.compile(r"(?P<source>[^/]+)/(?P<place>.+/.+?):(?P<row>\d+|-)(?::(?P<part>\d+))?")
_NOTHING = "-"


@dataclass(frozen=True)
class RowAddress:
    """Where a FOCUS row comes from; file and row are None where no raw row stands behind it.

    row: data row of the file, from 0. part: which of the raw row's charges; None means all.
    """

    source: str
    delivery_id: str
    file: str | None
    row: int | None
    part: int | None = None

    @classmethod
    def readings(cls, text: str) -> "list[RowAddress]":
        """What an address can mean: a delivery's id and a file's name may both hold a /.

        Raises: InputError for a text that is no address.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if not found:
            raise InputError(
                f'"{text}" is no address of a row',
                hint="write SOURCE/DELIVERY/FILE:ROW or SOURCE/DELIVERY/FILE:ROW:PART, as"
                ' "finops explain" prints it; -:- for FILE:ROW where there is no raw row',
            )
        source, place = found["source"], found["place"]
        row = None if found["row"] == _NOTHING else int(found["row"])
        part = int(found["part"]) if found["part"] else None
        splits = [(place[:at], place[at + 1 :]) for at, c in enumerate(place) if c == "/"]
        return [
            cls(source, delivery, None if file == _NOTHING else file, row, part)
            for delivery, file in splits
            if delivery and file and (file == _NOTHING) == (row is None)
        ]

    def __str__(self) -> str:
        row = _NOTHING if self.row is None else str(self.row)
        text = f"{self.source}/{self.delivery_id}/{self.file or _NOTHING}:{row}"
        return text if self.part is None else f"{text}:{self.part}"
