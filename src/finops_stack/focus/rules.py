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

from finops_stack.focus.spec import CHARGES, Column, columns

Expression = list[Any]
# The file's word for rules about the columns of every dataset.
_EVERY_DATASET = "*"
# The file's word for 1.4: its rules were taken two weeks before ratification.
_FILE_VERSION = {"1.2": "1.2", "1.3": "1.3", "1.4": "1.4-draft"}
_BROKEN_LIST = "Correction branch"
# 1.3: what is asked of a cost and of a quantity is tested against each other, and one of an
# element's two forms always fails (examples of the specification itself do); its errata say so.
_CONTRADICTORY = tuple(
    f"CAU-ContractAppliedObject-O-{number}-"
    for number in ("039", "043", "046", "048", "052", "055", "057", "061", "065", "066")
)
# Kind, keyword, condition, requirement.
_Said = tuple[str, str, Expression | None, Expression]
_NAMING: tuple[_Said, ...] = (
    ("semantic", "MUST", None, ["naming", "pascal_case"]),
    ("semantic", "MUST", None, ["naming", "alphanumeric"]),
    ("semantic", "SHOULD NOT", None, ["naming", "max_50_chars"]),
    ("semantic", "MUST", None, ["naming", "custom_prefix", "x_"]),
    ("semantic", "SHOULD", None, ["order", "custom_columns_last"]),
)


@dataclass(frozen=True)
class Rule:
    """One rule. A row is in scope when `condition` holds; then `requirement` has to hold.

    column is the dataset's name for rules about the whole; keyword as RFC 2119 has it, with the
    requirement always written positively. published is False where the specification's own model
    has no check and the expression is ours; contradicted, where rules of one version exclude
    each other.
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
    published: bool = True
    contradicted: bool = False
    caveat: str = ""

    @property
    def is_error(self) -> bool:
        """MUST rules fail a file; SHOULD and MAY are advice."""
        return self.keyword.startswith("MUST")


@cache
def rules(version: str, dataset: str = CHARGES) -> tuple[Rule, ...]:
    """Every rule of one version and dataset that is in force, groups left out.

    Raises: FinopsError for a version there is no list for, or that does not have the dataset.
    """
    columns(version, dataset)
    found = _of_file(version, dataset) if version in _FILE_VERSION else _of_columns(version)
    return tuple(found)


def _of_file(version: str, dataset: str) -> Iterator[Rule]:
    text = files("finops_stack.focus").joinpath("rules.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        # A deprecated column's rules hold as long as the version has the column.
        in_force = row["status"] != "Removed" and row["kind"] != "composite"
        ours = row["dataset"] in (dataset, _EVERY_DATASET)
        if in_force and ours and row["focus_version"] == _FILE_VERSION[version]:
            yield _rule(version, dataset, row)


def _rule(version: str, dataset: str, row: dict[str, str]) -> Rule:
    condition, requirement = _intended(row)
    return Rule(
        id=row["rule_id"],
        version=version,
        dataset=dataset,
        column=row["column"],
        kind=row["kind"],
        keyword=row["keyword"],
        applies_when=row["applies_when"],
        condition=condition,
        requirement=requirement,
        published=row["machine_checkable"] == "yes",
        contradicted=row["rule_id"].startswith(_CONTRADICTORY),
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
        for number, said in enumerate(_said(column), 1):
            yield _rule_of_page(version, column.name, number, said, column.applies_when)
    # Attribute "Column Naming and Ordering".
    for number, said in enumerate(_NAMING, 1):
        yield _rule_of_page(version, "ColumnNamingAndOrdering", number, said)


def _rule_of_page(
    version: str, column: str, number: int, said: _Said, applies_when: str = ""
) -> Rule:
    kind, keyword, condition, requirement = said
    return Rule(
        id=f"{version}-{column}-{number:03d}",
        version=version,
        dataset=CHARGES,
        column=column,
        kind=kind,
        keyword=keyword,
        applies_when=applies_when,
        condition=condition,
        requirement=requirement,
    )


def _said(column: Column) -> Iterator[_Said]:
    name = column.name
    keyword = {"Mandatory": "MUST", "Conditional": "SHOULD"}.get(
        column.feature_level, "RECOMMENDED"
    )
    filled = ["not_null", name]
    yield "presence", keyword, None, ["present", name]
    yield "type", "MUST", None, ["type", name, column.data_type]
    if column.value_format != "Allowed Values":
        # Attribute "Unit Format": units SHOULD be what it lists.
        asked = "SHOULD" if column.value_format.startswith("Unit") else "MUST"
        yield "format", asked, filled, ["format", name, column.value_format or column.data_type]
    if not column.allows_nulls:
        yield "nullability", "MUST NOT", None, filled
    if column.allowed_values:
        yield "enum", "MUST", filled, ["in_allowed_values", name]
    if column.numeric_range == ">=0":
        yield "comparison", "MUST", filled, ["ge", name, 0]
