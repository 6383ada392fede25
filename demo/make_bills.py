"""Make the AWS bills (CUR 2.0 Data Exports, Parquet) of a company that does not exist.

example:
  python demo/make_bills.py --out /tmp/bills                 13 months up to 2026-10
  python demo/make_bills.py --out /tmp/bills --restate       then a newer version of one past month

DIR/truth.json has the sums that a conversion of these bills must give.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from billgen.company import Company, Run, load_company
from billgen.delivery import plan_execution, write_delivery, write_json
from billgen.engine import Execution, build_bill, connect
from billgen.months import parse_month
from billgen.truth import measure

Truth = dict[str, object]


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 when the arguments contradict the folder."""
    args = parse_arguments(argv)
    run = Run(seed=args.seed, months=args.months, until=args.until)
    truth_file: Path = args.out / "truth.json"
    settings = {"seed": run.seed, "months": run.months, "until": f"{run.until:%Y-%m}"}
    made = json.loads(truth_file.read_text("utf-8")) if truth_file.exists() else None
    if args.restate and made and made["settings"] != settings:
        print(f"error: {args.out} was made with {made['settings']}", file=sys.stderr)
        print("hint:  give the same --seed, --months and --until, or a new --out", file=sys.stderr)
        return 2
    company = load_company(run)
    con = connect(run, company)
    if not (args.restate and made):
        made = {"settings": settings, "months": make_months(con, run, company, args.out)}
        write_json(truth_file, made)
    if args.restate:
        made["restated"] = restate(con, run, company, args.out)
        write_json(truth_file, made)
    return 0


def make_months(
    con: duckdb.DuckDBPyConnection, run: Run, company: Company, out: Path
) -> dict[str, Truth]:
    """Deliver every month once; truth by month."""
    plans = [plan_execution(run, index, 0) for index in range(run.months)]
    return {f"{p.month:%Y-%m}": make_month(con, company, p, out) for p in plans}


def restate(
    con: duckdb.DuckDBPyConnection, run: Run, company: Company, out: Path
) -> dict[str, Truth]:
    """Deliver one past month again, with other totals; the older delivery stays."""
    plan = plan_execution(run, company.restated_month, 1)
    return {f"{plan.month:%Y-%m}": make_month(con, company, plan, out)}


def make_month(
    con: duckdb.DuckDBPyConnection, company: Company, plan: Execution, out: Path
) -> Truth:
    """One delivery and its truth; one line of progress."""
    start = time.perf_counter()
    build_bill(con, company, plan)
    write_delivery(con, company, plan, out)
    truth = measure(con)
    word = "restated" if plan.number else "open" if plan.is_open else "closed"
    billed = float(str(truth["billed_total"]))
    print(
        f"{plan.month:%Y-%m}  {truth['rows']:>6} rows  billed {billed:>11,.2f} USD  {word:<8}"
        f"  {time.perf_counter() - start:.1f} s",
        file=sys.stderr,
    )
    return truth


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line; months are checked here."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--months", type=int, default=13, help="number of bills (default 13)")
    parser.add_argument(
        "--until", type=month, default=date(2026, 10, 1), help="last, open month (default 2026-10)"
    )
    parser.add_argument("--seed", type=int, default=7, help="other seed, other company (default 7)")
    parser.add_argument("--restate", action="store_true", help="add a newer version of one month")
    args = parser.parse_args(argv)
    if args.months < 2:
        parser.error("--months must be at least 2: a closed month and the open one")
    return args


def month(text: str) -> date:
    """Argument type of --until."""
    try:
        return parse_month(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
