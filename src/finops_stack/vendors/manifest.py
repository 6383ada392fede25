"""vendor.toml as values. What each key means: docs/vendor-folders.md."""

import re
import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from finops_stack.errors import InputError
from finops_stack.vendors.focus_base import with_focus_columns
from finops_stack.vendors.inherit import with_inherited
from finops_stack.vendors.layouts import Layout, compiled
from finops_stack.vendors.mapping import Mapped
from finops_stack.vendors.mapping_check import require_mapping
from finops_stack.vendors.vocabulary import read_vocabulary, with_additions

Kind = Literal["text", "money", "time", "map"]
RecordKind = Literal["text", "money", "time"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VendorHead(_Part):
    """Who the vendor is, and how far its folder can be trusted."""

    title: str
    status: Literal["documented", "proven"] = Field(
        default="documented",
        description="documented: from the provider's pages and samples; proven: on real bills",
    )
    gaps: tuple[str, ...] = Field(default=(), description="what is known not to be covered")


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
        if compiled(value).groups < 1:
            raise ValueError("pattern needs a group: it becomes the key")
        return value


class Form(Mapped):
    """What the rows of a bill look like, and which models read them.

    focus and control name models of the folder; without them they are made from the mapping.
    """

    name: str
    title: str
    extends: str = Field(default="", description="a form before it, from which it differs")
    recognised_by: tuple[str, ...] = Field(min_length=1)
    focus: str = ""
    control: str = ""
    commitments: str | None = None
    side: tuple[str, ...] = ()
    names: Literal["snake", "as_is", "last_parenthesis"] = "as_is"
    required: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    columns: Columns
    aliases: dict[str, str] = Field(default_factory=dict)
    records: dict[str, dict[str, RecordKind]] = Field(
        default_factory=dict, description="lists of structs: column → field → kind"
    )
    explode: str = Field(
        default="", description="a records column: one row for each of its records, x_SourcePart"
    )
    collect: tuple[Collect, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _focus_columns(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A form that is FOCUS already has every FOCUS column, in its newest name."""
        return with_focus_columns(values) if values.get("base") == "focus" else values

    @model_validator(mode="after")
    def _has_models_or_mapping(self) -> "Form":
        if not self.is_mapped and not (self.focus and self.control):
            raise ValueError("names no models (focus, control) and has no mapping")
        return self

    @model_validator(mode="after")
    def _maps_are_declared(self) -> "Form":
        unknown = sorted({rule.map for rule in self.collect} - set(self.columns.map))
        if unknown:
            raise ValueError(f"collect fills {unknown[0]}, which is not under columns.map")
        return self

    @model_validator(mode="after")
    def _explodes_records(self) -> "Form":
        if self.explode and self.explode not in self.records:
            known = ", ".join(self.records) or "none"
            raise ValueError(f'explode: "{self.explode}" is not under records; there: {known}')
        twice = sorted(self.exploded_columns().keys() & self.columns.kinds().keys())
        if twice:
            raise ValueError(f"explode: {twice[0]} is a column already")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that reads this form."""
        return tuple(m for m in (self.focus, self.control, self.commitments) if m) + self.side

    @property
    def is_mapped(self) -> bool:
        """Whether its models are made from its mapping."""
        return bool(self.mapping or self.base)

    def row_columns(self) -> dict[str, str]:
        """Column → kind of all a row of this form has, given ones included."""
        given = dict.fromkeys((*self.given, *self.may_give), "text")
        return {**self.columns.kinds(), **given, **self.exploded_columns()}

    def exploded_columns(self) -> dict[str, RecordKind]:
        """Column → kind of the fields of the records that are rows of their own."""
        fields = self.records.get(self.explode, {})
        return {f"{self.explode}_{field}": kind for field, kind in fields.items()}

    def normalise(self, delivered: str) -> str:
        """A delivered column name in this form's spelling."""
        name = _SPELLINGS[self.names](delivered)
        return _lowered(tuple(self.aliases.items())).get(name.lower(), name)

    def nested_paths(self) -> tuple[str, ...]:
        """The names of this form that are dotted paths into nested columns."""
        names = (
            *self.recognised_by,
            *self.required,
            *self.aliases,
            *self.columns.kinds(),
            *self.records,
        )
        return tuple(name for name in dict.fromkeys(names) if "." in name)


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
    additions: tuple[Path, ...] = Field(default=(), description="the user's vocabulary folders")

    @model_validator(mode="before")
    @classmethod
    def _name_models(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Models made from a mapping are called as the folder's own would be."""
        forms = [
            {
                "focus": f"{values['name']}__{form.get('name')}_focus",
                "control": f"{values['name']}__{form.get('name')}_control",
            }
            | form
            if form.get("mapping") or form.get("base")
            else form
            for form in with_inherited(values.get("forms", ()))
        ]
        return values | {"forms": forms}

    def form_of(self, columns: list[str]) -> Form | None:
        """The form whose recognising columns are all among the delivered names."""
        delivered = {column.lower() for column in columns}
        for form in self.forms:
            names = delivered | {form.normalise(column).lower() for column in columns}
            if all(column.lower() in names for column in form.recognised_by):
                return form
        return None

    def form(self, name: str) -> Form:
        """A form by its name."""
        return next(form for form in self.forms if form.name == name)

    def layout(self, name: str) -> Layout:
        """A layout by its name."""
        return next(layout for layout in self.layouts if layout.name == name)

    def nested_paths(self) -> tuple[str, ...]:
        """Dotted paths of all forms."""
        return tuple(dict.fromkeys(path for form in self.forms for path in form.nested_paths()))

    def models(self) -> dict[str, str]:
        """Model name → its SQL text, as the folder has it."""
        prefix = f"{self.name}__"
        return {
            path.stem: path.read_text(encoding="utf-8")
            for path in sorted(self.folder.glob(f"{prefix}*.sql"))
        }

    def vocabulary(self) -> dict[str, str]:
        """Vocabulary file name → its text, the user's own rows first."""
        files = read_vocabulary(self.folder / "vocabulary")
        for folder in self.additions:
            for name, text in read_vocabulary(folder).items():
                if name not in files:
                    known = ", ".join(sorted(files)) or "none"
                    raise InputError(
                        f"{folder / name} is no vocabulary of {self.name}",
                        hint=f"files of that vendor: {known}",
                    )
                files[name] = with_additions(files[name], text, self._keys(name), folder / name)
        return files

    def _keys(self, file: str) -> list[str]:
        """Columns of a vocabulary file by which the forms look things up."""
        lookups = [lookup for form in self.forms for lookup in form.lookups]
        found = [name for lookup in lookups if f"{lookup.file}.csv" == file for name in lookup.on]
        return list(dict.fromkeys(found))


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


@lru_cache
def _lowered(aliases: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {name.lower(): declared for name, declared in aliases}


def last_parenthesis(delivered: str) -> str:
    """`Abonnement-GUID (SubscriptionGuid)` → `SubscriptionGuid`; other names are unchanged."""
    found = _PARENTHESIS.search(delivered)
    return found[1] if found else delivered


_PARENTHESIS = re.compile(r"\(([^()]+)\)\s*$")
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "snake": snake,
    "as_is": str,
    "last_parenthesis": last_parenthesis,
}


def read_vendor(folder: Path, additions: tuple[Path, ...] = ()) -> Vendor:
    """Read one folder's vendor.toml. Raises InputError naming the key and what was expected.

    additions: folders whose csv files add rows to the vendor's vocabulary.
    """
    path = folder / "vendor.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        vendor = Vendor(name=folder.name, folder=folder, additions=additions, **values)
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
    for form in vendor.forms:
        if form.is_mapped:
            require_mapping(vendor, form)
    return vendor


def _require_models(vendor: Vendor) -> None:
    there = set(vendor.models())
    for form in vendor.forms:
        made = {form.focus, form.control} if form.is_mapped else set()
        missing = [model for model in form.models if model not in there | made]
        if missing:
            raise InputError(
                f'vendor "{vendor.name}", form "{form.name}": no {missing[0]}.sql in its folder',
                hint=f"add the model; models there: {', '.join(sorted(there)) or 'none'}",
            )
