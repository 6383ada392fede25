"""What a form can say without SQL: expressions, look-ups, ordered rules, rows more and less."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRead(_Part):
    """How one delivered column is written, where it is not written plainly."""

    decimal: Literal[".", ","] = Field(default=".", description="the decimal point of a number")
    group: str = Field(default="", description="what groups digits, such as . or a blank")
    strip: tuple[str, ...] = Field(
        default=(), description='what is no part of the number, such as "$" or "EUR"'
    )
    scale: str = Field(default="1", description='a number to multiply by: "0.01" for cents')
    null: tuple[str, ...] = Field(default=(), description="words that mean: nothing")
    negate: bool = Field(default=False, description="turn the sign")
    formats: tuple[str, ...] = Field(default=(), description="of a time, as strptime writes them")
    zone: str = Field(default="UTC", description="time zone of times that name none")
    end: Literal["exclusive", "inclusive_day", "inclusive_second", "inclusive_millisecond"] = Field(
        default="exclusive", description="an end that is itself part of the period"
    )


class Lookup(_Part):
    """A vocabulary file joined to the rows; its columns can be used as <name>.<column>."""

    file: str = Field(description="vocabulary/<file>.csv")
    name: str = Field(default="", description="how expressions call it; default: the file's name")
    on: dict[str, str] = Field(min_length=1, description="column of the file → expression")
    match: Literal["exact", "prefix", "regex"] = Field(
        default="exact", description="without regard to case; the longest prefix or pattern wins"
    )
    give: dict[str, str] = Field(default_factory=dict, description="FOCUS column ← its column")
    at: str | None = Field(
        default=None, description="a time; the row of the file valid then (valid_from, valid_to)"
    )
    needed: str = Field(
        default="",
        description="what the file is, where only the user can fill it: without rows of his own"
        " in it a bill of this form is refused",
    )

    @model_validator(mode="after")
    def _one_pattern(self) -> "Lookup":
        if self.match != "exact" and len(self.on) != 1:
            raise ValueError(f"a {self.match} look-up compares one column")
        return self

    @property
    def alias(self) -> str:
        """Its name in expressions."""
        return self.name or self.file


class Rule(_Part):
    """Where `when` holds, these columns have these values; the first rule that holds wins."""

    when: str
    set: dict[str, str] = Field(min_length=1)


class Spread(_Part):
    """One more FOCUS row of the raw row, where `when` holds."""

    name: str
    when: str
    set: dict[str, str] = Field(min_length=1)


class LeaveOut(_Part):
    """Rows that are no charges, by a rule that has a name."""

    rule: str
    when: str


class Refuse(_Part):
    """A delivery with a row of which `when` holds is not loaded, because …"""

    when: str = Field(description="over the row; look-ups cannot be used here")
    because: str


class Total(_Part):
    """The bill's own total, told apart from the mapping."""

    account: str
    currency: str
    billed: str


class Mapped(_Part):
    """The part of a form that stands in for its models."""

    base: Literal["", "focus"] = Field(
        default="", description='"focus": the bill is FOCUS already; the mapping says what differs'
    )
    one_cost: bool = Field(
        default=False, description="the bill has one cost: the other three are BilledCost"
    )
    mapping: dict[str, str] = Field(
        default_factory=dict, description="FOCUS column → expression over the form's columns"
    )
    lookups: tuple[Lookup, ...] = ()
    rules: tuple[Rule, ...] = ()
    spread: tuple[Spread, ...] = ()
    leave_out: tuple[LeaveOut, ...] = ()
    refuse: tuple[Refuse, ...] = ()
    total: Total | None = None
    read: dict[str, ColumnRead] = Field(default_factory=dict)
    given: dict[str, str] = Field(
        default_factory=dict, description="text columns the user's source gives → what they are"
    )
    may_give: dict[str, str] = Field(
        default_factory=dict, description="the same, of what most bills of the form say themselves"
    )
