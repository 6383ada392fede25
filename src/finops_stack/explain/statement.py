"""A statement that adds up a cost, read for the rows it adds up. Parsing is sqlglot's."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from finops_stack.errors import InputError
from finops_stack.explain.formula import COSTS
from finops_stack.explain.selection import OwnResult, OwnSum, Selection
from finops_stack.focus.spec import VERSIONS, canonical_columns, canonical_expression, columns
from finops_stack.warehouse.lake import LAKE

_VIEWS = {f"focus_{version.replace('.', '_')}": version for version in VERSIONS}
_MARTS = ("cost_by_month", "cost_by_day")
_MEASURES = {
    "billed_cost": "BilledCost",
    "effective_cost": "EffectiveCost",
    "list_cost": "ListCost",
    "contracted_cost": "ContractedCost",
}
_DAY = "cast(ChargePeriodStart as date)"
# Clauses with which the result is not the sum of all rows that WHERE leaves.
_NAMES = ("this", "db", "catalog", "alias")
_CUTS = ("having", "qualify", "limit", "offset", "distinct", "sample", "windows", "laterals")
SHAPES = (
    "write SELECT [columns,] sum(COST) FROM focus [WHERE …] [GROUP BY …]: one table, no join;"
    f" COST is one of {', '.join(COSTS)}; the table can also be {', '.join(_VIEWS)}, or"
    f" {', '.join(_MARTS)} with their own costs; what groups are shown goes into WHERE, not into"
    " HAVING or LIMIT"
)


@dataclass(frozen=True)
class Statement:
    """What a statement adds up: the FOCUS cost column, and of which charges."""

    column: str
    selection: Selection


def read_statement(text: str, column: str | None = None) -> Statement:
    """The charges behind a statement's sum. column: which of several sums is meant.

    Raises InputError for what is not one sum over one table, naming the shapes understood.
    """
    tree = _parsed(text)
    select = _merged(tree)
    table = _table(select)
    sums = list(_sums(select, table.name.lower()))
    found = [each for each in sums if column in (None, each.cost)] or sums
    first = found[0]
    if len({each.condition for each in found if each.cost == first.cost}) > 1:
        raise _refused(f"it has two sums of {first.cost}, of different rows")
    cost = column or first.cost
    selection = _selection(select, table, first, cost)
    place = _place(tree, first) if cost == first.cost else None
    result = OwnResult(text, place) if place is not None else None
    return Statement(cost, replace(selection, result=result))


def _place(tree: exp.Expr, found: "_Sum") -> int | None:
    """Where the statement's own result has the bare sum; None where it is computed with."""
    for place, each in enumerate(tree.expressions):
        value = each.unalias()
        filtered = isinstance(value, exp.Filter)
        total = value.this if filtered else value
        if isinstance(total, exp.Sum) and total.this.name.lower() == found.measure:
            return place
    return None


@dataclass(frozen=True)
class _Sum:
    """A sum in the statement: its column there, the FOCUS column, its FILTER as SQL."""

    measure: str
    cost: str
    condition: str


def _refused(why: str) -> InputError:
    return InputError(f"this statement cannot be explained: {why}", hint=SHAPES)


def _parsed(text: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(text, read="duckdb") if tree is not None]
    except SqlglotError as error:
        raise _refused("it cannot be read as SQL") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _refused("it is not one SELECT")
    return trees[0]


def _merged(tree: exp.Expr, ctes: dict[str, exp.Expr] | None = None) -> exp.Select:
    """One select over a table: selects around and inside it that keep rows as they are merged."""
    if isinstance(tree, exp.Subquery):
        tree = tree.this
    if not isinstance(tree, exp.Select):
        raise _refused("it joins the results of several selects")
    known = dict(ctes or {}) | {cte.alias.lower(): cte.this for cte in tree.ctes}
    source = _from(tree)
    inner = source.this if isinstance(source, exp.Subquery) else known.get(source.name.lower())
    if inner is None or (isinstance(source, exp.Table) and source.args.get("db")):
        return tree
    below = _merged(inner, {k: v for k, v in known.items() if v is not inner})
    if not _adds_up(tree):
        _require_whole(tree, "the select around the sum")
        if tree.args.get("where") or tree.args.get("group"):
            raise _refused("the select around the sum leaves groups out")
        return below
    return _over(tree, below, source.alias_or_name)


def _over(tree: exp.Select, below: exp.Select, name: str) -> exp.Select:
    """A sum over a select that only leaves rows out, as a sum over that select's table."""
    if _adds_up(below) or below.args.get("group"):
        raise _refused("it adds up sums")
    _require_whole(below, "the inner select")
    if any(not (each.is_star or isinstance(each, exp.Column)) for each in below.expressions):
        raise _refused("the inner select computes columns")
    table = _from(below).copy()
    old = table.alias_or_name
    table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
    merged = tree.copy()
    merged.set("with_", None)
    merged.from_(table, copy=False)
    if where := below.args.get("where"):
        condition = where.this.copy()
        for column in condition.find_all(exp.Column):
            if column.table == old:
                column.set("table", exp.to_identifier(name))
        merged.where(condition, copy=False)
    return merged


