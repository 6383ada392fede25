"""Known deviations of emitters: which errors of a judgement are an emitter's, not the file's."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from finops_stack.conformance.rulebook import Judgement, Verdict
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMES = ("ServiceProviderName", "ProviderName", "Provider")


@dataclass(frozen=True)
class Waiver:
    """An emitter's deviation: the rules it breaks, why, and where that is said."""

    emitter: str
    rules: tuple[str, ...]
    versions: tuple[str, ...]
    why: str
    source: str

    def covers(self, verdict: Verdict, version: str, emitters: tuple[str, ...]) -> bool:
        """Whether every emitter in the data is this one, and the rule is named."""
        named = verdict.rule.id in self.rules or verdict.rule.column in self.rules
        known = re.compile(self.emitter, re.IGNORECASE)
        mine = bool(emitters) and all(known.search(name) for name in emitters)
        # A rule that asks for the column of that name is about the data set.
        asked = verdict.rule.requirement[-1] in self.rules
        return mine and version in self.versions and (named or asked)


@cache
def waivers() -> tuple[Waiver, ...]:
    """All known deviations."""
    text = files("finops_stack.conformance").joinpath("waivers.toml").read_text(encoding="utf-8")
    return tuple(
        Waiver(w["emitter"], tuple(w["rules"]), tuple(w["versions"]), w["why"], w["source"])
        for w in tomllib.loads(text)["waivers"]
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
        if waiver.covers(verdict, judgement.version, names)
    }
