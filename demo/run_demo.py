"""The demo: a made-up company's bills, from delivery to report, by the commands a user would type.

python demo/run_demo.py --out demo/out
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Top services as columns, months as rows; the names are shortened to fit a terminal.
BY_MONTH_AND_SERVICE = """
with cost as (
    select strftime(BillingPeriodStart, '%Y-%m') as month, ServiceName as service,
        sum(effective_cost) as cost
    from cost_by_month group by all
),
ranked as (
    select service, row_number() over (order by sum(cost) desc) as place
    from cost group by service
),
named as (
    select month, cost, case when place <= 6
        then place || ' ' || left(replace(replace(service, 'Amazon ', ''), 'AWS ', ''), 14)
        else '7 other' end as service
    from cost join ranked using (service)
),
wide as (
    pivot named on service using cast(sum(cost) as decimal(18, 2)) group by month
)
select wide.*, total from wide
join (select month, cast(sum(cost) as decimal(18, 2)) as total from cost group by month)
    using (month)
order by month
"""

NEXT = """
The lake is in {out}. From there, try:

    cd {out}
    finops report --by account --by tag:team
    finops history aws 2026-07
    finops query "select ServiceName, sum(EffectiveCost) from focus group by 1 order by 2 desc"
    finops export --to focus-1.2 --focus-version 1.2
"""


def main() -> None:
    """Make the bills, load them, restate a month, load again, show what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--months", type=int, default=13)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    started = time.monotonic()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    make_bills(out, arguments.months)
    finops(out, "init")
    finops(out, "add", "aws", "bills")
    finops(out, "run")
    print("\nA week later the provider restates July 2026:\n", flush=True)
    make_bills(out, arguments.months, "--restate")
    finops(out, "plan")
    finops(out, "run")
    print("\nCost by month and service (USD, effective cost):\n", flush=True)
    finops(out, "query", BY_MONTH_AND_SERVICE, shown='query "…"')
    finops(out, "report")
    finops(out, "check")
    shown = os.path.relpath(out)
    print(NEXT.format(out=shown) + f"\ndone in {time.monotonic() - started:.0f} s")


def make_bills(out: Path, months: int, *more: str) -> None:
    """The generator writes what a bucket would hold."""
    command = [sys.executable, str(HERE / "make_bills.py"), "--out", str(out / "bills")]
    subprocess.run([*command, "--months", str(months), *more], check=True)


def finops(folder: Path, *arguments: str, shown: str = "") -> None:
    """Run a command as the user would, after showing it."""
    print(f"\n$ finops {shown or ' '.join(arguments)}", flush=True)
    command = Path(sys.executable).parent / "finops"
    subprocess.run([str(command), *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
