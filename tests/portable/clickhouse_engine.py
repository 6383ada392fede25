"""The real ClickHouse engine, in this process, with one bill's rows and models as views."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from finops_stack.build.portable import SETTINGS, render


class ClickHouse:
    """One session; databases of their own for vocabulary and for each bill."""

    def __init__(self, folder: Path) -> None:
        from chdb.session import Session

        self._session = Session(str(folder))
        for name, value in SETTINGS["clickhouse"].items():
            self._session.query(f"set {name} = {value}")

    def close(self) -> None:
        self._session.close()

    def rows(self, sql: str) -> list[list[Any]]:
        """Values as JSON has them, decimals as Decimal."""
        text = str(self._session.query(sql, "JSONCompact"))
        found: list[list[Any]] = json.loads(text, parse_float=Decimal)["data"] if text else []
        return found

    def run(self, sql: str) -> None:
        self._session.query(sql)

    def load_words(self, files: Mapping[str, str], folder: Path) -> None:
        """Vocabulary files as tables, all text, blank is null; named as in the macros."""
        self.run("create database if not exists vocabulary")
        for name, text in files.items():
            parts = Path(name).relative_to("vocabulary").with_suffix("").parts
            place = folder / ("__".join(parts) + ".parquet")
            csv = place.with_suffix(".csv")
            csv.write_text(text, encoding="utf-8")
            duckdb.execute(
                f"copy (select * from read_csv('{csv}', all_varchar = true, header = true))"
                f" to '{place}' (format parquet)"
            )
            self.run(
                f'create table vocabulary."{place.stem}" engine = Memory'
                f" as select * from file('{place}', Parquet)"
            )

    def load_bill(self, bill: str, rows: Path, models: Mapping[str, str]) -> None:
        """A bill's rows as the table bill_rows, and each model as a view, in its own database.

        A model that reads one bill of many is a table: a view of it would have parameters.
        """
        self.run(f"create database {bill}")
        table = f"create table {bill}.bill_rows engine = Memory"
        self.run(f"{table} as select * from file('{rows}', Parquet)")
        self.run(f"use {bill}")
        for name, text in models.items():
            sql = rendered(text)
            kind = "table" if "{bill_source" in sql else "view"
            engine = " engine = Memory" if kind == "table" else ""
            self.run(f'create {kind} "{name}"{engine} as\n{sql}')

    def pick_bill(self, source: str, period_start: str) -> None:
        """What a target sets before it runs the models of a bill."""
        self.run(f"set param_bill_source = '{source}'")
        self.run(f"set param_bill_period_start = '{period_start}'")


@cache
def rendered(text: str) -> str:
    """Many bills are read by the same models."""
    return render(text, "clickhouse")


def in_order(models: Mapping[str, str]) -> dict[str, str]:
    """Models after those they read."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        for other in models:
            read = (f'ref("{other}")', f"ref('{other}')")
            if other not in done and any(call in models[name] for call in read):
                add(other)
        done[name] = models[name]

    for name in models:
        if name not in done:
            add(name)
    return done


def read_by(models: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The named models and all that they read."""
    kept: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        kept[name] = models[name]
        waiting += [o for o in models if f'ref("{o}")' in models[name]]
    return in_order(kept)
