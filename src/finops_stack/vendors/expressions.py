"""Expressions of vendor.toml: the scalar part of SQL over one row, parsed and checked.

An expression may do what a formula in a spreadsheet may: read columns of its own row, compute,
compare, cut and join text, shift a time. No subquery, aggregate, window or file can be said.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sqlglot import exp

# sqlglot's names of what is allowed; what it does not know by name arrives as Anonymous.
_ALLOWED_TEXT = """
    Abs Add And Between Boolean Bracket Case Cast Ceil Coalesce Column Concat Contains DPipe
    DataType DataTypeParam Date DateTrunc Div EQ EndsWith Floor GT GTE Greatest ILike Identifier If
    In Interval Is LT LTE LastDay Least Length Like Literal Lower Mod Mul NEQ Neg Not Null Nullif
    NullSafeEQ NullSafeNEQ Or Paren RegexpExtract RegexpLike RegexpReplace Replace Round SplitPart
    StartsWith StrPosition Sub Substring TimeToStr TimestampTrunc Trim TryCast Upper Var
"""
_ALLOWED = frozenset(_ALLOWED_TEXT.split())
KNOWN_FUNCTIONS = (
    "abs ceil coalesce concat contains date_trunc ends_with floor greatest last_day least length"
    " lower nullif regexp_extract regexp_matches regexp_replace replace round split_part"
    " starts_with strftime substring trim upper"
)
# decimal alone would be decimal(18, 3), which rounds a token's price to zero.
_MONEY = "decimal(38, 15)"


def parse_expression(text: str, columns: Mapping[str, Mapping[str, str]]) -> "exp.Expression":
    """An expression as a tree; its columns in their declared spelling, quoted.

    columns: qualifier ('' for the row itself, else a lookup's name) → lower-case name → name.
    Raises ValueError, in the user's words, for what does not parse, is unknown or not allowed.
    """
    from sqlglot import exp

    tree = _parsed(text)
    for node in tree.walk():
        name = type(node).__name__
        if isinstance(node, exp.Anonymous) or name not in _ALLOWED:
            said = node.name if isinstance(node, exp.Anonymous) else name.lower()
            raise ValueError(f'"{said}" cannot be used in {text!r}; functions: {KNOWN_FUNCTIONS}')
    for column in tree.find_all(exp.Column):
        _resolve(column, columns, text)
    return tree


@cache
def _parse(text: str) -> "exp.Expression":
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return cast("exp.Expression", sqlglot.parse_one(text, read="duckdb"))
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"{text!r} is no expression: {first}") from error


def _parsed(text: str) -> "exp.Expression":
    return _parse(text).copy()


def _resolve(column: "exp.Column", columns: Mapping[str, Mapping[str, str]], text: str) -> None:
    from sqlglot import exp

    qualifier = column.table
    if column.args.get("db") or qualifier not in columns:
        known = ", ".join(name for name in columns if name) or "none"
        raise ValueError(f'{text!r}: no lookup is called "{qualifier}"; lookups: {known}')
    name = columns[qualifier].get(column.name.lower())
    if name is None:
        known = ", ".join(sorted(columns[qualifier].values()))
        where = f"lookup {qualifier}" if qualifier else "this form"
        raise ValueError(f'{text!r}: {where} has no column "{column.name}"; it has: {known}')
    column.set("this", exp.to_identifier(name, quoted=True))
    table = exp.to_identifier(qualifier, quoted=True) if qualifier else exp.to_identifier("source")
    column.set("table", table)


def expression_sql(tree: "exp.Expression") -> str:
    """A checked expression as a model writes it: products and quotients go through the macros
    that keep money exact (dbt/macros/engines/money.sql)."""
    from sqlglot import exp

    calls: list[str] = []
    tree = exp.Tuple(expressions=[tree.copy()])
    # first, for what stands inside a product or quotient is text from then on
    for data_type in list(tree.find_all(exp.DataType)):
        if data_type.is_type("decimal"):
            data_type.replace(exp.DataType.build(_MONEY, dialect="duckdb"))
    for node in reversed([n for n in tree.walk() if isinstance(n, exp.Mul | exp.Div)]):
        macro = "multiply_money" if isinstance(node, exp.Mul) else "divide_money"
        arguments = ", ".join(_argument(side.sql("duckdb"), calls) for side in _sides(node))
        calls.append(f"{macro}({arguments})")
        node.replace(exp.to_identifier(f"{_CALL}{len(calls) - 1}_"))
    parts = _CALLS.split(tree.expressions[0].sql("duckdb"))
    return "".join(f"{{{{ {calls[int(p)]} }}}}" if n % 2 else p for n, p in enumerate(parts))


_CALL = "finops_call_"
_CALLS = re.compile(rf"{_CALL}(\d+)_")


def _sides(node: "exp.Expression") -> tuple["exp.Expression", "exp.Expression"]:
    return node.args["this"], node.args["expression"]


def _argument(text: str, calls: list[str]) -> str:
    """A macro's argument in Jinja: texts and inner calls, joined."""
    parts = _CALLS.split(text)
    said = [calls[int(p)] if n % 2 else _jinja_text(p) for n, p in enumerate(parts)]
    return " ~ ".join(part for part in said if part != "''")


def _jinja_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
