"""The company's files (company.toml, skus.csv) as rows for the SQL tables.

Months in the files are places in the run (0 first bill, -1 last); here they become indexes from 0,
and purchases become dates.  A negative bought_month lies before the first bill instead.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

from billgen.months import add_months, add_years, list_months

Row = dict[str, object]

DEMO = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """What is made: the same run gives the same bills."""

    seed: int
    months: int
    until: date

    @property
    def month_list(self) -> list[date]:
        """All billing months in order."""
        return list_months(self.until, self.months)


@dataclass(frozen=True)
class Company:
    """One list of rows per SQL table, and the settings that Python itself needs."""

    tables: dict[str, list[Row]]
    words: list[str]
    edp_pct: float
    edp_from_month: int
    two_chunk_every: int
    bucket: str
    prefix: str
    export: str
    restated_month: int


def load_company(run: Run, folder: Path = DEMO) -> Company:
    """Read both files and place their months in `run`."""
    spec = tomllib.loads((folder / "company.toml").read_text(encoding="utf-8"))
    head = spec["company"]
    tables: dict[str, list[Row]] = {
        "company": [{**head, **payer(spec["account"])}],
        "account": [
            {**a, "env_spellings": spec["env_spellings"][a["env"]]} for a in spec["account"]
        ],
        "team": spec["team"],
        "region": [{**r, "region_no": i} for i, r in enumerate(spec["region"])],
        "sku": load_skus(folder / "skus.csv", spec["account_groups"]),
        "savings_plan": [
            place_purchase(p, run, i, head) for i, p in enumerate(spec["savings_plan"])
        ],
        "reservation": [place_purchase(p, run, i, head) for i, p in enumerate(spec["reservation"])],
        "fee": [{**place_months(f, run), "fee_no": i} for i, f in enumerate(spec["fee"])],
        "credit": [row for c in spec["credit"] for row in spread_credit(c)],
        "refund": [place_months(r, run) for r in spec["refund"]],
        "spike": [{**s, "month": place_month(s["month"], run)} for s in spec["spike"]],
        "restatement": [spec["restatement"]],
        "cluster": [spec["cluster"]],
        "workload": [{**w, "workload_no": i} for i, w in enumerate(spec["cluster"]["workload"], 1)],
    }
    return Company(
        tables=tables,
        words=spec["names"]["words"],
        edp_pct=head["edp_pct"],
        edp_from_month=head["edp_from_month"],
        two_chunk_every=head["two_chunk_every"],
        bucket=head["bucket"],
        prefix=head["prefix"],
        export=head["export"],
        # a short run restates its first bill; the open month is never restated
        restated_month=max(0, place_month(spec["restatement"]["month"], run)),
    )


def payer(accounts: list[dict[str, str]]) -> Row:
    """The payer is the account with that alias."""
    found = next(a for a in accounts if a["alias"] == "payer")
    return {"payer_id": found["id"], "payer_name": found["name"]}


def load_skus(path: Path, groups: dict[str, list[str]]) -> list[Row]:
    """Rows of skus.csv: blank is null, `accounts` a list of aliases with groups resolved."""
    rows: list[Row] = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, record in enumerate(csv.DictReader(file)):
            row: Row = {name: value or None for name, value in record.items()}
            aliases = record["accounts"].split()
            row["accounts"] = [a for name in aliases for a in groups.get(name, [name])]
            row["sku_no"] = number
            rows.append(row)
    return rows


def place_month(month: int, run: Run) -> int:
    """Index from the first bill; may be outside the run, then the event does not happen."""
    return month if month >= 0 else run.months + month


def place_months(event: Row, run: Run) -> Row:
    """An empty list means every month: null for SQL."""
    months = cast("list[int]", event["months"])
    return {**event, "months": [place_month(m, run) for m in months] or None}


def place_purchase(purchase: Row, run: Run, number: int, head: Row) -> Row:
    """Commitment with start and end day.  Bought in the contract: the upfront fee is discounted."""
    index = cast("int", purchase["bought_month"])
    month = add_months(run.month_list[0], index)
    start = month.replace(day=cast("int", purchase["bought_day"]))
    end = add_years(start, cast("int", purchase.get("term_years", 1)))
    return {
        **purchase,
        "sp_no": number,
        "ri_no": number,
        "term_years": purchase.get("term_years", 1),
        "family": purchase.get("family") or None,
        "start_day": start.isoformat(),
        "end_day": end.isoformat(),
        "bought_in_contract": index >= cast("int", head["edp_from_month"]),
    }


def spread_credit(credit: Row) -> list[Row]:
    """One row per month and product."""
    first = cast("int", credit["from_month"])
    split = cast("dict[str, float]", credit["split"])
    return [
        {
            "account": credit["account"],
            "name": credit["name"],
            "product_code": product,
            "month": first + i,
            "amount": round(amount * share, 2),
        }
        for i, amount in enumerate(cast("list[float]", credit["monthly"]))
        for product, share in split.items()
    ]
