"""The demo's other clouds, from their files to published rows: sums as the generator knows them."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from workspaces import Workspace

DEMO = Path(__file__).parents[2] / "demo"
# source and folder of its bills → vendor
SOURCES = {"azure": "azure", "gcp": "gcp", "oci": "oci", "saas": "focus"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, dict[str, str]]]:
    """Two months of every cloud in one lake."""
    workspace = Workspace(tmp_path_factory.mktemp("clouds"))
    bills = workspace.folder / "made"
    command = [sys.executable, str(DEMO / "make_clouds.py"), "--out", str(bills), "--months", "2"]
    subprocess.run(command, check=True, capture_output=True)
    (workspace.folder / "finops.toml").unlink()
    assert workspace.finops("init").exit_code == 0
    for source, vendor in SOURCES.items():
        ended = workspace.finops("add", vendor, str(bills / source), "--name", source)
        assert ended.exit_code == 0, ended.output
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended.output
    truth: dict[str, dict[str, str]] = json.loads((bills / "clouds_truth.json").read_text("utf-8"))
    return workspace, truth


def test_every_month_bills_what_the_generator_says_to_the_last_digit(loaded):
    workspace, truth = loaded
    found: dict[str, dict[str, Decimal]] = {}
    for source, month, billed in workspace.rows(
        "select x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), sum(BilledCost)"
        " from focus group by all"
    ):
        found.setdefault(source, {})[month] = billed
    expected = {s: {m: Decimal(v) for m, v in months.items()} for s, months in truth.items()}
    assert found == expected


def test_a_reservation_is_amortised_over_what_it_covered_and_what_it_wasted(loaded):
    """EffectiveCost of used and unused hours = the fee; the fee's own row has none."""
    workspace, _ = loaded
    for billed, effective, unused in workspace.rows(
        "select sum(BilledCost), sum(EffectiveCost),"
        " sum(EffectiveCost) filter (where CommitmentDiscountStatus = 'Unused')"
        " from focus where x_SourceName = 'azure' and CommitmentDiscountId is not null"
        " group by BillingPeriodStart"
    ):
        assert billed == effective > 0
        assert unused is None or unused >= 0


def test_two_currencies_stay_apart(loaded):
    workspace, _ = loaded
    assert workspace.rows(
        "select x_SourceName, any_value(BillingCurrency), count(distinct BillingCurrency)"
        " from focus group by all order by 1"
    ) == [("azure", "EUR", 1), ("gcp", "USD", 1), ("oci", "EUR", 1), ("saas", "USD", 1)]
