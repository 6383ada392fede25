"""Formulas of a form whose models are SQL: a column followed through the models, step by step.

sqlglot parses the models; the walk is ours and goes only where the column leads: sqlglot's own
lineage() qualifies the whole chain first. A step that only hands a column on is not told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from sqlglot import exp, parse_one

from finops_stack.build.portable import spoken
from finops_stack.explain.formula import COSTS, Formula, Step
from finops_stack.explain.value_columns import deciding_columns, value_columns
from finops_stack.focus.spec import LINEAGE
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.vendors.mapping_check import BILL_COLUMNS, lookup_header

_BILL_ROWS = "bill_rows"
_CSV = ".csv"


def model_formulas(vendor: Vendor, form: Form) -> dict[str, Formula]:
    """Cost column → formula, from the models that make the form's FOCUS rows."""
    models = _Models(vendor, form)
    return {name: _Walk(models).formula(name) for name in COSTS}


@dataclass(frozen=True)
class _Relation:
    """A query of a model: one of its CTEs, its last select, or a subquery of these."""

    model: str
    cte: str
    query: exp.Expr

    @property
    def place(self) -> str:
        return f"{self.model} · {self.cte}" if self.cte else self.model


_Source = _Relation | str | None


class _Models:
    """The folder's models as trees, each parsed when the walk first comes to it."""

    def __init__(self, vendor: Vendor, form: Form) -> None:
        self.form = form
        self._vendor = vendor
        self._texts = vendor.models()
        self._ctes: dict[str, dict[str, exp.Expr]] = {}
        self._gives: dict[tuple[int, str], bool] = {}

    @cached_property
    def raw(self) -> dict[str, str]:
        """What bill_rows has: lower-case name → declared name."""
        lineage = (column.name for column in LINEAGE)
        names = (*self.form.row_columns(), *self.form.records, *BILL_COLUMNS, *lineage)
        return {name.lower(): name for name in names}

    def last(self, model: str) -> _Relation:
        """A model as what it gives."""
        if model not in self._ctes:
            tree = parse_one(spoken(self._texts[model]), read="duckdb")
            ctes = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}
            self._ctes[model] = ctes | {"": tree}
        return _Relation(model, "", self._ctes[model][""])

    def about(self, model: str) -> str:
        """The first sentence of the model's own description."""
        text = self._texts[model].lstrip()
        if not text.startswith("{#"):
            return ""
        words = " ".join(text.removeprefix("{#").partition("#}")[0].strip("- \n").split())
        return words.partition(". ")[0].rstrip(".")

    def source(self, at: _Relation, table: exp.Expr) -> _Source:
        """What a FROM or JOIN reads: a relation, 'bill_rows', a file's name; None: not known."""
        if isinstance(table, exp.Subquery):
            return _Relation(at.model, at.cte, table.this)
        name = table.name
        if isinstance(table, exp.Table) and isinstance(table.this, exp.Func):
            # a relation with one more column, such as a row's number: its first argument
            first = next(table.this.find_all(exp.Column), None)
            name = first.name if first else ""
        ctes = self._ctes[at.model]
        if name and name != at.cte and name in ctes:
            return _Relation(at.model, name, ctes[name])
        if name in self._texts:
            return self.last(name)
        return name if name == _BILL_ROWS or name.endswith(_CSV) else None

    def gives(self, source: _Source, column: str) -> bool:
        """Whether a source has a column."""
        if source is None:
            return False
        if isinstance(source, str):
            return column.lower() in self._names(source)
        key = (id(source.query), column.lower())
        if key not in self._gives:
            self._gives[key] = False
            self._gives[key] = self._query_gives(source, column)
        return self._gives[key]

    def _names(self, source: str) -> set[str]:
        if source == _BILL_ROWS:
            return set(self.raw)
        if source == "account_names.csv":
            return {"account_id", "account_name"}
        return {name.lower() for name in lookup_header(self._vendor, source.removesuffix(_CSV))}

    def _query_gives(self, at: _Relation, column: str) -> bool:
        if isinstance(at.query, exp.SetOperation):
            return self.gives(_Relation(at.model, at.cte, at.query.this), column)
        select = cast("exp.Select", at.query)
        if any(named(each) == column.lower() for each in select.expressions):
            return True
        return any(True for _ in self.starred(at, column))

    def starred(self, at: _Relation, column: str) -> Iterator[_Source]:
        """Sources that hand the column on by a star."""
        select = cast("exp.Select", at.query)
        sources = dict(sources_of(select))
        for each in select.expressions:
            star = each if isinstance(each, exp.Star) else each.this if each.is_star else None
            if star is None or column.lower() in _excluded(star):
                continue
            wanted = each.table if isinstance(each, exp.Column) else ""
            for alias, table in sources.items():
                if not wanted or alias == wanted:
                    source = self.source(at, table)
                    if self.gives(source, column):
                        yield source


