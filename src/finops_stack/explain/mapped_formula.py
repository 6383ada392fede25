"""Formulas of a form that is configuration: the expressions of its vendor.toml, as they stand."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from finops_stack.build.mapped import default_of
from finops_stack.explain.formula import COSTS, Formula, Step
from finops_stack.vendors.expressions import parse_expression
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.vendors.mapping import Lookup
from finops_stack.vendors.mapping_check import expression_columns


def mapped_formulas(vendor: Vendor, form: Form, part: int) -> dict[str, Formula]:
    """Cost column → formula. part: which charge of a raw row, 0 the row itself, then spreads."""
    columns = expression_columns(vendor, form)
    return {name: _Steps(vendor, form, part, columns).formula(name) for name in COSTS}


@dataclass
class _Steps:
    """Collects the steps of one column, and the raw columns in them."""

    vendor: Vendor
    form: Form
    part: int
    columns: dict[str, dict[str, str]]
    steps: list[Step] = field(default_factory=list)
    raw: dict[str, None] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)

    def formula(self, column: str) -> Formula:
        self._fill(column)
        told = {*self.form.given, *self.form.may_give}
        return Formula(
            column,
            tuple(self.steps),
            tuple(name for name in self.raw if name not in told),
            tuple(name for name in self.asked if name not in told and name not in self.raw),
            tuple(name for name in (*self.raw, *self.asked) if name in told),
        )

    def _fill(self, column: str) -> None:
        """The ways in the order in which the model takes them: the first that gives a value."""
        if any(step.column == column for step in self.steps):
            return
        said = list(self._spread(column) if self.part else self._said(column))
        for step, when in said:
            self.steps.append(step)
            self._read(step.expression, self.raw)
            if when:
                self._read(when, self.asked)
        default = default_of(self.vendor, self.form, column)
        if default is None:
            return
        note = "where that gives nothing" if said else "the bill does not say it apart"
        self.steps.append(Step(column, default, "default", note))
        for other in COSTS:
            if other != column and other in default:
                self._fill(other)

    def _spread(self, column: str) -> Iterator[tuple[Step, str]]:
        spread = self.form.spread[self.part - 1]
        if column in spread.set:
            place = f"spread.{spread.name}.set.{column}"
            yield Step(column, spread.set[column], place, f"where {spread.when}"), spread.when

    def _said(self, column: str) -> Iterator[tuple[Step, str]]:
        for number, rule in enumerate(self.form.rules, 1):
            if column in rule.set:
                place, note = f"rules.{number}.set.{column}", f"where {rule.when}"
                yield Step(column, rule.set[column], place, note, rule=number), rule.when
        for lookup in self.form.lookups:
            if column in lookup.give:
                place = f"lookups.{lookup.alias}.give.{column}"
                yield Step(column, f"{lookup.alias}.{lookup.give[column]}", place, _on(lookup)), ""
        if column in self.form.mapping:
            yield Step(column, self.form.mapping[column], f"mapping.{column}"), ""
        elif self.form.base == "focus" and column in self.form.columns.kinds():
            yield Step(column, column, "the bill's own column"), ""

    def _read(self, text: str, into: dict[str, None]) -> None:
        """The raw columns of an expression; of a look-up, those it is looked up by."""
        from sqlglot import exp

        for found in parse_expression(text, self.columns).find_all(exp.Column, bfs=False):
            if found.table == "source":
                into[found.name] = None
                continue
            for lookup in self.form.lookups:
                if lookup.alias == found.table:
                    for key in (*lookup.on.values(), *([lookup.at] if lookup.at else [])):
                        self._read(key, self.asked)


def _on(lookup: Lookup) -> str:
    keys = " and ".join(f"{column} = {text}" for column, text in lookup.on.items())
    return f"vocabulary/{lookup.file}.csv, {lookup.match} on {keys}"
