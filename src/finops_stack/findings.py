"""What a check says about one bill: counts, the cost touched, and rows with their address."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from finops_stack.errors import FinopsError

# gate: holds the bill's publication back; warn: is reported beside the published bill.
Severity = Literal["gate", "warn"]
# ignore: the check's results are dropped.
Judgement = Literal["gate", "warn", "ignore"]
# What a check counts.
Unit = Literal["row", "column", "day", "account", "service", "tag key"]

SAMPLE_ROWS = 5


@dataclass(frozen=True)
class Check:
    """One question asked of every bill; `what` is the sentence that holds when it passes."""

    id: str
    what: str
    severity: Severity


@dataclass(frozen=True)
class QueryCheck(Check):
    """A check by one query; `sql` gives a row per failure, `guard` proves cheaply there is none.

    The texts hold {names} of relations; columns and rules: reconcile/checks.toml.
    """

    sql: str
    guard: str = ""
    note: str = ""
    unit: Unit = "row"


@dataclass(frozen=True)
class CheckResult:
    """The answer of one check for one bill; a passed check has failed_rows 0.

    billing_period is YYYY-MM; billed_cost is the BilledCost of the failed rows, or the amount
    in doubt (Σ |difference|) where sums are compared, over all currencies of the bill; samples
    are up to five failing rows, column → text. `unit` is what failed_rows counts. `overridden`:
    it would have held the bill back, but somebody published it by force.
    """

    check_id: str
    what: str
    severity: Severity
    source: str
    billing_period: str
    failed_rows: int = 0
    billed_cost: Decimal = Decimal(0)
    note: str = ""
    samples: tuple[dict[str, str], ...] = ()
    unit: Unit = "row"
    overridden: bool = False

    @property
    def passed(self) -> bool:
        """Whether no row fails."""
        return self.failed_rows == 0

    @property
    def holds_back(self) -> bool:
        """Whether this result keeps its bill from being published."""
        return self.severity == "gate" and not self.passed and not self.overridden

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; money as text, so that no float touches it."""
        return {
            "check_id": self.check_id,
            "what": self.what,
            "severity": self.severity,
            "source": self.source,
            "billing_period": self.billing_period,
            "failed_rows": self.failed_rows,
            "billed_cost": text_of(self.billed_cost),
            "note": self.note,
            "samples": [dict(sample) for sample in self.samples],
            "unit": self.unit,
            "overridden": self.overridden,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "CheckResult":
        """The result `to_dict` wrote. Raises KeyError when a field is missing."""
        return cls(
            check_id=data["check_id"],
            what=data["what"],
            severity=data["severity"],
            source=data["source"],
            billing_period=data["billing_period"],
            failed_rows=int(data["failed_rows"]),
            billed_cost=Decimal(data["billed_cost"]),
            note=data["note"],
            samples=tuple(dict(sample) for sample in data["samples"]),
            # Results of lakes from before there were these two have none.
            unit=data.get("unit", "row"),
            overridden=data.get("overridden", False),
        )


def severities(overrides: Mapping[str, str], *, known: Iterable[Check]) -> dict[str, Judgement]:
    """Check id → gate, warn or ignore: each check's own, replaced by the overrides.

    Raises FinopsError when an override names no known check or no judgement.
    """
    judgements: dict[str, Judgement] = {check.id: check.severity for check in known}
    for check_id, word in overrides.items():
        if check_id not in judgements:
            raise FinopsError(
                f'there is no check "{check_id}"',
                hint=f"known checks: {', '.join(sorted(judgements))}",
                exit_code=2,
            )
        judgements[check_id] = _judgement(check_id, word)
    return judgements


def judge(results: Iterable[CheckResult], judgements: Mapping[str, Judgement]) -> list[CheckResult]:
    """The results under these judgements; ignored ones are left out."""
    judged = []
    for result in results:
        judgement = judgements.get(result.check_id, result.severity)
        if judgement != "ignore":
            judged.append(replace(result, severity=judgement))
    return judged


def text_of(value: object) -> str:
    """A value as a reader of findings sees it; NULL is the empty text.

    Decimals without exponent or trailing zeros, times as 2026-09-01T00:00:00Z (UTC), maps as
    JSON with sorted keys.
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(value, datetime):
        return value.isoformat(timespec="auto") + "Z"
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)


def _judgement(check_id: str, word: str) -> Judgement:
    words = get_args(Judgement)
    if word not in words:
        raise FinopsError(
            f'check "{check_id}" cannot be "{word}"',
            hint=f"write one of: {', '.join(words)}",
            exit_code=2,
        )
    return cast(Judgement, word)
