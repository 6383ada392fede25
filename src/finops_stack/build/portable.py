"""Models in another engine's SQL: macros say what differs, sqlglot translates the rest.

A model is plain DuckDB SQL plus macros of dbt/macros/engines. Each macro call stands in the
text as a marked function while sqlglot translates what is around it and its arguments; then
the engine's own variant of the macro is put in its place, as it is written
(docs/decisions/0013-portable-sql.md).
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import jinja2
import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from finops_stack.build.plan import CORE

ENGINES = ("duckdb", "clickhouse", "bigquery", "snowflake")
# What a target has to set in each session, lest the same words mean something else.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "clickhouse": {
        # an outer join gives null where nothing fits, not 0 or ''
        "join_use_nulls": "1",
        # a select's own alias does not hide a column of that name
        "prefer_column_name_to_alias": "1",
        "session_timezone": "'UTC'",
        # 26.9 makes constants of the left side null when it swaps a left join's sides: 56.42 of
        # 1,127.92 USD of a fixture came out without a currency
        "query_plan_join_swap_table": "'false'",
    },
}
_CALL = "finops_call_"
_TEXT = "finops_text_"
_TEXTS = re.compile(rf'["`]?{_TEXT}(\d+)_["`]?')
_PACKAGE_MACROS = sorted((CORE / "macros" / "engines").glob("*.sql"))


def render(text: str, engine: str, *, relation: Callable[[str], str] = lambda name: name) -> str:
    """A model's text as one select in the engine's SQL.

    relation: what another model is called there, put in verbatim (dbt's ref, for instance).
    Raises sqlglot's errors for what cannot be said in that engine, KeyError for a macro of
    which it has no variant.
    """
    variants = _Variants(engine)
    if engine == "duckdb":
        return _expand(text, variants.dispatch, relation)
    calls = _Calls(relation)
    plain = _expand(text, calls.dispatch, calls.ref)
    tree = sqlglot.parse_one(plain, read="duckdb")
    _retype(tree, engine)
    if engine == "clickhouse":
        if any(union.args.get("by_name") for union in tree.find_all(exp.SetOperation)):
            raise UnsupportedError("ClickHouse has no UNION BY NAME: name the columns")
        for select in tree.find_all(exp.Select):
            _keep_names(select)
    texts = [*calls.relations]
    # from the leaves up, so that a call's arguments are text before the call is
    for node in reversed([n for n in tree.walk() if isinstance(n, exp.Func)]):
        if words := _own_words(node, engine, calls, variants):
            texts.append(words)
            node.replace(exp.to_identifier(f"{_TEXT}{len(texts) - 1}_"))
    return _filled(_sql(tree, engine, pretty=True), texts) + "\n"


def spoken(text: str) -> str:
    """A model's text with what differs by engine left as calls of the macros' own names: SQL to
    be read and parsed, never run. A file of the vocabulary is a table named after it."""

    def dispatch(name: str, _package: str = "") -> Callable[..., str]:
        def call(*arguments: Any, **names: Any) -> str:
            if "file" in names:
                return f'"{names["file"]}.csv"'
            leaves: list[str] = []
            _shape(arguments, leaves)
            return f"{name}({', '.join(leaves)})" if leaves else f'"{name}"'

        return call

    return _expand(text, dispatch, lambda name: name)


def macro_names() -> tuple[str, ...]:
    """The macros that differ by engine."""
    found = re.findall(r'adapter\.dispatch\("(\w+)"', _macro_text())
    return tuple(sorted(set(found)))


def _own_words(node: exp.Func, engine: str, calls: "_Calls", variants: "_Variants") -> str | None:
    """What the engine's macros say for a call, or for a function that sqlglot gets wrong."""
    if isinstance(node, exp.Anonymous):
        if not node.name.startswith(_CALL):
            return None
        return calls.expand(node.name, [_sql(a, engine) for a in node.expressions], variants)
    function = variants.function(type(node).sql_names()[0].lower())
    if function is None:
        return None
    values = [node.args.get(name) for name in node.arg_types]
    flat = [v for value in values for v in (value if isinstance(value, list) else [value])]
    return function(*(_sql(v, engine) for v in flat if isinstance(v, exp.Expr))).strip()


def _sql(tree: exp.Expr, engine: str, *, pretty: bool = False) -> str:
    # Quoted, for Snowflake and PostgreSQL would fold FOCUS's PascalCase otherwise.
    return tree.sql(engine, identify=True, pretty=pretty, unsupported_level=ErrorLevel.RAISE)


def _filled(text: str, texts: list[str]) -> str:
    while _TEXTS.search(text):
        text = _TEXTS.sub(lambda found: texts[int(found[1])], text)
    return text


class _Variants:
    """The engine's own macros, called with text that is in its SQL already."""

    def __init__(self, engine: str) -> None:
        self._prefix = "default" if engine == "duckdb" else engine

    def dispatch(self, name: str, _package: str = "") -> Callable[..., str]:
        variant = getattr(self.public(), f"{self._prefix}__{name}", None)
        if variant is None:
            raise KeyError(f"no {self._prefix}__{name} in dbt/macros/engines")
        found: Callable[..., str] = variant
        return found

    def function(self, name: str) -> Callable[..., str] | None:
        """Its words for a function that models write plainly."""
        found: Callable[..., str] | None
        found = getattr(self.public(), f"{self._prefix}_function__{name}", None)
        return found

    def public(self) -> Any:
        return _macros(self._prefix)


@cache
def _macros(prefix: str) -> Any:
    return _module(_Variants("duckdb" if prefix == "default" else prefix).dispatch)


class _Calls:
    """Macro calls of one model, each written as finops_call_N(its SQL arguments)."""

    def __init__(self, relation: Callable[[str], str]) -> None:
        self.relations: list[str] = []
        self._relation = relation
        self._calls: list[tuple[str, tuple[Any, ...], Mapping[str, Any]]] = []

    def ref(self, name: str) -> str:
        self.relations.append(self._relation(name))
        return f"{_TEXT}{len(self.relations) - 1}_"

    def dispatch(self, name: str, _package: str = "") -> Callable[..., str]:
        """Positional arguments are SQL and get translated, named ones are words and do not."""

        def call(*arguments: Any, **names: Any) -> str:
            leaves: list[str] = []
            self._calls.append((name, _shape(arguments, leaves), names))
            return f"{_CALL}{len(self._calls) - 1}_({', '.join(leaves)})"

        return call

    def expand(self, call: str, arguments: list[str], variants: _Variants) -> str:
        name, shape, names = self._calls[int(call.removeprefix(_CALL).rstrip("_"))]
        said = _reshape(shape, arguments)
        return variants.dispatch(name)(*said, **names).strip()


class _Leaf(int):
    """The place of an argument's text among a call's arguments."""


def _shape(value: Any, leaves: list[str]) -> Any:
    """Lists of lists of SQL as they are, each text replaced by its place."""
    if isinstance(value, list | tuple):
        return tuple(_shape(item, leaves) for item in value)
    if value is None or isinstance(value, bool):
        return value
    leaves.append(str(value).strip())
    return _Leaf(len(leaves) - 1)


def _reshape(shape: Any, arguments: list[str]) -> Any:
    if isinstance(shape, tuple):
        return tuple(_reshape(item, arguments) for item in shape)
    return arguments[shape] if isinstance(shape, _Leaf) else shape


_JINJA = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)


