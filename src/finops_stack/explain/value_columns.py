"""Columns of an SQL expression: those its value is made of, and those that only decide."""

from collections.abc import Iterator

from sqlglot import exp

# Macros over lists of records name a field and a condition in the arguments after the list.
_RECORDS = "record"
_RECORDS_AT = {"records_if": 1}


def value_columns(tree: exp.Expr) -> Iterator[exp.Column]:
    """Columns whose values are in the result: results of a case, not what it asks."""
    if isinstance(tree, exp.Column):
        yield tree
        return
    for part in _parts(tree):
        yield from value_columns(part)


def deciding_columns(tree: exp.Expr) -> Iterator[exp.Column]:
    """Columns that a case asks for its arm."""
    for case in tree.find_all(exp.Case, exp.If):
        asked = [case.this] if case.this is not None else []
        if isinstance(case, exp.Case):
            asked += [arm.this for arm in case.args["ifs"]]
        for each in asked:
            yield from each.find_all(exp.Column)


def _parts(tree: exp.Expr) -> list[exp.Expr]:
    """The parts of an expression that its value is made of."""
    if isinstance(tree, exp.Case):
        results = [arm.args["true"] for arm in tree.args["ifs"]]
        return [*results, *([tree.args["default"]] if tree.args.get("default") else [])]
    if isinstance(tree, exp.If):
        return [part for part in (tree.args.get("true"), tree.args.get("false")) if part]
    if isinstance(tree, exp.Predicate | exp.Connector | exp.Not | exp.Subquery | exp.Lambda):
        return []
    if isinstance(tree, exp.Filter | exp.Window | exp.Cast):
        return [tree.this]
    if isinstance(tree, exp.Anonymous) and tree.name.startswith(_RECORDS):
        at = _RECORDS_AT.get(tree.name, 0)
        return tree.expressions[at : at + 1]
    return [part for part in tree.iter_expressions() if isinstance(part, exp.Expr)]
