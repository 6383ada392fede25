"""Checks of sums as data: what checks.toml holds, typed."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from finops_stack.findings import QueryCheck


@cache
def total_checks() -> tuple[QueryCheck, ...]:
    """Every reconciliation check there is; ids are unique."""
    return tuple(QueryCheck(**entry) for entry in _data()["checks"])


@cache
def sheets() -> dict[str, str]:
    """Name → SQL of the small tables the checks read, in the order they are made."""
    return dict(_data()["sheets"])


def _data() -> dict[str, Any]:
    text = files("finops_stack.reconcile").joinpath("checks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
