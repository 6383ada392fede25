"""The demo: a made-up company's bills, from delivery to report, by the commands a user would type.

python demo/run_demo.py --out demo/out
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
FINOPS = Path(sys.executable).parent / "finops"

# vendor, and the folder of its bills, which is the source's name too
CLOUDS = (("azure", "azure"), ("gcp", "gcp"), ("oci", "oci"), ("focus", "saas"))

TOP_SERVICES = """
select ServiceName as service from cost_by_month_converted
group by ServiceName order by sum(converted_effective_cost) desc limit 5
"""

NEXT = """
The lake is in {out}. From there, try:

    source .venv/bin/activate && cd {out}
    finops report --by account --by tag:team --converted
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
    make_clouds(out, arguments.months)
    finops(out, "init")
    finops(out, "add", "aws", "bills/aws")
    for vendor, folder in CLOUDS:
        finops(out, "add", vendor, f"bills/{folder}", "--name", folder)
    set_currency(out)
    finops(out, "run")
    print("\nA week later the provider restates July 2026:\n", flush=True)
    make_bills(out, arguments.months, "--restate")
    finops(out, "plan")
    finops(out, "run")
    print("\nCost by month and service (USD, converted, effective cost):\n", flush=True)
    finops(out, "query", by_month_and_service(out), shown='query "select month, …"')
    finops(out, "report", "--converted", "--top", "12")
    finops(out, "check")
    shown = os.path.relpath(out)
    print(NEXT.format(out=shown) + f"\ndone in {time.monotonic() - started:.0f} s")


def make_clouds(out: Path, months: int) -> None:
    """The bills of the other providers, each in a folder of its own."""
    command = [sys.executable, str(HERE / "make_clouds.py"), "--out", str(out / "bills")]
    subprocess.run([*command, "--months", str(months)], check=True)


def set_currency(out: Path) -> None:
    """Bills come in dollars and euros: report in dollars, at made-up rates."""
    shutil.copyfile(HERE / "rates.csv", out / "rates.csv")
    path = out / "finops.toml"
    text = path.read_text(encoding="utf-8")
    setting = '[currency]\nreporting = "USD"\nrates = "rates.csv"'
    path.write_text(text.replace("[currency]", setting, 1), encoding="utf-8")


def make_bills(out: Path, months: int, *more: str) -> None:
    """The generator writes what a bucket would hold."""
    command = [sys.executable, str(HERE / "make_bills.py"), "--out", str(out / "bills" / "aws")]
    subprocess.run([*command, "--months", str(months), *more], check=True)


def by_month_and_service(folder: Path) -> str:
    """SQL for one row a month: the top services as columns, all others, the total."""
    answer = subprocess.run(
        [str(FINOPS), "query", TOP_SERVICES, "--format", "json"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    services = [row["service"] for row in json.loads(answer.stdout)]
    quoted = ["'" + service.replace("'", "''") + "'" for service in services]
    columns = [f"ServiceName = {text}" for text in quoted]
    columns += [f"ServiceName not in ({', '.join(quoted)})", "true"]
    names = [textwrap.wrap(service.removeprefix("Amazon "), 15)[0] for service in services]
    cells = [
        f"cast(sum(converted_effective_cost) filter (where {condition}) as decimal(18, 0))"
        f' as "{name}"'
        for condition, name in zip(columns, [*names, "other", "total"], strict=True)
    ]
    return (
        f"select strftime(BillingPeriodStart, '%Y-%m') as month, {', '.join(cells)}"
        " from cost_by_month_converted group by month order by month"
    )


def finops(folder: Path, *arguments: str, shown: str = "") -> None:
    """Run a command as the user would, after showing it."""
    print(f"\n$ finops {shown or ' '.join(arguments)}", flush=True)
    subprocess.run([str(FINOPS), *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
