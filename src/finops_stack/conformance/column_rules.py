"""Rules about the columns as such: which are there, how they are called, in what order."""

import re
from collections.abc import Callable, Sequence

from finops_stack.conformance.keys import CUSTOM_PREFIX
from finops_stack.conformance.scope import Scope
from finops_stack.focus.rules import Rule
from finops_stack.focus.spec import columns

# FOCUS, attribute "Column Handling": the limit of some data repositories.
_LONGEST = 50
# What readers add to a file's own columns.
READER_COLUMNS = ("filename", "file_row_number")


def column_violations(rule: Rule, scope: Scope) -> list[str] | None:
    """Names of columns that break the rule; None where the rule is about something else."""
    operator, *arguments = rule.requirement
    if operator == "present":
        return [] if scope.has(arguments[0]) else [arguments[0]]
    judge = _JUDGES.get((operator, str(arguments[0]) if arguments else ""))
    if judge is None:
        return None
    delivered = [name for name in scope.types if name not in READER_COLUMNS]
    return judge(delivered, [column.name for column in columns(rule.version, rule.dataset)])


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _misspelt(delivered: Sequence[str], specified: Sequence[str]) -> list[str]:
    """FOCUS columns in other letters: billed_cost, billingaccountid."""
    known = set(specified)
    plain = {_plain(name) for name in known} - {_plain(n) for n in delivered if n in known}
    return [n for n in delivered if n not in known and not _is_custom(n) and _plain(n) in plain]


def _is_custom(name: str) -> bool:
    return name.startswith(CUSTOM_PREFIX)


def _unprefixed(delivered: Sequence[str], specified: Sequence[str]) -> list[str]:
    ours = {*specified, *_misspelt(delivered, specified)}
    return [name for name in delivered if name not in ours and not _is_custom(name)]


def _not_alphanumeric(delivered: Sequence[str], specified: Sequence[str]) -> list[str]:
    return [n for n in _misspelt(delivered, specified) if not re.fullmatch("[A-Za-z0-9]+", n)]


def _too_long(delivered: Sequence[str], specified: Sequence[str]) -> list[str]:
    return [name for name in delivered if len(name) > _LONGEST]


def _custom_before_focus(delivered: Sequence[str], specified: Sequence[str]) -> list[str]:
    """Custom columns with a FOCUS column after them."""
    known = set(specified)
    last = max((n for n, name in enumerate(delivered) if name in known), default=-1)
    return [name for name in delivered[: last + 1] if name not in known]


_JUDGES: dict[tuple[str, str], Callable[[Sequence[str], Sequence[str]], list[str]]] = {
    ("naming", "pascal_case"): _misspelt,
    ("naming", "alphanumeric"): _not_alphanumeric,
    ("naming", "max_50_chars"): _too_long,
    ("naming", "custom_prefix"): _unprefixed,
    ("order", "focus_columns_first"): _custom_before_focus,
    ("order", "custom_columns_last"): _custom_before_focus,
    ("conforms_to_attribute", "FocusColumnHandling"): _misspelt,
    ("conforms_to_attribute", "CustomColumnHandling"): _unprefixed,
}
