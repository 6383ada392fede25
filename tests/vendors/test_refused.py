"""Bills that are not loaded, because what they say cannot be right: each with its reason."""

import shutil
from datetime import datetime
from pathlib import Path

from packing import pack

from finops_stack.cli.flow import run
from finops_stack.cli.reporter import JsonReporter
from finops_stack.cli.session import Session
from finops_stack.config import Config, LakeSettings, Source
from finops_stack.vendors.catalog import BUILTIN, load_vendor

FIXTURES = BUILTIN / "focus" / "fixtures"
NOW = datetime(2026, 10, 3, 4, 5, 6)


def refusals(root: Path, case: str, *, own: tuple[Path, ...] = (), within: str = "") -> list[str]:
    """Messages and hints of a run over one fixture, moved into the folder `within`."""
    place = pack(FIXTURES / case / "delivery", root / "bills" / within, load_vendor("focus"))
    source = Source(name="s", vendor="focus", location=str(root / "bills"))
    lake = LakeSettings(path=root / "lake")
    session = Session(Config(lake=lake, sources=(source,), vendor_folders=own))
    summary = run(session, JsonReporter(), now=NOW)
    assert place.is_dir()
    assert not summary.published
    return [f"{error.message} | {error.hint}" for _, error in summary.refused]


def test_quantities_without_prices_are_never_costs_of_zero(tmp_path):
    (told,) = refusals(tmp_path, "coreweave_quantities")
    assert "need a price list" in told
    assert "focus/vocabulary/prices.csv in one of your vendor_folders" in told


def test_quantities_of_which_one_has_no_price_are_held_back(tmp_path):
    prices = tmp_path / "own" / "focus" / "vocabulary" / "prices.csv"
    prices.parent.mkdir(parents=True)
    prices.write_text("sku_id,currency,list_unit_price\nexample-cpu,USD,0.01\n", encoding="utf-8")
    assert refusals(tmp_path, "coreweave_quantities", own=(tmp_path / "own",)) == []


def test_rows_of_another_month_than_their_folder_are_refused(tmp_path):
    (told,) = refusals(tmp_path, "two_months_in_a_file", within="2026-09")
    assert "usage.csv.gz, row 1: its BillingPeriodStart is in another month" in told


def test_a_bill_without_account_needs_the_sources_word(tmp_path):
    shutil.rmtree(tmp_path / "lake", ignore_errors=True)
    (told,) = refusals(tmp_path, "vercel_1_3")
    assert "its bills do not say the billing account" in told
    assert 'given = { account = "…" }' in told