def _expand(
    text: str, dispatch: Callable[..., Callable[..., str]], ref: Callable[[str], str]
) -> str:
    """Jinja as far as models need dbt's: its macros, ref and config."""
    macros = {k: v for k, v in vars(_module(dispatch)).items() if not k.startswith("_")}
    return _JINJA.from_string(text).render(macros | {"ref": ref, "config": lambda **_: ""})


def _module(dispatch: Callable[..., Callable[..., str]]) -> Any:
    adapter = SimpleNamespace(dispatch=dispatch)
    return _macro_template().make_module({"adapter": adapter, "return": lambda value: value})


@cache
def _macro_template() -> jinja2.Template:
    """Compiled once; one text, so that macros of one file call those of another, as in dbt."""
    return _JINJA.from_string(_macro_text())


@cache
def _macro_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in _PACKAGE_MACROS)


def _retype(tree: exp.Expr, engine: str) -> None:
    """Types that sqlglot gives another meaning in the engine: money, maps, times."""
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type("map"):
            _retype_map(cast, engine)
        elif engine == "bigquery" and cast.to.is_type("decimal"):
            _retype_money(cast)
        elif engine == "clickhouse" and cast.to.is_type("timestamp", "timestampntz"):
            # its DateTime has whole seconds and ends in 2106
            cast.set("to", exp.DataType.build("Nullable(DateTime64(6))", dialect="clickhouse"))


def _retype_map(cast: exp.Cast, engine: str) -> None:
    """BigQuery's map is JSON, Snowflake's an OBJECT; in ClickHouse no map is null, but empty."""
    if engine == "clickhouse" and isinstance(cast.this, exp.Null):
        cast.set("this", exp.Anonymous(this="map"))
    elif engine in ("bigquery", "snowflake"):
        cast.set("to", exp.DataType.build("json" if engine == "bigquery" else "object"))


def _retype_money(cast: exp.Cast) -> None:
    """BIGNUMERIC has 38 places and takes no scale in a cast: rounded to the column's own."""
    places = cast.to.expressions[1].sql() if len(cast.to.expressions) > 1 else "0"
    cast.set("to", exp.DataType.build("bignumeric", dialect="bigquery"))
    if not isinstance(cast.this, exp.Null):
        cast.replace(exp.Round(this=cast.copy(), decimals=exp.Literal.number(places)))


def _keep_names(select: exp.Select) -> None:
    """Where tables are joined, call each column of the result what the next step calls it.

    ClickHouse names a column that two tables have `table.column`: one of the right table that
    stands for itself, and with two joins and more also what `left.*` gives. The first gets its
    name said; for the second, the joined tables' columns get names that no other table has.
    """
    joins = select.args.get("joins") or []
    for column in list(select.expressions) if joins else []:
        if isinstance(column, exp.Column) and column.table and not column.is_star:
            column.replace(exp.alias_(column.copy(), column.name))
    for join in joins if len(joins) > 1 else []:
        _prefix_columns(select, join)


def _prefix_columns(select: exp.Select, join: exp.Join) -> None:
    alias = join.this.alias_or_name
    columns = [c for c in select.find_all(exp.Column) if c.table == alias]
    if not columns or any(column.is_star for column in columns):
        return
    names = dict.fromkeys(column.name for column in columns)
    for column in columns:
        column.replace(exp.column(f"{alias}__{column.name}", table=alias))
    inner = exp.select(*(exp.alias_(exp.column(n), f"{alias}__{n}") for n in names))
    join.set("this", inner.from_(join.this.copy()).subquery(alias))
