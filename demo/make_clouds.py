"""Make the other bills of the company that does not exist: Azure, Google Cloud, Oracle, SaaS.

example:
  python demo/make_clouds.py --out /tmp/bills --months 13

DIR/<vendor>/ holds each as the provider delivers it; DIR/clouds_truth.json has their sums.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

from billgen.months import parse_month
from cloudgen.azure import write_azure
from cloudgen.common import months
from cloudgen.gcp import write_gcp
from cloudgen.oci import write_oci
from cloudgen.saas import write_saas

HERE = Path(__file__).resolve().parent
WRITERS = {"azure": write_azure, "gcp": write_gcp, "oci": write_oci, "saas": write_saas}


def main() -> int:
    """Write every bill, then what they add up to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--months", type=int, default=13)
    parser.add_argument("--until", type=parse_month, default=date(2026, 10, 1))
    arguments = parser.parse_args()
    plan = tomllib.loads((HERE / "clouds.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    truth: dict[str, dict[str, str]] = {}
    for month in months(arguments.until, arguments.months, plan["growth_pct_per_month"]):
        for name, write in WRITERS.items():
            total = write(arguments.out, plan, month)
            truth.setdefault(name, {})[f"{month.start:%Y-%m}"] = str(total)
    (arguments.out / "clouds_truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    print(f"made {arguments.months} months of {', '.join(WRITERS)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