def _from(select: exp.Select) -> exp.Expr:
    start = select.args.get("from_")
    if start is None:
        raise _refused("it reads no table")
    if select.args.get("joins"):
        raise _refused("it joins tables")
    table: exp.Expr = start.this
    return table


def _require_whole(select: exp.Select, what: str) -> None:
    for clause in _CUTS:
        if select.args.get(clause):
            raise _refused(f"{what} has {clause.upper()}")


def _adds_up(select: exp.Select) -> bool:
    return any(each.find(exp.AggFunc) for each in select.expressions)


def _table(select: exp.Select) -> exp.Table:
    _require_whole(select, "it")
    if any(each.find(exp.Window) for each in select.expressions):
        raise _refused("it uses a window")
    table = _from(select)
    _require_plain_groups(select)
    known = ("focus", *_VIEWS, *_MARTS)
    if not isinstance(table, exp.Table) or table.name.lower() not in known:
        raise _refused(f'"{table.name or table.sql("duckdb")}" is no table of charges')
    if table.catalog.lower() not in ("", LAKE) or table.db.lower() not in ("", "main", LAKE):
        raise _refused(f'"{table.sql("duckdb")}" is no table of charges')
    if any(value for name, value in table.args.items() if name not in _NAMES):
        raise _refused("it reads a part of the table, or another version of it")
    return table


def _require_plain_groups(select: exp.Select) -> None:
    group = select.args.get("group")
    if group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
        raise _refused("it has groups of several sizes")


def _sums(select: exp.Select, table: str) -> Iterator[_Sum]:
    measures = _MEASURES if table in _MARTS else {name.lower(): name for name in COSTS}
    found = False
    for each in (node for one in select.expressions for node in one.find_all(exp.Sum)):
        name = each.this.name.lower() if isinstance(each.this, exp.Column) else ""
        if name not in measures:
            raise _refused(f"{each.sql('duckdb')} is no sum of a cost column")
        found = True
        parent = each.parent
        kept = parent.expression.this if isinstance(parent, exp.Filter) else None
        yield _Sum(name, measures[name], kept.sql("duckdb") if kept else "")
    if not found:
        raise _refused("it has no sum of a cost column")


def _selection(select: exp.Select, table: exp.Table, found: _Sum, cost: str) -> Selection:
    name, alias = table.name.lower(), table.alias_or_name
    where = select.args.get("where")
    conditions = [where.this.sql("duckdb")] if where else []
    conditions += [found.condition] if found.condition else []
    own_where = " and ".join(f"({each})" for each in conditions) or "true"
    keys = tuple(_keys(select))
    own = None
    if name in _MARTS:
        measure = next(m for m, focus_name in _MEASURES.items() if focus_name == cost)
        own = OwnSum(
            f"select BillingCurrency, sum({measure})::decimal(38, 15) from {LAKE}.main.{name}"
            f' as "{alias}" where {own_where} group by all',
            name,
        )
    named = _aliases(select)
    return Selection(
        words=own_where if conditions else f"all of {name}",
        where=_over_focus(own_where, name, named),
        relation=f'{LAKE}.main.focus as "{alias}"',
        keys=tuple(_over_focus(key, name, {}) for key in keys),
        own=own,
    )


def _keys(select: exp.Select) -> Iterator[str]:
    """What the result's groups are told apart by: what it shows beside the sums."""
    for each in select.expressions:
        if not each.find(exp.AggFunc) and not each.is_star and not _is_literal(each):
            yield each.unalias().sql("duckdb")


def _is_literal(projection: exp.Expr) -> bool:
    return isinstance(projection.unalias(), exp.Literal | exp.Null | exp.Boolean)


def _aliases(select: exp.Select) -> dict[str, exp.Expr]:
    """Names the select gives, which DuckDB takes in WHERE where no column has them."""
    columns_there = {column.name.lower() for column in canonical_columns()}
    return {
        each.alias.lower(): each.unalias()
        for each in select.expressions
        if each.alias and each.alias.lower() not in columns_there and not each.find(exp.AggFunc)
    }


def _over_focus(condition: str, table: str, aliases: dict[str, exp.Expr]) -> str:
    """The condition in columns of `focus`, where the table calls them otherwise."""
    tree = exp.Tuple(expressions=[sqlglot.parse_one(condition, read="duckdb")])
    for column in list(tree.find_all(exp.Column)):
        if column.find_ancestor(exp.Query):
            continue
        name = column.name.lower()
        if name in aliases and not column.table:
            column.replace(exp.paren(aliases[name].copy()))
        elif other := _other(name, table, column):
            column.replace(exp.paren(sqlglot.parse_one(other, read="duckdb")))
    text: str = tree.expressions[0].sql("duckdb")
    return text


def _other(name: str, table: str, column: exp.Column) -> str | None:
    """What stands for a column of a view or mart; None: the column itself."""
    if table in _MARTS:
        if name == "charge_date" and table == "cost_by_day":
            return _DAY
        if name in _MEASURES or name == "charges":
            raise _refused(f"it asks for {column.name}, which {table} has of groups of charges")
        return None
    if table in _VIEWS:
        for each in columns(_VIEWS[table]):
            if each.name.lower() == name and canonical_expression(each.name) != each.name:
                return canonical_expression(each.name)
    return None
