"""All rules of a FOCUS version over one relation: few passes, no loop over rows.

Row rules: each is a bit; one scan counts the rows by the bits that are set. Rules over groups of
rows (a price has one SKU) take a grouping each. Samples are read for rules that fail, and stop at
the fifth row.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from finops_stack.conformance.passes import PASS_SIZE
from finops_stack.conformance.predicates import (
    NotJudgedError,
    Scope,
    holds,
    json_column,
    violated,
)
from finops_stack.findings import SAMPLE_ROWS, text_of
from finops_stack.focus.rules import Expression, Rule, rules
from finops_stack.focus.spec import columns
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Status = Literal["passed", "failed", "absent", "not judged"]
# Where a row came from, shown with each sample, as far as the relation has it.
ADDRESS = ("x_SourceFile", "x_SourceRow", "x_SourcePart", "filename", "file_row_number")
_COST = {"CostAndUsage": "BilledCost", "InvoiceDetail": "BilledCost"}


@dataclass
class Verdict:
    """What one rule says of the data.

    violations counts rows (1 for a rule about a column as such); cost is the BilledCost of those
    rows; why says what a rule that was not judged would have needed.
    """

    rule: Rule
    status: Status
    violations: int = 0
    cost: Decimal = Decimal(0)
    why: str = ""
    samples: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Judgement:
    """Every rule's verdict over one relation."""

    version: str
    dataset: str
    rows: int
    cost: Decimal
    verdicts: list[Verdict]

    @property
    def errors(self) -> list[Verdict]:
        """Failed MUST rules that are due: what makes a file not conform."""
        return [v for v in self.verdicts if v.status == "failed" and is_due(v.rule)]

    @property
    def advice(self) -> list[Verdict]:
        """Failed SHOULD rules, and columns due only where the provider has such a thing."""
        return [v for v in self.verdicts if v.status == "failed" and not is_due(v.rule)]


def is_due(rule: Rule) -> bool:
    """Whether failing it is an error: a MUST that hangs on no capability of the provider."""
    return rule.is_error and not (rule.kind == "presence" and rule.applies_when)


def judge_relation(
    connection: "DuckDBPyConnection", relation: str, *, version: str, dataset: str = "CostAndUsage"
) -> Judgement:
    """Judge a table, view or reader of files by all rules of a version."""
    described = connection.execute(f"describe select * from {relation}").fetchall()
    scope = Scope(
        {row[0]: row[1] for row in described},
        {c.name: c.allowed_values for c in columns(version)} if dataset == "CostAndUsage" else {},
    )
    cost = scope.number(_COST[dataset]) if dataset in _COST else "0"
    verdicts, predicates = prepare(rules(version, dataset), scope)
    relation = scope.with_doubles(relation)
    rows, total = _count(connection, relation, predicates, cost)
    for verdict in verdicts:
        if verdict.rule.requirement[0] in _GROUPED and verdict.status == "passed":
            _judge_groups(connection, relation, verdict, scope)
    for verdict, predicate in predicates:
        if verdict.violations:
            verdict.status = "failed"
            verdict.samples = _samples(connection, relation, verdict.rule, predicate, scope)
    return Judgement(version, dataset, rows, total, verdicts)


def prepare(found: Iterable[Rule], scope: Scope) -> tuple[list[Verdict], list[tuple[Verdict, str]]]:
    """A verdict for each rule, and the predicates of those that look at rows."""
    verdicts, predicates = [], []
    for rule in found:
        verdict = Verdict(rule, "passed")
        verdicts.append(verdict)
        if not rule.judged:
            verdict.status, verdict.why = "not judged", "no machine can tell"
        elif rule.keyword == "MAY":
            verdict.status, verdict.why = "not judged", "a permission, which nothing breaks"
        elif rule.requirement[0] == "present":
            if not scope.has(rule.requirement[1]):
                verdict.status, verdict.violations = "failed", 1
        elif _is_absent(rule, scope):
            verdict.status = "absent"
        elif rule.requirement[0] not in _GROUPED:
            # Whether a word may be missing is for the rule on nulls to say.
            condition = _also_filled(rule) if rule.kind == "enum" else rule.condition
            try:
                predicates.append((verdict, violated(condition, rule.requirement, scope)))
            except NotJudgedError as error:
                verdict.status, verdict.why = "not judged", f"needs {error}"
    return verdicts, predicates


def _is_absent(rule: Rule, scope: Scope) -> bool:
    column = json_column([rule.requirement])
    if column:
        return not scope.has(column)
    return not _columns_of(rule.requirement) & set(scope.types)


