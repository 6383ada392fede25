"""vendor.toml as values. What each key means: docs/vendor-folders.md."""

import re
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from finops_stack.errors import InputError

Kind = Literal["text", "money", "time", "map"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VendorHead(_Part):
    """Who the vendor is."""

    title: str


class Layout(_Part):
    """How a delivery's manifest is recognised and read."""

    name: str
    title: str
    manifest: str
    delivery_id: tuple[str, ...]
    files: tuple[str, ...]
    order: str = "version"

    @field_validator("manifest")
    @classmethod
    def _compiles(cls, value: str) -> str:
        groups = _compiled(value).groupindex
        if not ({"period", "start"} & set(groups) or {"year", "month"} <= set(groups)):
            raise ValueError("needs a named group period, start, or year and month")
        return value

    @property
    def pattern(self) -> re.Pattern[str]:
        """Case-blind: folder names come in both cases."""
        return re.compile(self.manifest, re.IGNORECASE)


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled without regard to case; ValueError, which pydantic explains, when it is no regex."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error


class Columns(_Part):
    """Raw columns the models use, by kind."""

    text: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    map: tuple[str, ...] = ()
    lenient: tuple[str, ...] = ()

    def kinds(self) -> dict[str, Kind]:
        """Column → kind, in declared order."""
        kinds: dict[str, Kind] = {}
        for kind in ("text", "money", "time", "map"):
            kinds |= dict.fromkeys(getattr(self, kind), kind)
        return kinds


class Collect(_Part):
    """Several delivered columns become one map column."""

    map: str
    pattern: str
    keys: Literal["as_is", "snake"] = "as_is"
    only: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _has_group(cls, value: str) -> str:
        if _compiled(value).groups < 1:
            raise ValueError("pattern needs a group: it becomes the key")
        return value


class Form(_Part):
    """What the rows of a bill look like, and which models read them."""

    name: str
    title: str
    recognised_by: tuple[str, ...] = Field(min_length=1)
    focus: str
    control: str
    commitments: str | None = None
    side: tuple[str, ...] = ()
    names: Literal["snake", "as_is"] = "as_is"
    required: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    columns: Columns
    aliases: dict[str, str] = Field(default_factory=dict)
    collect: tuple[Collect, ...] = ()

    @model_validator(mode="after")
    def _maps_are_declared(self) -> "Form":
        unknown = sorted({rule.map for rule in self.collect} - set(self.columns.map))
        if unknown:
            raise ValueError(f"collect fills {unknown[0]}, which is not under columns.map")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that reads this form."""
        return tuple(m for m in (self.focus, self.control, self.commitments) if m) + self.side

    def normalise(self, delivered: str) -> str:
        """A delivered column name in this form's spelling."""
        name = snake(delivered) if self.names == "snake" else delivered
        return self.aliases.get(name, name)


class XColumn(_Part):
    """A column of the vendor's own in the FOCUS table."""

    type: str
    description: str


class Vendor(_Part):
    """One vendor folder."""

    name: str
    folder: Path
    vendor: VendorHead
    layouts: tuple[Layout, ...]
    forms: tuple[Form, ...]
    x_columns: dict[str, XColumn] = Field(default_factory=dict)

    def form_of(self, columns: list[str]) -> Form | None:
        """The form whose recognising columns are all among the delivered names."""
        for form in self.forms:
            names = {form.normalise(column).lower() for column in columns}
            if all(column.lower() in names for column in form.recognised_by):
                return form
        return None

    def form(self, name: str) -> Form:
        """A form by its name."""
        return next(form for form in self.forms if form.name == name)

    def models(self) -> dict[str, str]:
        """Model name → its SQL text, as the folder has it."""
        prefix = f"{self.name}__"
        return {
            path.stem: path.read_text(encoding="utf-8")
            for path in sorted(self.folder.glob(f"{prefix}*.sql"))
        }

    def vocabulary(self) -> dict[str, str]:
        """Vocabulary file name → its text."""
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted((self.folder / "vocabulary").glob("*.csv"))
        }


_CAPITAL = re.compile(r"(?<=[a-z0-9A-Z])(?=[A-Z])")
_OTHER = re.compile(r"[^0-9a-z]+")


def snake(delivered: str) -> str:
    """`lineItem/UsageAmount` → `line_item_usage_amount`; `reservation/ReservationARN` → `…_a_r_n`.

    Each capital starts a word, as the vendor's own Parquet spelling of such names does.
    """
    if delivered == delivered.lower():
        return _OTHER.sub("_", delivered)
    parts = [_CAPITAL.sub("_", part) for part in delivered.split("/")]
    return _OTHER.sub("_", "_".join(parts).lower())


def read_vendor(folder: Path) -> Vendor:
    """Read one folder's vendor.toml. Raises InputError naming the key and what was expected."""
    path = folder / "vendor.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        vendor = Vendor(name=folder.name, folder=folder, **values)
    except FileNotFoundError as error:
        raise InputError(f"{folder} has no vendor.toml", hint="add one") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}", hint=f"mend {place}") from error
    _require_models(vendor)
    return vendor


def _require_models(vendor: Vendor) -> None:
    there = set(vendor.models())
    for form in vendor.forms:
        missing = [model for model in form.models if model not in there]
        if missing:
            raise InputError(
                f'vendor "{vendor.name}", form "{form.name}": no {missing[0]}.sql in its folder',
                hint=f"add the model; models there: {', '.join(sorted(there)) or 'none'}",
            )
