"""Known deviations of emitters: which errors of a judgement are an emitter's, not the file's."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from finops_stack.conformance.rulebook import Judgement
from finops_stack.focus.rules import Rule
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMES = ("ServiceProviderName", "ProviderName", "Provider")
_EVERY_COLUMN = "*"
# A rule's operator → what breaking it means; the operators that are not here ask for a value.
_BREAKS = {
    "present": "absent",
    "not_null": "null",
    "type": "format",
    "format": "format",
    "decimal": "format",
    "iso4217": "format",
    "product_eq": "price",
    "naming": "named",
    "conforms_to_attribute": "named",
}
Lift = Literal["repaired", "partly", "kept"]


@dataclass(frozen=True)
class Waiver:
    """An emitter's deviation: what it breaks, why, what reading repairs, and where it is said."""

    emitter: str
    columns: tuple[str, ...]
    breaks: tuple[str, ...]
    versions: tuple[str, ...]
    why: str
    lift: Lift
    repair: str
    source: str

    def covers(self, rule: Rule, emitters: tuple[str, ...]) -> bool:
        """Whether every emitter in the data is this one, and breaking the rule is known of it."""
        known = re.compile(self.emitter, re.IGNORECASE)
        mine = bool(emitters) and all(known.search(name) for name in emitters)
        # A rule that asks for the column of that name is about the data set.
        named = {rule.column, str(rule.requirement[1]), _EVERY_COLUMN} & set(self.columns)
        broken = _BREAKS.get(rule.requirement[0], "value")
        return mine and rule.version in self.versions and bool(named) and broken in self.breaks


@cache
def waivers() -> tuple[Waiver, ...]:
    """All known deviations."""
    text = files("finops_stack.conformance").joinpath("waivers.toml").read_text(encoding="utf-8")
    return tuple(
        Waiver(
            emitter=each["emitter"],
            columns=tuple(each["columns"]),
            breaks=tuple(each["breaks"]),
            versions=tuple(each["versions"]),
            why=each["why"],
            lift=each["lift"],
            repair=each["repair"],
            source=each["source"],
        )
        for each in tomllib.loads(text)["waivers"]
    )


def emitters(
    connection: "DuckDBPyConnection", relation: str, columns: tuple[str, ...]
) -> tuple[str, ...]:
    """The providers the data names."""
    name = next((name for name in _NAMES if name in columns), None)
    if name is None:
        return ()
    rows = connection.execute(
        f"select distinct {quote_name(name)} from {relation}"
        f" where {quote_name(name)} is not null limit 100"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def waived(judgement: Judgement, names: tuple[str, ...]) -> dict[str, Waiver]:
    """Rule id → the waiver that covers its failure."""
    return {
        verdict.rule.id: waiver
        for verdict in judgement.errors
        for waiver in waivers()
        if waiver.covers(verdict.rule, names)
    }