def _also_filled(rule: Rule) -> Expression:
    filled = ["not_null", rule.column]
    return ["and", rule.condition, filled] if rule.condition else filled


def _columns_of(expression: Expression) -> set[str]:
    """Names in an expression that begin as columns do (values come along, and do no harm)."""
    found: set[str] = set()
    for part in expression[1:]:
        if isinstance(part, list):
            found |= _columns_of(part) if part and isinstance(part[0], str) else set()
        elif isinstance(part, str):
            found.add(part)
    return found


def _count(
    connection: "DuckDBPyConnection",
    relation: str,
    predicates: Sequence[tuple[Verdict, str]],
    cost: str,
) -> tuple[int, Decimal]:
    """One scan: rows and cost by the set of rules they fail."""
    # Many rules ask the same of a row; DuckDB would ask it as often.
    distinct = list(dict.fromkeys(p for _, p in predicates if p not in ("false", "not (true)")))
    words = [distinct[first : first + PASS_SIZE] for first in range(0, len(distinct), PASS_SIZE)]
    masks = "".join(f"{_mask(word)} as mask_{n}, " for n, word in enumerate(words))
    groups = ", ".join(f"mask_{n}" for n, _ in enumerate(words))
    counted = connection.execute(
        f"select {masks}count(*) as rows, coalesce(sum({cost}), 0) as cost from {relation}"
        + (f" group by {groups}" if groups else "")
    ).fetchall()
    tallies: dict[str, tuple[int, Decimal]] = {}
    for *found, rows, amount in counted:
        for mask, word in zip(found, words, strict=True):
            for bit in _bits(mask):
                before = tallies.get(word[bit], (0, Decimal(0)))
                tallies[word[bit]] = (before[0] + rows, before[1] + Decimal(amount))
    for verdict, predicate in predicates:
        verdict.violations, verdict.cost = tallies.get(predicate, (0, Decimal(0)))
    return sum(row[-2] for row in counted), sum((Decimal(row[-1]) for row in counted), Decimal(0))


def _mask(predicates: Sequence[str]) -> str:
    return "\n| ".join(
        f"(case when {predicate} then {1 << bit}::bigint else 0 end)"
        for bit, predicate in enumerate(predicates)
    )


def _bits(mask: int) -> Iterable[int]:
    return (bit for bit in range(PASS_SIZE) if mask >> bit & 1)


# ---- rules about groups of rows


def _unique(scope: Scope, name: str) -> tuple[str, str]:
    return quote_name(name), "count(*) > 1"


def _distinct_count(scope: Scope, name: str, other: str, count: int) -> tuple[str, str]:
    return quote_name(name), f"count(distinct {quote_name(other)}) <> {int(count)}"


_GROUPED: dict[str, Callable[..., tuple[str, str]]] = {
    "unique": _unique,
    "distinct_count_per": _distinct_count,
}


def _judge_groups(
    connection: "DuckDBPyConnection", relation: str, verdict: Verdict, scope: Scope
) -> None:
    rule = verdict.rule
    if not _columns_of(rule.requirement) - {""} <= set(scope.types):
        verdict.status = "absent"
        return
    key, broken = _GROUPED[rule.requirement[0]](scope, *rule.requirement[1:])
    condition = holds(rule.condition, scope)
    groups = (
        f"select {key} as value, count(*) as rows from {relation}"
        f" where {condition} and {key} is not null group by {key} having {broken}"
    )
    found = connection.execute(f"select sum(rows) from ({groups})").fetchone()
    if found and found[0]:
        verdict.status, verdict.violations = "failed", int(found[0])
        rows = connection.execute(f"{groups} order by rows desc limit {SAMPLE_ROWS}").fetchall()
        verdict.samples = [{rule.column: text_of(v), "rows": text_of(n)} for v, n in rows]


def _samples(
    connection: "DuckDBPyConnection", relation: str, rule: Rule, predicate: str, scope: Scope
) -> list[dict[str, str]]:
    """Up to five rows that break the rule: where they are, and what they hold."""
    told = _columns_of(rule.requirement) | _columns_of(rule.condition or [""]) | {rule.column}
    names = [name for name in (*ADDRESS, *sorted(told)) if scope.has(name)]
    shown = ", ".join(quote_name(name) for name in names)
    rows: list[tuple[Any, ...]] = connection.execute(
        f"select {shown} from {relation} where {predicate} limit {SAMPLE_ROWS}"
    ).fetchall()
    return [dict(zip(names, map(text_of, row), strict=True)) for row in rows]
