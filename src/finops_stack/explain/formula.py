"""How a form fills a FOCUS column, as values: steps, and the raw columns they go back to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The specification's four costs, in the order in which they are shown.
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")


@dataclass(frozen=True)
class Step:
    """One way by which a column gets its value, in the words of the vendor's folder.

    place: a key of vendor.toml, or model and CTE. note: when it applies. about: what the model is.
    rule: the number of the rule in vendor.toml that says it, from 1; 0 for any other way.
    over_rows: it takes in other rows than the raw row itself (a sum, a window).
    """

    column: str
    expression: str
    place: str
    note: str = ""
    about: str = ""
    rule: int = 0
    over_rows: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self)


@dataclass(frozen=True)
class Formula:
    """All steps of one column, the column's own first.

    raw: columns of the form that the value is made of; asked: those that only decide which step
    or arm holds; given: what the source's settings say. words: what the folder's README says.
    """

    column: str
    steps: tuple[Step, ...]
    raw: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every raw column it names."""
        return tuple(dict.fromkeys((*self.raw, *self.asked)))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "column": self.column,
            "steps": [step.to_dict() for step in self.steps],
            "raw_columns": list(self.raw),
            "deciding_columns": list(self.asked),
            "given": list(self.given),
            "readme": list(self.words),
        }


@dataclass(frozen=True)
class FormFormulas:
    """The four costs of one form's rows. part: which charge of a raw row, where that matters.

    problem: why there are no formulas; '' where there are.
    """

    vendor: str
    form: str
    title: str
    by_column: Mapping[str, Formula]
    part: int | None = None
    problem: str = ""

    def of(self, column: str) -> Formula | None:
        """The formula of a cost column."""
        return self.by_column.get(column)

    def inputs(self) -> Iterator[str]:
        """Raw columns of all four, each once."""
        seen: dict[str, None] = {}
        for formula in self.by_column.values():
            seen |= dict.fromkeys(formula.inputs)
        yield from seen

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "vendor": self.vendor,
            "form": self.form,
            "title": self.title,
            "part": self.part,
            "problem": self.problem or None,
            "columns": {name: each.to_dict() for name, each in self.by_column.items()},
        }
