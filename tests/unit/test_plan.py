"""dbt's work folder: planned as values, written only where it differs."""

import json

import pytest

from acme_bills import OWN_VENDORS
from finops_stack.build.in_lake import InLake
from finops_stack.build.plan import Bill, plan, sync
from finops_stack.vendors.catalog import load_vendor

ACME = load_vendor("acme", [OWN_VENDORS])
BILL = Bill("acme", "2026-09-01 00:00:00", ("acme__lines_focus",), "select '{{ x }}' as a")


def state(folder):
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_plan_is_the_same_every_time_and_touches_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plan([ACME], [BILL]) == plan([ACME], [BILL])
    assert list(tmp_path.iterdir()) == []


def test_plan_holds_core_vendor_and_generated_files():
    files = plan([ACME], [BILL], account_names="account_id,account_name\n1,One\n")
    assert {"dbt_project.yml", "profiles.yml", "bills.json", "macros/bills.sql"} <= set(files)
    assert files["models/vendors/acme/acme__lines_focus.sql"] == ACME.models()["acme__lines_focus"]
    assert files["vocabulary/account_names.csv"].endswith("1,One\n")
    assert "ref('acme__lines_focus')" in files["models/canonical/focus.sql"]
    assert {f"models/canonical/focus_1_{n}.sql" for n in range(5)} <= set(files)
    (bill,) = json.loads(files["bills.json"])
    assert bill == {
        "source": "acme",
        "billing_period_start": "2026-09-01 00:00:00",
        "models": ["acme__lines_focus"],
        "relation": "select '{{ x }}' as a",
    }


def test_plan_without_vendors_has_the_views_all_the_same():
    files = plan([], [])
    assert "where false" in files["models/canonical/focus.sql"]
    assert not any(name.startswith("models/vendors/") for name in files)


def test_every_generated_yml_is_json_and_so_yaml():
    files = plan([ACME], [BILL])
    for name in ("models/vendors/acme/contracts.yml", "models/canonical/views.yml", "profiles.yml"):
        json.loads(files[name])


def test_no_path_and_no_secret_reach_the_work_folder():
    text = "\n".join(plan([ACME], [BILL]).values())
    assert "/work" not in text
    assert "/home" not in text


def test_sync_writes_what_differs_and_nothing_else(tmp_path):
    files = plan([ACME], [BILL])
    sync(files, tmp_path)
    before = state(tmp_path)
    assert {name: body.decode() for name, (_, body) in before.items()} == files
    sync(files, tmp_path)
    assert state(tmp_path) == before
    sync(files | {"bills.json": "[]\n"}, tmp_path)
    changed = {name for name, value in state(tmp_path).items() if value != before[name]}
    assert changed == {"bills.json"}


def test_sync_deletes_what_is_not_planned(tmp_path):
    sync(plan([ACME], [BILL]), tmp_path)
    stray = ["models/marts/old.sql", "models/vendors/gone/x.sql", "macros/x.sql",
             "vocabulary/gone/x.csv"]  # fmt: skip
    kept = ["target/manifest.json", "logs/dbt.log"]
    for name in stray + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    sync(plan([], []), tmp_path)
    assert set(state(tmp_path)) == set(plan([], [])) | set(kept)


@pytest.mark.parametrize("source", ["acme", "two"])
def test_a_changed_bill_changes_only_bills_json(source):
    other = Bill(source, "2026-10-01 00:00:00", (), "select 1")
    one, two = plan([ACME], [BILL]), plan([ACME], [BILL, other])
    assert {name for name in two if two[name] != one.get(name)} == {"bills.json"}


def test_forms_without_a_bill_have_no_table_and_no_place_in_the_views():
    files = plan([ACME], [], lake=InLake(forms=set()))
    assert not any(name.endswith("_focus.sql") for name in files if "vendors/acme" in name)
    assert "ref(" not in files["models/canonical/focus.sql"]
    assert "x_AcmeInvoice" in files["models/canonical/focus.sql"]
    every = {("acme", form.name) for form in ACME.forms}
    assert plan([ACME], [BILL], lake=InLake(forms=every)) == plan([ACME], [BILL])
