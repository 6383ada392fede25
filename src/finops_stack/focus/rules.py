"""The normative rules of FOCUS as data: who must do what, when, as expression trees.

1.2, 1.3 and 1.4 come from rules.csv; 1.0 and 1.1, for which no rule model was published, are made
from their column pages (presence, type, format, values, nulls). Where the published check of a
rule contradicts its sentence, the file's caveat says what the sentence asks, and that is taken.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from finops_stack.errors import FinopsError
from finops_stack.focus.spec import VERSIONS, Column, columns

Expression = list[Any]
DATASETS = ("CostAndUsage", "ContractCommitment", "InvoiceDetail", "BillingPeriod")
# The file's word for 1.4: its rules were taken two weeks before ratification.
_FILE_VERSION = {"1.2": "1.2", "1.3": "1.3", "1.4": "1.4-draft"}
_BROKEN_LIST = "Correction branch"
# 1.3: what is asked of a cost and of a quantity is tested against each other, and one of an
# element's two forms always fails (examples of the specification itself do); its errata say so.
_CONTRADICTORY = tuple(
    f"CAU-ContractAppliedObject-O-{number}-"
    for number in ("039", "043", "046", "048", "052", "055", "057", "061", "065", "066")
)


@dataclass(frozen=True)
class Rule:
    """One rule. A row is in scope when `condition` holds; then `requirement` has to hold.

    column is the dataset's name for rules about the whole; keyword as RFC 2119 has it, with the
    requirement always written positively; judged is False where a machine cannot tell.
    """

    id: str
    version: str
    dataset: str
    column: str
    kind: str
    keyword: str
    applies_when: str
    condition: Expression | None
    requirement: Expression
    judged: bool
    caveat: str = ""

    @property
    def is_error(self) -> bool:
        """MUST rules fail a file; SHOULD and MAY are advice."""
        return self.keyword.startswith("MUST")


@cache
def rules(version: str, dataset: str = "CostAndUsage") -> tuple[Rule, ...]:
    """Every rule of one version and dataset that is in force, groups left out.

    Raises: FinopsError for a version or dataset there are no rules for.
    """
    if version not in VERSIONS or dataset not in DATASETS:
        raise FinopsError(
            f"there are no rules for {dataset} of FOCUS {version}",
            hint=f"versions: {', '.join(VERSIONS)}; datasets: {', '.join(DATASETS)}",
            exit_code=2,
        )
    if version not in _FILE_VERSION:
        return tuple(_of_columns(version)) if dataset == "CostAndUsage" else ()
    return tuple(_of_file(version, dataset))


def _of_file(version: str, dataset: str) -> Iterator[Rule]:
    text = files("finops_stack.focus").joinpath("rules.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        # A deprecated column's rules hold as long as the version has the column.
        in_force = row["status"] != "Removed" and row["kind"] != "composite"
        if in_force and (row["focus_version"], row["dataset"]) == (_FILE_VERSION[version], dataset):
            yield _rule(version, row)


def _rule(version: str, row: dict[str, str]) -> Rule:
    condition, requirement = _intended(row)
    return Rule(
        id=row["rule_id"],
        version=version,
        dataset=row["dataset"],
        column=row["column"],
        kind=row["kind"],
        keyword=row["keyword"],
        applies_when=row["applies_when"],
        condition=condition,
        requirement=requirement,
        judged=row["machine_checkable"] == "yes" and not row["rule_id"].startswith(_CONTRADICTORY),
        caveat=row["caveat"],
    )


def _intended(row: dict[str, str]) -> tuple[Expression | None, Expression]:
    """Condition and requirement; the caveat's, where the published ones contradict the sentence.

    An intended form without an "if" keeps the rule's own scope.
    """
    own, inherited = _parsed(row["condition"]), _parsed(row["inherited_condition"])
    requirement = _parsed(row["requirement"]) or ["unknown"]
    if _BROKEN_LIST in row["caveat"] and own is not None:
        own = ["or", *(branch for branch in own[1:] if "Correction" not in json.dumps(branch))]
    elif "intended {" in row["caveat"]:
        intended = json.loads(row["caveat"].split("intended ", 1)[1])
        own = intended.get("if", own)
        requirement = intended["then"]
    parts = [part for part in (own, inherited) if part]
    return (["and", *parts] if len(parts) > 1 else parts[0] if parts else None), requirement


def _parsed(text: str) -> Expression | None:
    value: Expression | None = json.loads(text) if text else None
    return value


def _of_columns(version: str) -> Iterator[Rule]:
    """What the column pages of 1.0 and 1.1 say that a machine can judge."""
    for column in columns(version):
        for number, (kind, keyword, condition, requirement) in enumerate(_said(column), 1):
            yield Rule(
                id=f"{version}-{column.name}-{number:03d}",
                version=version,
                dataset="CostAndUsage",
                column=column.name,
                kind=kind,
                keyword=keyword,
                applies_when=column.applies_when,
                condition=condition,
                requirement=requirement,
                judged=True,
            )


def _said(column: Column) -> Iterator[tuple[str, str, Expression | None, Expression]]:
    name = column.name
    keyword = {"Mandatory": "MUST", "Conditional": "SHOULD"}.get(
        column.feature_level, "RECOMMENDED"
    )
    filled = ["not_null", name]
    yield "presence", keyword, None, ["present", name]
    yield "type", "MUST", None, ["type", name, column.data_type]
    if column.value_format != "Allowed Values":
        yield "format", "MUST", filled, ["format", name, column.value_format or column.data_type]
    if not column.allows_nulls:
        yield "nullability", "MUST NOT", None, filled
    if column.allowed_values:
        yield "enum", "MUST", filled, ["in_allowed_values", name]
    if column.numeric_range == ">=0":
        yield "comparison", "MUST", filled, ["ge", name, 0]
