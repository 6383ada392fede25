"""All rules of a FOCUS version over one relation: few passes, no loop over rows.

Row rules: each is a bit; one scan counts the rows by the bits that are set. Rules over groups of
rows (a price has one SKU) take a grouping each. Samples are read for rules that fail, and stop at
the fifth row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from finops_stack.conformance.across import Dataset, judge_across, other_dataset
from finops_stack.conformance.column_rules import READER_COLUMNS, column_violations
from finops_stack.conformance.groups import broken_groups, groups_of
from finops_stack.conformance.passes import PASS_SIZE
from finops_stack.conformance.predicates import NotJudgedError, holds, json_column, violated
from finops_stack.conformance.scope import Scope
from finops_stack.findings import SAMPLE_ROWS, text_of
from finops_stack.focus.rules import Expression, Rule, rules
from finops_stack.focus.spec import CHARGES, columns
from finops_stack.warehouse.sql import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Status = Literal["passed", "failed", "absent", "not judged"]
# Where a row came from, shown with each sample, as far as the relation has it.
ADDRESS = ("x_SourceFile", "x_SourceRow", "x_SourcePart", *READER_COLUMNS)
_COST = {CHARGES: "BilledCost", "InvoiceDetail": "BilledCost"}
_CONTRADICTED = "rules of this version exclude each other here"
_PERMISSION = "a permission, which nothing breaks"
# Parts of an attribute: each column that has to conform to it has a rule that asks for all of it.
_ATTRIBUTES = frozenset({"datetime", "numeric", "unit", "currency"})
_OF_ITS_COLUMNS = "judged as the format of each column"


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
    """Whether failing it is an error: a MUST that hangs on nothing the provider may not have."""
    if rule.requirement[0] == "present" and (rule.applies_when or rule.condition):
        return False
    always_filled = rule.requirement[0] == "not_null" and rule.condition is None
    return rule.is_error and not (always_filled and rule.applies_when)


def judge_relation(
    connection: "DuckDBPyConnection",
    relation: str,
    *,
    version: str,
    dataset: str = CHARGES,
    others: Mapping[str, str] | None = None,
) -> Judgement:
    """Judge a table, view or reader of files by all rules of a version.

    others: the relations of other datasets, for the rules that compare two.
    """
    scope = _scope(connection, relation, version, dataset)
    cost = scope.number(_COST[dataset]) if dataset in _COST else "0"
    shared = scope.shared()
    verdicts, predicates = prepare(rules(version, dataset), shared)
    rows, total = _count(connection, shared.with_leaves(relation), predicates, cost)
    for verdict in verdicts:
        _judge_groups(connection, relation, verdict, scope, cost=cost)
        if other := (others or {}).get(other_dataset(verdict.rule)):
            theirs = _scope(connection, other, version, other_dataset(verdict.rule))
            _judge_across(connection, verdict, Dataset(relation, scope), Dataset(other, theirs))
    for verdict, _ in predicates:
        if verdict.violations:
            verdict.status = "failed"
            verdict.samples = _samples(connection, relation, verdict.rule, scope)
    return Judgement(version, dataset, rows, total, verdicts)


def _scope(connection: "DuckDBPyConnection", relation: str, version: str, dataset: str) -> Scope:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    allowed = {c.name: c.allowed_values for c in columns(version, dataset)}
    return Scope({row[0]: row[1] for row in described}, allowed)


def prepare(found: Iterable[Rule], scope: Scope) -> tuple[list[Verdict], list[tuple[Verdict, str]]]:
    """A verdict for each rule, and the predicates of those that look at rows."""
    verdicts, predicates = [], []
    for rule in found:
        verdict = Verdict(rule, "passed")
        verdicts.append(verdict)
        named = column_violations(rule, scope)
        if rule.contradicted or rule.keyword == "MAY":
            why = _CONTRADICTED if rule.contradicted else _PERMISSION
            verdict.status, verdict.why = "not judged", why
        elif named is not None:
            _name_columns(verdict, named)
        elif rule.requirement[0] in _ATTRIBUTES:
            verdict.status, verdict.why = "not judged", _OF_ITS_COLUMNS
        elif other_dataset(rule):
            verdict.status, verdict.why = "not judged", f"needs the dataset {other_dataset(rule)}"
        elif not _is_told(verdict, scope):
            continue
        elif groups := groups_of(rule, scope):
            verdict.status = "passed" if set(groups.needs) <= set(scope.types) else "absent"
        elif _is_absent(rule, scope):
            verdict.status = "absent"
        else:
            predicates.append((verdict, _predicate(rule, scope)))
    return verdicts, predicates


def _name_columns(verdict: Verdict, named: list[str]) -> None:
    if named:
        verdict.status, verdict.violations = "failed", len(named)
        # A column that is not there has nothing to show.
        if verdict.rule.requirement[0] != "present":
            verdict.samples = [{"column": name} for name in named[:SAMPLE_ROWS]]


def _is_told(verdict: Verdict, scope: Scope) -> bool:
    """Whether the rows tell what the rule asks; else the verdict says what it would take."""
    rule = verdict.rule
    try:
        # By itself: an answer that nobody asks for in the end would be in the scan all the same.
        groups = groups_of(rule, scope)
        if groups is None:
            _predicate(rule, scope.alone())
        elif not groups.elements:
            holds(rule.condition, scope.alone())
    except NotJudgedError as error:
        verdict.status, verdict.why = "not judged", f"no machine can tell: needs {error}"
        return False
    return True


def _predicate(rule: Rule, scope: Scope) -> str:
    # Whether a word may be missing is for the rule on nulls to say.
    condition = _also_filled(rule) if rule.kind == "enum" else rule.condition
    return violated(condition, rule.requirement, scope)


def _is_absent(rule: Rule, scope: Scope) -> bool:
    """Whether the column it is about is not there, which is for its presence rule to say."""
    ours = {column.name for column in columns(rule.version, rule.dataset)}
    if rule.column in ours and not scope.has(rule.column):
        return True
    column = json_column([rule.requirement])
    if column:
        return not scope.has(column)
    return not _columns_of(rule.requirement) & set(scope.types)


def _also_filled(rule: Rule) -> Expression:
    filled = ["not_null", rule.column]
    return ["and", rule.condition, filled] if rule.condition else filled


def _columns_of(expression: Expression) -> set[str]:
    """Names in an expression that begin as columns do (values come along, and do no harm).

    A name with dots is a path inside a JSON column.
    """
    found: set[str] = set()
    for part in expression[1:]:
        if isinstance(part, list):
            found |= _columns_of(part) if part and isinstance(part[0], str) else set()
        elif isinstance(part, str):
            found.add(part.split(".")[0])
    return found


def _count(
    connection: "DuckDBPyConnection",
    relation: str,
    predicates: Sequence[tuple[Verdict, str]],
    cost: str,
) -> tuple[int, Decimal]:
    """Rows and cost, of the whole and by rule.

    One scan says which predicates any row fails: all that is asked of clean data. Another counts
    rows and cost by the set of those they fail.
    """
    # Many rules ask the same of a row; DuckDB would ask it as often.
    distinct = list(dict.fromkeys(p for _, p in predicates if p not in ("false", "not (true)")))
    asked = "".join(f", bool_or({predicate})" for predicate in distinct)
    rows, total, *failed = connection.execute(
        f"select count(*), coalesce(sum({cost}), 0){asked} from {relation}"
    ).fetchone() or (0, 0)
    broken = [each for each, has_failed in zip(distinct, failed, strict=True) if has_failed]
    tallies = _tallies(connection, relation, broken, cost) if broken else {}
    for verdict, predicate in predicates:
        verdict.violations, verdict.cost = tallies.get(predicate, (0, Decimal(0)))
    return int(rows), Decimal(total)


def _tallies(
    connection: "DuckDBPyConnection", relation: str, predicates: Sequence[str], cost: str
) -> dict[str, tuple[int, Decimal]]:
    """Predicate → rows that fail it and their cost."""
    words = [predicates[n : n + PASS_SIZE] for n in range(0, len(predicates), PASS_SIZE)]
    masks = "".join(f"{_mask(word)} as mask_{n}, " for n, word in enumerate(words))
    groups = ", ".join(f"mask_{n}" for n, _ in enumerate(words))
    counted = connection.execute(
        f"select {masks}count(*) as rows, coalesce(sum({cost}), 0) as cost from {relation}"
        f" group by {groups}"
    ).fetchall()
    tallies: dict[str, tuple[int, Decimal]] = {}
    for *found, rows, amount in counted:
        for mask, word in zip(found, words, strict=True):
            for bit in _bits(mask):
                before = tallies.get(word[bit], (0, Decimal(0)))
                tallies[word[bit]] = (before[0] + rows, before[1] + Decimal(amount))
    return tallies


def _mask(predicates: Sequence[str]) -> str:
    return "\n| ".join(
        f"(case when {predicate} then {1 << bit}::bigint else 0 end)"
        for bit, predicate in enumerate(predicates)
    )


def _bits(mask: int) -> Iterable[int]:
    return (bit for bit in range(PASS_SIZE) if mask >> bit & 1)


def _judge_groups(
    connection: "DuckDBPyConnection", relation: str, verdict: Verdict, scope: Scope, *, cost: str
) -> None:
    groups = groups_of(verdict.rule, scope)
    if groups is None or verdict.status != "passed":
        return
    rows, amount, largest = broken_groups(
        connection, relation, verdict.rule, groups, scope, cost=cost, limit=SAMPLE_ROWS
    )
    if rows:
        verdict.status, verdict.violations, verdict.cost = "failed", rows, amount
        names = [*groups.keys, "rows"]
        verdict.samples = [dict(zip(names, map(text_of, row), strict=True)) for row in largest]


def _judge_across(
    connection: "DuckDBPyConnection", verdict: Verdict, mine: Dataset, other: Dataset
) -> None:
    found = judge_across(connection, verdict.rule, mine, other, limit=SAMPLE_ROWS)
    if found is None:
        verdict.status, verdict.why = "absent", ""
        return
    verdict.status, verdict.why = ("failed" if found.rows else "passed"), ""
    verdict.violations, verdict.cost, verdict.samples = found.rows, found.cost, found.samples


def _samples(
    connection: "DuckDBPyConnection", relation: str, rule: Rule, scope: Scope
) -> list[dict[str, str]]:
    """Up to five rows that break the rule: where they are, and what they hold."""
    told = _columns_of(rule.requirement) | _columns_of(rule.condition or [""]) | {rule.column}
    names = [name for name in (*ADDRESS, *sorted(told)) if scope.has(name)]
    shown = ", ".join(quote_name(name) for name in names)
    rows: list[tuple[Any, ...]] = connection.execute(
        f"select {shown} from {relation} where {_predicate(rule, scope)} limit {SAMPLE_ROWS}"
    ).fetchall()
    return [dict(zip(names, map(text_of, row), strict=True)) for row in rows]
