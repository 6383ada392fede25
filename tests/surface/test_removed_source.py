"""A source that finops.toml names no more: what was published of it stays, and is said to."""

import json
import shutil

import pytest

from acme_bills import OWN_VENDORS, acme_rows

ZETA = ("zeta-prod", "2026-09")
ACME = ("acme", "2026-09")


def write_settings(workspace, *sources):
    lines = ['vendor_folders = ["vendors"]', "[engine]", "threads = 1"]
    for name, vendor in sources:
        (workspace.folder / name).mkdir(exist_ok=True)
        lines += ["[[sources]]", f'name = "{name}"', f'vendor = "{vendor}"', f'location = "{name}"']
    (workspace.folder / "finops.toml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def two_vendors(workspace):
    """Acme, and Zeta whose bills look the same, each with one source and one published bill."""
    vendors = workspace.folder / "vendors"
    shutil.copytree(OWN_VENDORS / "acme", vendors / "acme")
    zeta = shutil.copytree(OWN_VENDORS / "acme", vendors / "zeta")
    for path in [*zeta.glob("*.sql"), zeta / "vendor.toml"]:
        text = path.read_text().replace("acme__", "zeta__")
        path.write_text(text)
        path.rename(path.with_name(path.name.replace("acme__", "zeta__")))
    write_settings(workspace, ("acme", "acme"), ("zeta-prod", "zeta"))
    (workspace.folder / "bills").rmdir()
    (workspace.folder / "acme").rename(workspace.folder / "bills")
    (workspace.folder / "acme").symlink_to("bills")
    workspace.deliver()
    workspace.deliver(source="zeta-prod", rows=acme_rows(amounts=["7"]))
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    return workspace


def restate_acme(workspace, delivery_id, amount):
    workspace.deliver(delivery_id=delivery_id, rows=acme_rows(amounts=[amount]))
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended


@pytest.mark.parametrize("folder_gone", [False, True])
def test_rows_stay_in_every_view(two_vendors, folder_gone):
    workspace = two_vendors
    write_settings(workspace, ("acme", "acme"))
    if folder_gone:
        shutil.rmtree(workspace.folder / "vendors" / "zeta")
    restate_acme(workspace, "d2", "3")
    assert workspace.totals() == {ACME: (1, "3.00"), ZETA: (1, "7.00")}
    for view in ("focus_1_2", "focus_1_4"):
        assert workspace.rows(f"select sum(BilledCost)::int from {view}") == [(10,)]
    assert workspace.rows("select sum(billed_total)::int from bill_controls") == [(10,)]
    assert workspace.rows("select sum(billed_cost)::int from cost_by_month") == [(10,)]
    # a second time, now from a view that has the table without a model already
    restate_acme(workspace, "d3", "4")
    assert workspace.totals() == {ACME: (1, "4.00"), ZETA: (1, "7.00")}


def test_sources_and_status_say_it_is_set_up_no_more(two_vendors):
    workspace = two_vendors
    write_settings(workspace, ("acme", "acme"))
    sources = json.loads(workspace.finops("sources", "--format", "json").stdout)
    assert {each["source"]: each["configured"] for each in sources} == {
        "acme": True,
        "zeta-prod": False,
    }
    assert "not in finops.toml any more" in workspace.finops("sources").stdout
    bills = json.loads(workspace.finops("status", "--format", "json").stdout)
    assert {each["source"]: each["configured"] for each in bills} == {
        "acme": True,
        "zeta-prod": False,
    }
    assert "its source is not in finops.toml any more" in workspace.finops("status").stdout


def test_without_any_source_what_is_there_is_still_listed(two_vendors):
    write_settings(two_vendors)
    ended = two_vendors.finops("sources")
    assert ended.exit_code == 0, ended
    assert "zeta-prod" in ended.stdout
    assert two_vendors.rows("select count(*) from focus") == [(3,)]


def test_set_up_again_its_next_bill_replaces_the_old_one(two_vendors):
    workspace = two_vendors
    write_settings(workspace, ("acme", "acme"))
    restate_acme(workspace, "d2", "3")
    write_settings(workspace, ("acme", "acme"), ("zeta-prod", "zeta"))
    workspace.deliver(source="zeta-prod", delivery_id="d2", rows=acme_rows(amounts=["8", "1"]))
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {ACME: (1, "3.00"), ZETA: (2, "9.00")}
