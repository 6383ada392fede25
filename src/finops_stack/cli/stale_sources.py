"""Which sources are stale, under the user's thresholds and severity."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from finops_stack.cli.session import Session
from finops_stack.findings import CheckResult, judge, severities
from finops_stack.quality.freshness import FRESHNESS, check_freshness
from finops_stack.warehouse.source_ages import SourceAge, read_source_ages

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge_sources(session: Session, ages: Iterable[SourceAge], now: datetime) -> list[CheckResult]:
    """What the check of sources says of these, passed ones too; nothing where it is ignored."""
    results = check_freshness(ages, now=now, settings=session.config.quality)
    own = {key: word for key, word in session.config.checks.items() if key == FRESHNESS.id}
    return judge(results, severities(own, known=[FRESHNESS]))


def read_freshness(
    session: Session, connection: "DuckDBPyConnection", now: datetime
) -> list[CheckResult]:
    """The same of every source in finops.toml, of what the lake knows."""
    names = [source.name for source in session.config.sources]
    return judge_sources(
        session, read_source_ages(connection, sources=names, today=now.date()), now
    )
