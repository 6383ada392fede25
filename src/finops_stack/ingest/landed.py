"""What landing leaves behind."""

from dataclasses import dataclass

from finops_stack.deliveries.delivery import Delivery


@dataclass(frozen=True)
class RawColumn:
    """One column of a raw file: its name in the file, as delivered, and its DuckDB type.

    The two names differ only where a csv has two columns that differ only in case.
    source: SQL over the file's own columns, of a field inside one of them; '' for these.
    """

    name: str
    delivered: str
    type: str
    source: str = ""


@dataclass(frozen=True)
class LandedFile:
    """One verified file. `path` is where DuckDB reads it; `sha256` that of the delivered bytes.

    rows: those of the bill; the file may hold rows of other months' bills as well.
    part: which part of the bill it is, such as its amortised costs; '' where bills have no parts.
    """

    name: str
    key: str
    size_bytes: int
    sha256: str
    rows: int
    columns: tuple[RawColumn, ...]
    path: str
    part: str = ""


@dataclass(frozen=True)
class Landed:
    """A delivery whose files are all in the raw zone."""

    delivery: Delivery
    form: str
    files: tuple[LandedFile, ...]

    @property
    def rows(self) -> int:
        """Data rows in all its files."""
        return sum(file.rows for file in self.files)
