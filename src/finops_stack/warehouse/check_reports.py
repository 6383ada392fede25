"""Recorded check results, run by run."""

import json
from typing import TYPE_CHECKING, Any

from finops_stack.warehouse.lake import LAKE, table_exists

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def last_checked_run(connection: "DuckDBPyConnection") -> str | None:
    """The newest run that checked a bill; None when none did."""
    if not table_exists(connection, "ops", "check_results"):
        return None
    row = connection.execute(
        f"""select run_id from {LAKE}.ops.runs
        where run_id in (select run_id from {LAKE}.ops.check_results)
        order by sequence desc limit 1"""
    ).fetchone()
    return str(row[0]) if row else None


def results_of_run(
    connection: "DuckDBPyConnection", run_id: str
) -> list[tuple[str, dict[str, Any]]]:
    """(delivery id, check result as recorded) of one run; a bill has one delivery in a run.

    Of that delivery there may be more to say later: that it was rolled back.
    """
    rows = connection.execute(
        f"""select distinct coalesce(o.delivery_id, ''), c.result
        from {LAKE}.ops.check_results as c
        left join {LAKE}.ops.outcomes as o
            on c.run_id = o.run_id and c.source = o.source
            and c.billing_period = o.billing_period
        where c.run_id = ?""",
        [run_id],
    ).fetchall()
    return [(str(delivery), json.loads(result)) for delivery, result in rows]
