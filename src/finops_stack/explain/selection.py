"""Which charges a number adds up: a condition over the FOCUS table, from options or a statement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.costs import Dimension

# What a report calls an account, a region or a tag that a charge has not.
NONE = "(none)"
_ID = "coalesce(SubAccountId, BillingAccountId)"
_NAME = "case when SubAccountId is null then BillingAccountName else SubAccountName end"
_COLUMNS = {"source": "x_SourceName", "charge category": "ChargeCategory"}


@dataclass(frozen=True)
class OwnSum:
    """The same number by the statement's own table: currency and sum, to be compared."""

    sql: str
    table: str


@dataclass(frozen=True)
class OwnResult:
    """The statement as it was written, and at which place of its result the sum stands."""

    sql: str
    place: int


@dataclass(frozen=True)
class Selection:
    """Charges of `focus`. relation: how it is read, perhaps under another name.

    keys: expressions the statement groups by; pinned: dimensions that have one value only.
    """

    words: str
    where: str = "true"
    values: tuple[object, ...] = ()
    relation: str = "lake.main.focus"
    keys: tuple[str, ...] = ()
    pinned: frozenset[str] = frozenset()
    own: OwnSum | None = None
    result: OwnResult | None = None


@dataclass(frozen=True)
class Filters:
    """What the options of the verb say; None: not asked."""

    service: str | None = None
    account: str | None = None
    region: str | None = None
    source: str | None = None
    charge_category: str | None = None
    tags: Sequence[str] = field(default=())

    @property
    def any(self) -> bool:
        """Whether one of them was given."""
        return any(self._said()) or bool(self.tags)

    def _said(self) -> Iterator[tuple[str, str]]:
        names = ("service", "account", "region", "source", "charge_category")
        for name in names:
            if value := getattr(self, name):
                yield name.replace("_", " "), value

    def selection(self, month: BillingPeriod) -> Selection:
        """The charges of a month they leave. Raises InputError for a tag without a value."""
        conditions, values = ["BillingPeriodStart = ?"], [month.start]
        bound: list[object] = [*values]
        words = [str(month)]
        for name, value in self._said():
            condition, times = _condition(name)
            conditions.append(condition)
            bound += [value] * times
            words.append(f"{name} {value}")
        for tag in self.tags:
            key, _, value = tag.partition("=")
            if not key or "=" not in tag:
                raise InputError(f'"{tag}" is no tag', hint="write --tag KEY=VALUE")
            conditions.append(f"coalesce({Dimension.parse(f'tag:{key}').sql}, '{NONE}') = ?")
            bound += [key, value]
            words.append(f"tag {key} = {value}")
        pinned = frozenset(name for name, _ in self._said())
        return Selection(", ".join(words), " and ".join(conditions), tuple(bound), pinned=pinned)


def _condition(name: str) -> tuple[str, int]:
    """SQL that is true for a value of a dimension, and how often the value stands in it.

    An account goes by its id, its name, or both as a report shows them.
    """
    if name in _COLUMNS:
        return f"{_COLUMNS[name]} = ?", 1
    label = f"coalesce({Dimension.parse(name).sql}, '{NONE}') = ?"
    if name == "account":
        return f"({label} or {_ID} = ? or {_NAME} = ?)", 3
    return label, 1
