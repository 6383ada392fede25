"""checks.toml of a vendor folder: asked of its bills and reported like our own."""

import json
import shutil

import pytest

from acme_bills import OWN_VENDORS, acme_row, acme_rows

CHECK = """
[[checks]]
id = "acme-small"
form = "lines"
what = "no line is above 100"
severity = "warn"
guard = "select max(BilledCost) > 100 from {focus} where {bills}"
sql = '''
select x_SourceName, BillingPeriodStart, 1 as failed_rows, BilledCost as billed_cost,
    x_SourceFile as file, x_SourceRow as row
from {focus} where {bills} and BilledCost > 100'''
"""
OF_RAW = """
samples = '''
select x_SourceFile as file, x_SourceRow as row, amount from {bill_rows}
where amount > 100 order by amount desc limit 5'''
"""
OF_TABLE = """
[[checks]]
id = "acme-control"
form = "lines"
what = "the bill adds up to less than 1000"
severity = "gate"
sql = '''
select x_SourceName, BillingPeriodStart, raw_rows as failed_rows, billed_total as billed_cost,
    BillingAccountId as account
from {acme__lines_control} where {bills} and billed_total > 1000'''
"""


@pytest.fixture
def with_checks(workspace):
    """Acme with these checks, in a folder of the workspace."""

    def give(text, more=""):
        own = workspace.folder / "vendors"
        shutil.copytree(OWN_VENDORS / "acme", own / "acme", dirs_exist_ok=True)
        (own / "acme" / "checks.toml").write_text(text, encoding="utf-8")
        workspace.configure(vendor_folders=[own], more=more)
        return workspace

    return give


def found(workspace, *arguments):
    report = json.loads(workspace.finops("check", "--format", "json", *arguments).stdout)
    return {
        (bill["billing_period"], check["check_id"]): check
        for bill in report
        for check in bill["checks"]
        if check["check_id"].startswith("acme-")
    }


def test_count_money_and_rows_with_their_address(with_checks):
    workspace = with_checks(CHECK)
    amounts = ["1", *[str(100 + n) for n in range(1, 8)]]
    workspace.deliver("2026-09", rows=acme_rows(amounts=amounts))
    workspace.deliver("2026-10", rows=acme_rows("2026-10"))
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    check = found(workspace)["2026-09", "acme-small"]
    assert (check["failed_rows"], check["billed_cost"], check["severity"]) == (7, 728, "warn")
    assert check["samples"][0] == {"file": "d1-1.csv", "row": "1"}
    assert len(check["samples"]) == 5
    assert set(found(workspace, "--all")) == {("2026-09", "acme-small"), ("2026-10", "acme-small")}
    assert "d1-1.csv row 1" in workspace.finops("check").stdout


def test_samples_come_from_the_bill_itself_each_from_its_own(with_checks):
    workspace = with_checks(CHECK + OF_RAW)
    workspace.deliver("2026-09", rows=acme_rows(amounts=["1", "200", "300"]))
    workspace.deliver("2026-10", rows=[acme_row("2026-10", amount="400")])
    assert workspace.finops("run").exit_code == 0
    checks = found(workspace)
    assert [s["row"] for s in checks["2026-09", "acme-small"]["samples"]] == ["2", "1"]
    assert checks["2026-10", "acme-small"]["samples"] == [
        {"file": "d1-1.csv", "row": "0", "amount": "400"}
    ]


def test_one_that_gates_holds_its_bill_and_a_mended_check_tries_it_again(with_checks):
    workspace = with_checks(OF_TABLE)
    workspace.deliver(rows=acme_rows(amounts=["2000"]))
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended
    assert "acme-control" in ended.stderr
    assert workspace.finops("run").exit_code == 3
    with_checks(OF_TABLE.replace("1000", "5000"))
    assert workspace.finops("run").exit_code == 0


def test_finops_toml_can_relax_it(with_checks):
    workspace = with_checks(OF_TABLE, more='[checks]\nacme-control = "warn"')
    workspace.deliver(rows=acme_rows(amounts=["2000"]))
    assert workspace.finops("run").exit_code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CHECK.replace("acme-small", "small"), 'check "small"'),
        (CHECK + CHECK, 'two checks are called "acme-small"'),
        (CHECK.replace('"lines"', '"bills"'), 'of form "bills", which is not there'),
        (CHECK.replace("{focus}", "{acme__other}"), "names {acme__other}, which is not there"),
        (CHECK.replace("guard", "guards"), "Extra inputs are not permitted"),
        ("[[checks]", "is not valid TOML"),
    ],
)
def test_a_wrong_file_stops_that_source_before_anything_is_loaded(with_checks, text, says):
    workspace = with_checks(text)
    workspace.deliver()
    ended = workspace.finops("run")
    assert ended.exit_code == 2, ended
    assert says in ended.stderr.replace("\n", " ")
    assert "hint:" in ended.stderr
    assert "Traceback" not in ended.output


def test_sql_that_does_not_run_is_an_error_of_two_lines_and_publishes_nothing(with_checks):
    workspace = with_checks(CHECK.replace("max(BilledCost)", "max(Billed)"))
    workspace.deliver()
    ended = workspace.finops("run")
    assert ended.exit_code == 1, ended
    assert "check acme-small cannot be run" in ended.stderr.replace("\n", " ")
    assert "Traceback" not in ended.output
