"""finops sources, status, check, report, history: what they show and how they end."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from surface_lake import build

from acme_bills import acme_row
from finops_stack.warehouse.retention import expire
from workspaces import Workspace

READING = (
    ("sources",),
    ("status",),
    ("check",),
    ("report",),
    ("history", "acme", "2026-09"),
    ("doctor",),
)


def parsed(text):
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_text_and_json_go_to_stdout_and_the_next_step_to_stderr(lake, verb):
    for form in ("text", "json"):
        ended = lake.workspace.finops(*verb, "--format", form)
        assert ended.exit_code == (3 if verb == ("check",) else 0), ended.output
        assert ended.stdout.strip()
        assert ended.stderr.strip().splitlines()[-1].startswith("next: ")
        assert "\x1b" not in ended.output
    json.loads(ended.stdout)


@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_json_logs_leave_stdout_alone(lake, verb):
    ended = lake.workspace.finops("--json", *verb, "--format", "json")
    json.loads(ended.stdout)
    for line in ended.stderr.splitlines():
        assert json.loads(line)["event"]


@pytest.mark.parametrize(
    "verb", [("status",), ("check",), ("report",), ("history", "a", "2026-09")]
)
def test_before_the_first_run(workspace, verb):
    ended = workspace.finops(*verb)
    assert ended.exit_code == 2
    assert 'hint:  run "finops run" first' in ended.stderr
    assert ended.stdout == ""


def test_sources_names_format_newest_delivery_and_last_load(finops):
    (source,) = parsed(finops("sources", "--format", "json"))
    assert source["source"] == "acme"
    assert (source["vendor"], source["layout"], source["form"]) == ("acme", "monthly", "lines")
    assert source["months"] == 3
    assert source["newest_delivery"]["billing_period"] == "2026-09"
    assert source["newest_delivery"]["delivery_id"] == "2026-09-second"
    assert source["last_load"]["delivery_id"] == "2026-09-second"
    assert source["last_load"]["rows"] == 8
    assert source["error"] is None
    assert "2026-09 2026-09-second" in finops("sources")


def test_sources_shows_a_broken_source_beside_the_others(workspace):
    workspace.configure("acme", "lost")
    workspace.deliver()
    ended = workspace.finops("sources", "--format", "json")
    assert ended.exit_code == 2
    acme, lost = parsed(ended.stdout)
    assert acme["newest_delivery"]["delivery_id"] == "d1"
    assert acme["last_load"] is None
    assert "no delivery of acme is recognised" in lost["error"]
    assert "source lost: " in ended.stderr


def test_sources_needs_one(workspace):
    (workspace.folder / "finops.toml").write_text("")
    ended = workspace.finops("sources")
    assert ended.exit_code == 2
    assert "finops add" in ended.stderr


def test_status_shows_published_and_held_back_side_by_side(finops):
    bills = parsed(finops("status", "--format", "json"))
    assert [(b["billing_period"], b["delivery_id"], b["state"]) for b in bills] == [
        ("2026-07", "2026-07-first", "published"),
        ("2026-08", "2026-08-first", "published"),
        ("2026-08", "2026-08-second", "held back"),
        ("2026-09", "2026-09-second", "published"),
    ]
    held, published = bills[2], bills[3]
    assert held["reason"] == "billing-currency-code"
    assert held["checks"]["failed"] == 1
    assert held["totals"] == []
    assert published["rows"] == 8
    assert published["checks"]["failed"] == 0
    assert published["checks"]["passed"] > 50


def test_status_totals_are_per_currency_exact_and_equal(finops):
    bills = parsed(finops("status", "--format", "json"))
    totals = {total["currency"]: total for total in bills[-1]["totals"]}
    assert sorted(totals) == ["EUR", "JPY", "USD"]
    assert totals["EUR"]["raw_total"] == Decimal("44.123456789012345")
    assert totals["JPY"]["raw_total"] == 700
    for total in totals.values():
        assert total["raw_total"] == total["focus_total"]


def test_status_of_a_lake_in_which_nothing_is_published(held_only):
    ended = held_only.finops("status", "--format", "json")
    assert ended.exit_code == 0
    (bill,) = parsed(ended.stdout)
    assert bill["state"] == "held back"
    assert bill["totals"] == []


def test_check_shows_failed_checks_with_their_rows_and_ends_with_3(lake):
    ended = lake.workspace.finops("check")
    assert ended.exit_code == 3
    assert "acme 2026-08 2026-08-second: " in ended.stdout
    assert "GATE  billing-currency-code: " in ended.stdout
    assert "2 rows, cost touched 10.25" in ended.stdout
    assert "2026-08-second-1.csv row 3: BillingCurrency=usd" in ended.stdout
    assert "ok    " not in ended.stdout


def test_check_json_and_all(lake):
    for more, listed in (((), 1), (("--all",), 50)):
        ended = lake.workspace.finops("check", "--format", "json", *more)
        assert ended.exit_code == 3
        held, published = parsed(ended.stdout)
        assert (held["billing_period"], held["held_back"]) == ("2026-08", True)
        assert (published["billing_period"], published["held_back"]) == ("2026-09", False)
        assert len(held["checks"]) >= listed
        worst = held["checks"][0]
        assert worst["check_id"] == "billing-currency-code"
        assert worst["failed_rows"] == 2
        assert worst["billed_cost"] == Decimal("10.25")
        assert worst["samples"][0]["row"] == "3"


def test_check_of_what_is_published_passes(finops):
    bills = parsed(finops("check", "--run", "published", "--format", "json"))
    assert [(b["billing_period"], b["delivery_id"], b["failed"]) for b in bills] == [
        ("2026-07", "2026-07-first", 0),
        ("2026-08", "2026-08-first", 0),
        # the two lines it has more are alike
        ("2026-09", "2026-09-second", 1),
    ]
    assert [check["check_id"] for check in bills[2]["checks"]] == ["rows-alike"]
    assert "ok    " in finops("check", "--run", "published", "--all")


def test_check_still_shows_a_held_bill_after_a_run_about_others(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    workspace.deliver("2026-08", rows=[acme_row("2026-08", currency="eur")])
    assert workspace.finops("run").exit_code == 3
    workspace.deliver("2026-09")
    workspace.finops("run")
    ended = workspace.finops("check", "--format", "json")
    assert ended.exit_code == 3
    bills = [(bill["billing_period"], bill["held_back"]) for bill in parsed(ended.stdout)]
    assert bills == [("2026-08", True), ("2026-09", False)]


def test_status_shows_a_refused_delivery_and_why(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    workspace.deliver("2026-09")
    workspace.deliver("2026-08", contents=[b"account,service\n1,2\n"])
    assert workspace.finops("run").exit_code == 2
    refused, published = parsed(workspace.finops("status", "--format", "json").stdout)
    assert (refused["billing_period"], refused["state"]) == ("2026-08", "refused")
    assert refused["reason"]
    assert (published["billing_period"], published["state"]) == ("2026-09", "published")


def test_report_is_by_service_against_the_month_before(finops):
    report = parsed(finops("report", "--format", "json"))
    assert (report["month"], report["month_before"], report["cost"]) == (
        "2026-09",
        "2026-08",
        "effective",
    )
    assert [each["currency"] for each in report["currencies"]] == ["EUR", "JPY", "USD"]
    eur = report["currencies"][0]
    lines = {line["by"]["service"]: line for line in eur["lines"]}
    assert lines["VM small"]["cost"] == Decimal("5.5")
    assert lines["VM small"]["cost_before"] == Decimal("1.5")
    assert lines["VM small"]["change"] == 4
    assert lines["VM small"]["change_pct"] == Decimal("266.7")
    assert eur["total"]["cost"] == Decimal("44.123456789012345")
    assert eur["total"]["change"] == 4
    assert eur["other"] is None


def test_report_text_has_a_table_a_currency_and_a_total(finops):
    shown = finops("report", "--cost", "billed")
    assert "billed cost in EUR" in shown
    assert "billed cost in JPY" in shown
    assert "+266.7 %" in shown
    assert "│ total" in shown


@pytest.mark.parametrize("cost", ["effective", "billed", "list", "contracted"])
def test_report_of_each_cost(finops, cost):
    report = parsed(finops("report", "--cost", cost, "--format", "json"))
    assert report["currencies"][1]["total"]["cost"] == 700


def test_report_by_several_dimensions_and_a_tag(finops):
    text = finops("report", "--by", "tag:team", "--by", "account", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == [
        "month",
        "currency",
        "tag:team",
        "account",
        "cost",
        "cost_before",
        "change",
        "change_pct",
    ]
    of = {(row["currency"], row["tag:team"], row["account"]): row["cost"] for row in rows}
    assert of["EUR", "blue", "0071"] == "40.123456789012345"
    assert of["EUR", "'+3", "'@home"] == "-1.5"
    assert of["USD", "", "0071"] == "10"


def test_report_of_a_tag_key_with_quotes(finops):
    report = parsed(finops("report", "--by", 'tag:it\'s "x"]', "--format", "json"))
    lines = report["currencies"][0]["lines"]
    assert {line["by"]['tag:it\'s "x"]']: line["cost"] for line in lines}["yes"] == Decimal("1.5")


def test_report_sums_up_the_lines_past_the_top(finops):
    report = parsed(finops("report", "--top", "1", "--format", "json"))
    eur = report["currencies"][0]
    assert [line["by"]["service"] for line in eur["lines"]] == ["VM large"]
    assert eur["other"]["cost"] == 4
    assert eur["total"]["cost"] == Decimal("44.123456789012345")
    assert "other (2)" in finops("report", "--top", "1")
    assert len(parsed(finops("report", "--format", "json"))["currencies"][0]["lines"]) == 3


def test_report_without_a_month_before(lake):
    ended = lake.workspace.finops("report", "--month", "2026-07", "--format", "json")
    assert "nothing is published for 2026-06" in ended.stderr
    assert parsed(ended.stdout)["currencies"][0]["total"] == {
        "cost": Decimal("40.123456789012345"),
        "cost_before": None,
        "change": None,
        "change_pct": None,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "colour"), "split by service, account, region or tag:KEY"),
        (("--month", "2020-01"), "published months: 2026-07, 2026-08, 2026-09"),
        (("--month", "soon"), "write it as 2026-09"),
    ],
)
def test_report_says_what_there_is(lake, arguments, said):
    ended = lake.workspace.finops("report", *arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_report_names_the_tags_there_are(lake):
    ended = lake.workspace.finops("report", "--by", "tag:'; drop table x; --")
    assert ended.exit_code == 0
    assert 'no charge has the tag "\'; drop table x; --"' in ended.stderr
    assert "team" in ended.stderr


def test_report_when_nothing_is_published(held_only):
    ended = held_only.finops("report")
    assert ended.exit_code == 2
    assert "nothing is published yet" in ended.stderr


def test_history_shows_what_a_restatement_changed(finops):
    history = parsed(finops("history", "acme", "2026-09", "--format", "json"))
    assert [(d["delivery_id"], d["rows"], d["outcome"]) for d in history["deliveries"]] == [
        ("2026-09-first", 6, "published"),
        ("2026-09-second", 8, "published"),
    ]
    (restatement,) = history["restatements"]
    assert (restatement["from"], restatement["to"]) == ("2026-09-first", "2026-09-second")
    assert restatement["changes"] == [
        {
            "service": "VM small",
            "currency": "EUR",
            "rows_change": 2,
            "cost_change": 4,
            "rows_before": 1,
            "rows": 3,
            "cost_before": Decimal("1.5"),
            "cost": Decimal("5.5"),
        }
    ]
    shown = finops("history", "acme", "2026-09", "--cost", "list")
    assert "2026-09-first → 2026-09-second" in shown
    assert "list cost by service" in shown
    assert "+4.00" in shown


def test_history_shows_what_was_held_back(finops):
    history = parsed(finops("history", "acme", "2026-08", "--format", "json"))
    assert [(d["delivery_id"], d["outcome"], d["reason"]) for d in history["deliveries"]] == [
        ("2026-08-first", "published", None),
        ("2026-08-second", "held back", "billing-currency-code"),
    ]
    assert history["restatements"] == []


def test_history_names_what_there_is(lake):
    for arguments, said in (
        (("nobody", "2026-09"), "sources: acme"),
        (("acme", "2020-01"), "months: 2026-07, 2026-08, 2026-09"),
        (("acme", "soon"), "write it as 2026-09"),
    ):
        ended = lake.workspace.finops("history", *arguments)
        assert ended.exit_code == 2
        assert said in ended.stderr


def test_expired_publications_are_said_to_be_gone(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    between = build(workspace)
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=400)
    with workspace.lake.open() as connection:
        expire(connection, days=1, now=now)
    ended = workspace.finops("history", "acme", "2026-09")
    assert ended.exit_code == 0
    assert "differences alone" in ended.stdout
    ended = workspace.finops("history", "acme", "2026-09", "--cost", "list", "--format", "json")
    assert parsed(ended.stdout)["restatements"][0]["comparable"] is False
    ended = workspace.finops("query", "from focus", "--as-of", between.isoformat())
    assert ended.exit_code == 2
    assert "is no longer kept" in ended.stderr
    assert "the oldest still kept is of" in ended.stderr
    assert workspace.finops("query", "from focus").exit_code == 0
