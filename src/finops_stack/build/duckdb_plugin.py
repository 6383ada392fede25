"""dbt-duckdb plug-in: the same limits, extensions and lake as everywhere else.

dbt knows neither paths nor credentials: it reads lake.json beside the project, which holds none.
"""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from finops_stack.build.lake_file import read_lake
from finops_stack.warehouse.engine import use_utc


class Plugin(BasePlugin):
    """Attaches the lake to each connection dbt opens."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Memory, threads, temporary folder."""
        config.update(read_lake().engine.options())

    def configure_connection(self, conn: Any) -> None:
        """Extensions from the wheels, then the lake."""
        lake = read_lake()
        use_utc(conn)
        lake.prepare(conn)
        conn.execute(lake.attach_sql())
        # Models put the wide side left and what is looked up right. By its estimates DuckDB swaps
        # them where a look-up is made of joins, and then holds a whole bill in memory.
        conn.execute("set disabled_optimizers = 'build_side_probe_side'")
