"""Run dbt in this process, in its work folder, silently; failures become one message a model."""

import os
from collections.abc import Callable
from contextlib import chdir, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

# dlt first and whole, for landing asks for it before dbt is needed: two threads that import
# the same packages from different ends could see them half made.
_IMPORTS = ("dlt", "pyarrow.parquet", "dbt.cli.main", "dbt.adapters.duckdb.connections")


@dataclass(frozen=True)
class ModelFailure:
    """A model that did not build, and dbt's reason in one line."""

    model: str
    message: str


def start_imports() -> None:
    """Import on a thread, beside the hashing and DuckDB's work: 1.4 s of a run if waited for."""
    Thread(target=_import_all, name="imports", daemon=True).start()


def _import_all() -> None:
    _be_silent()
    for name in _IMPORTS:
        with suppress(ImportError):  # raised again where it is needed
            import_module(name)


def _be_silent() -> None:
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"


def run_dbt(work: Path, *, progress: Callable[[str], None] = lambda _: None) -> list[ModelFailure]:
    """`dbt run` in the work folder; gives the models that failed (an empty list: all built).

    progress: called with the name of each model as it ends.
    """
    _be_silent()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        if event.info.name == "NodeFinished":
            progress(str(event.data.node_info.node_name))

    arguments = ["run", "--project-dir", ".", "--profiles-dir", ".", "--log-level", "none"]
    arguments += ["--log-level-file", "error", "--no-use-colors", "--no-version-check"]
    with chdir(work):
        try:
            result = dbtRunner(callbacks=[on_event]).invoke(arguments)
        finally:
            # dbt keeps its database open in the process; the next reader must find it closed.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    return _failures(result)


def _failures(result: Any) -> list[ModelFailure]:
    if result.exception is not None:
        return [ModelFailure("", _short(str(result.exception)))]
    results = getattr(result.result, "results", [])
    return [
        ModelFailure(r.node.name, _short(r.message or ""))
        for r in results
        if str(r.status) in ("error", "fail", "runtime error")
    ]


def _short(message: str) -> str:
    """dbt's text up to its own call stack."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    kept = []
    for line in lines:
        if line.startswith(("> in macro", "> called by", "compiled code at")):
            break
        kept.append(line)
    return " ".join(kept)
