"""What run, check and status say of data quality, and how severities and thresholds change it."""

import json
from datetime import UTC, datetime

import pytest

from acme_bills import acme_row
from workspaces import Workspace

GAP = (10, 11)


def usage(month, days, *, service="VM small", amount="5", **more):
    """A row a day."""
    return [
        acme_row(
            month,
            service=service,
            amount=amount,
            start=f"{month}-{day:02d}T00:00:00Z",
            end=f"{month}-{day:02d}T01:00:00Z",
            **more,
        )
        for day in days
    ]


def deliver_history(workspace):
    """August whole, with 310 EUR of disks; September without two days and without disks."""
    august = usage("2025-08", range(1, 32))
    august += usage("2025-08", range(1, 32), service="Disk", amount="10")
    workspace.deliver("2025-08", rows=august)
    september = usage("2025-09", [day for day in range(1, 31) if day not in GAP])
    workspace.deliver("2025-09", rows=september)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A lake with those two bills; tests only read it. The run's own words go along."""
    workspace = Workspace(tmp_path_factory.mktemp("quality") / "workspace")
    deliver_history(workspace)
    return workspace, workspace.finops("run")


def checks(workspace, *options):
    """(month, check id) → what check shows of it."""
    report = json.loads(workspace.finops("check", "--format", "json", *options).stdout)
    return {
        (bill["billing_period"], check["check_id"]): check
        for bill in report
        for check in bill["checks"]
    }


def one_line(text):
    return " ".join(text.split())


def test_a_run_says_what_is_missing_and_publishes(told):
    _, ended = told
    assert ended.exit_code == 0, ended
    said = one_line(ended.stderr)
    assert (
        "acme 2025-09, days-missing: 2 days, cost touched 10.00 (from_day=2025-09-10,"
        " to_day=2025-09-11, days=2, usual_cost_a_day=5.00 EUR)"
    ) in said
    assert (
        "acme 2025-09, services-gone: 1 service, cost touched 310.00 (service=Disk, currency=EUR,"
        " cost_before=310)"
    ) in said
    assert "accounts-gone" not in said and "2025-08, " not in said


def test_the_check_report_has_them_like_the_others(told):
    workspace, _ = told
    found = checks(workspace)
    assert set(found) == {("2025-09", "days-missing"), ("2025-09", "services-gone")}
    gone = found["2025-09", "services-gone"]
    assert (gone["severity"], gone["failed_rows"], gone["unit"]) == ("warn", 1, "service")
    assert (gone["billed_cost"], gone["note"]) == (310, "compared with 2025-08")
    shown = workspace.finops("check").stdout
    assert "        1 service, cost touched 310.00\n" in shown
    assert "        2 days, cost touched 10.00\n" in shown
    assert "2 warnings" in workspace.finops("status").stdout
    everything = checks(workspace, "--all")
    assert everything["2025-08", "days-missing"]["failed_rows"] == 0
    assert everything["2025-08", "price-zero"]["failed_rows"] == 0


def test_a_gate_holds_back_and_a_threshold_or_ignoring_it_lets_pass(workspace):
    deliver_history(workspace)
    gates = '[checks]\ndays-missing = "gate"\nservices-gone = "gate"\n'
    workspace.configure(more=gates)
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended
    assert "held back by its checks: days-missing (2), services-gone (1)" in one_line(ended.stderr)
    assert set(workspace.totals()) == {("acme", "2025-08")}

    # The held bill is tried again when thresholds change.
    gates = '[checks]\ndays-missing = "ignore"\nservices-gone = "gate"\n'
    workspace.configure(more=f"{gates}[quality]\ngone_cost = 311")
    ended = workspace.finops("run")
    assert (ended.exit_code, set(checks(workspace))) == (0, set()), ended
    assert ("acme", "2025-09") in workspace.totals()


def test_half_a_restated_month_and_the_same_account_in_another_source(workspace):
    """200 rows were published; 80 come back. The other source bills the account the same 400."""
    workspace.configure("acme", "twin")
    days = [day for day in range(1, 21) for _ in range(10)]
    rows = usage("2025-09", days)
    for number, row in enumerate(rows):
        row["quantity"] = str(number)
    workspace.deliver("2025-09", rows=rows)
    workspace.finops("run", "--source", "acme")
    workspace.deliver("2025-09", rows=rows[:80], delivery_id="d2")
    workspace.deliver("2025-09", source="twin", rows=usage("2025-09", range(1, 21), amount="20"))
    ended = workspace.finops("run")
    said = one_line(ended.stderr)
    assert (
        "acme 2025-09, rows-restated: 120 rows, cost touched 600.00 (currency=EUR,"
        " rows_before=200, rows_now=80, cost_before=1000, cost_now=400)"
    ) in said
    assert (
        "acme 2025-09, bills-alike: 1 account, cost touched 400.00 (account=0071, currency=EUR,"
        " cost=400, other_source=twin)"
    ) in said
    assert "twin 2025-09, bills-alike" in said


# ---- sources


@pytest.fixture
def stale(workspace):
    """Its newest delivery came in the month of its bill, years ago."""
    workspace.deliver("2025-09", rows=usage("2025-09", range(1, 20)), version="20250920T060000Z")
    return workspace


def files_of(lake):
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_size)
        for path in lake.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_a_stale_source_is_told_by_run_check_and_status_also_when_nothing_is_new(stale):
    old = "source acme is stale: newest delivery of 2025-09-20 06:00, charges until 2025-09-20: "
    ended = stale.finops("run")
    assert (ended.exit_code, old in one_line(ended.stderr)) == (0, True), ended
    before = files_of(stale.folder / "lake")
    again = stale.finops("run")
    assert again.exit_code == 0
    assert old in one_line(again.stderr) and "nothing new" in again.stdout
    assert files_of(stale.folder / "lake") == before

    report = json.loads(stale.finops("check", "--format", "json").stdout)
    (entry,) = [bill for bill in report if bill["billing_period"] is None]
    (check,) = entry["checks"]
    days = (datetime.now(UTC).replace(tzinfo=None) - datetime(2025, 9, 20)).days
    assert (entry["source"], entry["held_back"], check["check_id"]) == ("acme", False, "freshness")
    assert check["failed_rows"] == days
    assert check["billed_cost"] == 5 * days
    (bill,) = json.loads(stale.finops("status", "--format", "json").stdout)
    assert bill["stale"]["charges_until"] == "2025-09-20T00:00:00Z"
    assert "its source is stale: newest delivery of" in one_line(stale.finops("status").stdout)


def test_a_stale_source_may_end_a_run_with_3_or_be_left_alone(stale):
    stale.configure(more='[checks]\nfreshness = "gate"')
    assert stale.finops("run").exit_code == 3
    assert stale.finops("run").exit_code == 3
    assert stale.finops("check").exit_code == 3
    assert set(stale.totals()) == {("acme", "2025-09")}
    for more in ('[checks]\nfreshness = "ignore"', "[quality.fresh_days_by_source]\nacme = 0"):
        stale.configure(more=more)
        ended = stale.finops("run")
        assert (ended.exit_code, "stale" in ended.output) == (0, False)
        (bill,) = json.loads(stale.finops("status", "--format", "json").stdout)
        assert bill["stale"] is None


def test_history_that_came_after_its_months_is_not_stale(workspace):
    workspace.deliver("2025-09")
    assert "stale" not in workspace.finops("run").output
    assert "stale:" not in workspace.finops("status").stdout
