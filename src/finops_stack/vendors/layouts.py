"""How deliveries lie in a source: by manifests, or as data files that are recognised themselves."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# A key, perhaps each element of the list it holds: a path goes by names alone, but for `rows`.
_STEP = re.compile(r"[^.\[\]]+(\[\*\])?")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def compiled(pattern: str) -> re.Pattern[str]:
    """Compiled without regard to case; ValueError, which pydantic explains, when it is no regex."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error


class LayoutRead(_Part):
    """How text files are written, where not as csv with a header, or as a list of JSON objects."""

    header: tuple[str, ...] = Field(default=(), description="names of a csv that has no header row")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    skip_lines: int = Field(default=0, ge=0, description="lines before the header of a csv")
    quoted: bool = Field(default=True, description='whether " encloses values of a csv')
    rows: str = Field(
        default="", description='where the rows of a JSON document are: "data[*].results[*]"'
    )
    parent: tuple[str, ...] = Field(
        default=(), description='values of enclosing objects that go along: "data[*].start_time"'
    )

    @field_validator("rows")
    @classmethod
    def _is_path(cls, value: str) -> str:
        if value and not value.endswith("[*]"):
            raise ValueError('ends with a list of rows: "result.items[*]"')
        return _require_steps(value) if value else value

    @model_validator(mode="after")
    def _parents_enclose(self) -> "LayoutRead":
        for path in self.parent:
            place = _require_steps(path).rpartition("[*].")[0]
            if place and not self.rows.startswith(f"{place}[*]."):
                raise ValueError(f'parent {path} does not enclose rows = "{self.rows}"')
        return self


def _require_steps(path: str) -> str:
    if not all(_STEP.fullmatch(step) for step in path.split(".")):
        raise ValueError(f'"{path}" is no path such as data[*].results[*]')
    return path


class Layout(_Part):
    """How a delivery is recognised: by its manifest, or its data files by their names."""

    name: str
    title: str
    manifest: str = Field(default="", description="regex of a manifest's key")
    data_files: str = Field(default="", description="regex of a data file's key, without manifests")
    delivery_id: tuple[str, ...] = Field(
        default=(), description="JSON paths in the manifest; the first that is there is the id"
    )
    files: tuple[str, ...] = Field(default=(), description="JSON paths of the list of files")
    size: str = Field(default="", description="key of a listed file's size in bytes, if any")
    period: tuple[str, ...] = Field(
        default=(), description="JSON paths of the month, where the manifest's key tells none"
    )
    order: str = Field(
        default="version",
        description="what orders deliveries of a month: a group of the regex, or a JSON path",
    )
    rows: tuple[str, ...] = Field(
        default=(), description="JSON paths of the number of rows the files must have"
    )
    empty_ok: bool = Field(
        default=False, description="a manifest that lists no file is a month without charges"
    )
    part: tuple[str, ...] = Field(
        default=(), description="JSON paths of which part of the bill it is; or a group part"
    )
    part_names: dict[str, str] = Field(
        default_factory=dict, description="the word there, in any case → the part's name"
    )
    bills: tuple[tuple[str, ...], ...] = Field(
        default=(), description="which parts make a bill, best first"
    )
    scope: tuple[str, ...] = Field(
        default=(),
        description="JSON paths of what the export covers: parts of one bill cover the same",
    )
    scope_pattern: str = Field(
        default="", description="regex whose first group is the scope in the text there"
    )
    period_column: tuple[str, ...] = Field(
        default=(), description="column that tells each row's month; the first that is not empty"
    )
    period_of: Literal["start", "end", "month_start"] = Field(
        default="start",
        description="end: the month of the last moment before the value; month_start: the first"
        " column holds starts of months in any time zone, the nearest month is meant",
    )
    read: LayoutRead = LayoutRead()

    @field_validator("manifest", "data_files")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return compiled(value).pattern

    @field_validator("scope_pattern")
    @classmethod
    def _has_a_group(cls, value: str) -> str:
        if value and not compiled(value).groups:
            raise ValueError("has no group (…) that is the scope")
        return value

    @field_validator("period_column", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_whole(self) -> "Layout":
        if bool(self.manifest) == bool(self.data_files):
            raise ValueError("needs either manifest or data_files")
        groups = set(compiled(self.manifest or self.data_files).groupindex)
        named = bool({"period", "start"} & groups) or {"year", "month"} <= groups
        if self.manifest:
            self._require_manifest_keys(named)
        elif named == bool(self.period_column):
            raise ValueError(
                "data_files needs a named group period, start, or year and month;"
                " or else period_column"
            )
        self._require_parts(groups)
        return self

    def _require_manifest_keys(self, named: bool) -> None:
        if not (named or self.period):
            raise ValueError(
                "manifest needs a named group period, start, or year and month; or else period"
            )
        if not self.files:
            raise ValueError("needs files: where a manifest lists them")
        if self.period_column:
            raise ValueError("period_column is for data_files")

    def _require_parts(self, groups: set[str]) -> None:
        if bool(self.part or "part" in groups) != bool(self.bills):
            raise ValueError("part (or a group part) and bills go together")
        if self.scope and not self.bills:
            raise ValueError("scope is for bills that come in parts")
        if self.scope_pattern and not self.scope:
            raise ValueError("scope_pattern needs scope")
        known = set(self.part_names.values())
        unknown = sorted({part for parts in self.bills for part in parts} - known)
        if self.part_names and unknown:
            raise ValueError(f'bills: no part is called "{unknown[0]}" in part_names')

    @property
    def pattern(self) -> re.Pattern[str]:
        """Case-blind: folder names come in both cases."""
        return compiled(self.manifest or self.data_files)

    @property
    def order_is_group(self) -> bool:
        """Whether the key orders deliveries, rather than the manifest's content."""
        return self.order == "version" or self.order in self.pattern.groupindex

    def scope_of(self, text: str) -> str:
        """What an export covers; providers write it in any case."""
        if self.scope_pattern:
            found = compiled(self.scope_pattern).search(text)
            text = found[1] or "" if found else ""
        return text.strip("/").lower()

    def part_of(self, word: str) -> str:
        """The part's name for the word a delivery has; as it is where nothing is declared."""
        names = {word.lower(): part for word, part in self.part_names.items()}
        return names.get(word.lower(), "") if names else word
