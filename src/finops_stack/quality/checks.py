"""Checks of data quality as data: what checks.toml holds, typed."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from finops_stack.conformance.rows import RowCheck, parse_checks
from finops_stack.findings import QueryCheck


@cache
def quality_checks() -> tuple[QueryCheck, ...]:
    """Every check of whole bills there is; ids are unique."""
    return tuple(QueryCheck(**entry) for entry in _data()["checks"])


@cache
def quality_row_checks() -> tuple[RowCheck, ...]:
    """Checks of single rows, to be asked in the pass of those of conformance."""
    return parse_checks({"checks": _data()["rows"]})


@cache
def quality_ids() -> frozenset[str]:
    """The ids of both."""
    return frozenset(check.id for check in (*quality_checks(), *quality_row_checks()))


@cache
def quality_sheets() -> dict[str, str]:
    """Name → SQL of the small tables the checks read, in the order they are made."""
    return dict(_data()["sheets"])


@cache
def _data() -> dict[str, Any]:
    text = files("finops_stack.quality").joinpath("checks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