def named(projection: exp.Expr) -> str:
    """The lower-case name a projection gives its column; '' for a star."""
    return "" if projection.is_star else projection.alias_or_name.lower()


def sources_of(select: exp.Select) -> Iterator[tuple[str, exp.Expr]]:
    """Alias → what is read, of FROM and every JOIN."""
    start = select.args.get("from_") or select.args.get("from")
    tables = [start.this] if start else []
    tables += [join.this for join in select.args.get("joins") or ()]
    for table in tables:
        yield table.alias_or_name, table


def _is_nothing(value: exp.Expr) -> bool:
    """NULL, of whatever type: what one side of a union has not."""
    return isinstance(value.this if isinstance(value, exp.Cast) else value, exp.Null)


def _excluded(star: exp.Expr) -> set[str]:
    left_out = star.args.get("except_") or star.args.get("except") or ()
    return {column.name.lower() for column in left_out}


@dataclass
class _Walk:
    """The way of one column from the FOCUS model back to the raw rows."""

    models: _Models
    steps: list[Step] = field(default_factory=list)
    raw: dict[str, None] = field(default_factory=dict)
    asked: dict[str, None] = field(default_factory=dict)
    seen: set[tuple[int, str]] = field(default_factory=set)

    def formula(self, column: str) -> Formula:
        """The column of the form's FOCUS model."""
        self._output(self.models.last(self.models.form.focus), column)
        asked = tuple(name for name in self.asked if name not in self.raw)
        if not self.steps:
            place = self.models.form.focus
            text = ", ".join(self.raw)
            self.steps = [Step(column, text, place, "handed on as it is delivered")]
        return Formula(column, tuple(self.steps), tuple(self.raw), asked)

    def _output(self, at: _Relation, column: str) -> None:
        key = (id(at.query), column.lower())
        if key in self.seen:
            return
        self.seen.add(key)
        if isinstance(at.query, exp.SetOperation):
            for side in (at.query.this, at.query.expression):
                self._output(_Relation(at.model, at.cte, side), column)
            return
        select = cast("exp.Select", at.query)
        for each in select.expressions:
            if named(each) == column.lower():
                self._projection(at, each, column)
                return
        for source in self.models.starred(at, column):
            self._source(source, column)
            return

    def _projection(self, at: _Relation, projection: exp.Expr, column: str) -> None:
        value = projection.unalias()
        if not isinstance(value, exp.Column) and not _is_nothing(value):
            self.steps.append(self._step(at, value, column))
        for found in value_columns(value):
            self._column(at, found, projection)
        for found in deciding_columns(value):
            if name := self._handed_on(at, found):
                self.asked[name] = None

    def _step(self, at: _Relation, value: exp.Expr, column: str) -> Step:
        over_rows = value.find(exp.AggFunc, exp.Window) is not None
        text = value.sql("duckdb", comments=False, normalize_functions="lower")
        about = self.models.about(at.model)
        return Step(column, text, at.place, about=about, over_rows=over_rows)

    def _column(self, at: _Relation, column: exp.Column, inside: exp.Expr) -> None:
        source = self._source_of(at, column)
        if source is not None:
            self._source(source, column.name)
            return
        # a name given earlier in the same select
        for each in cast("exp.Select", at.query).expressions:
            if each is not inside and named(each) == column.name.lower():
                self._projection(at, each, column.name)

    def _source(self, source: _Source, column: str) -> None:
        if isinstance(source, _Relation):
            self._output(source, column)
        elif source == _BILL_ROWS:
            self.raw[self.models.raw[column.lower()]] = None

    def _source_of(self, at: _Relation, column: exp.Column) -> _Source:
        for alias, table in sources_of(cast("exp.Select", at.query)):
            if not column.table or alias == column.table:
                source = self.models.source(at, table)
                if self.models.gives(source, column.name):
                    return source
        return None

    def _handed_on(self, at: _Relation, column: exp.Column) -> str | None:
        """The raw column that a column is, where every step only hands it on."""
        source = self._source_of(at, column)
        name = column.name
        while isinstance(source, _Relation):
            if isinstance(source.query, exp.SetOperation):
                source = _Relation(source.model, source.cte, source.query.this)
                continue
            made = [e for e in source.query.expressions if named(e) == name.lower()]
            if not made:
                source = next(self.models.starred(source, name), None)
                continue
            value = made[0].unalias()
            if not isinstance(value, exp.Column):
                return None
            source, name = self._source_of(source, value), value.name
        return self.models.raw.get(name.lower()) if source == _BILL_ROWS else None
