"""What a restatement changed: by service, account and category, row by row, and kept for good."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from acme_bills import acme_row
from finops_stack.warehouse.retention import expire
from workspaces import Workspace

BILL = ("acme", "2026-09")
# Account 0071: VM small grows from 1.50 to 2.50 and Disk (10) goes, as does one of two Tape
# rows of 4; account 0072: Net (3) comes, Tape stays.
FIRST = [
    acme_row(service="VM small", amount="1.50"),
    acme_row(service="Disk", amount="10", quantity="4"),
    acme_row(service="Tape", amount="4"),
    acme_row(service="Tape", amount="4"),
    acme_row(service="Tape", amount="4", account="0072"),
]
SECOND = [
    acme_row(service="Tape", amount="4", account="0072"),
    acme_row(service="Tape", amount="4"),
    acme_row(service="VM small", amount="2.50"),
    acme_row(service="Net", amount="3", account="0072"),
]


@pytest.fixture(scope="module")
def restated(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("restated") / "workspace")
    workspace.deliver(rows=FIRST, delivery_id="d1")
    workspace.deliver("2026-08")
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(rows=SECOND, delivery_id="d2")
    assert workspace.finops("run").exit_code == 0
    return workspace


def history(workspace, *arguments):
    ended = workspace.finops("history", *BILL, *arguments, "--format", "json")
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout, parse_float=Decimal)


def changes(workspace, by, *arguments):
    """Value → rows and cost before, after, and by how much."""
    (restatement,) = history(workspace, "--by", by, *arguments)["restatements"]
    return {
        c[by]: (c["rows_before"], c["rows"], c["cost_before"], c["cost"], c["cost_change"])
        for c in restatement["changes"]
    }


def test_by_service_account_and_category(restated):
    assert changes(restated, "service") == {
        "Disk": (1, 0, 10, 0, -10),
        "Tape": (3, 2, 12, 8, -4),
        "Net": (0, 1, 0, 3, 3),
        "VM small": (1, 1, Decimal("1.5"), Decimal("2.5"), 1),
    }
    assert changes(restated, "account") == {
        "0071": (4, 2, Decimal("19.5"), Decimal("6.5"), -13),
        "0072": (1, 2, 4, 7, 3),
    }
    assert changes(restated, "category") == {"Usage": (5, 4, Decimal("23.5"), Decimal("13.5"), -10)}
    both = history(restated, "--by", "service", "--by", "account")["restatements"][0]["changes"]
    assert [(c["service"], c["account"], c["cost_change"]) for c in both] == [
        ("Disk", "0071", -10), ("Tape", "0071", -4), ("Net", "0072", 3), ("VM small", "0071", 1),
    ]  # fmt: skip


def test_the_mart_keeps_what_changed_and_only_that(restated):
    assert restated.rows("""
        select delivery_before, delivery_after, ServiceName, BillingAccountId, SubAccountId,
            ChargeCategory, BillingCurrency, charges_before, charges_after, charges_change,
            billed_cost_before::int, (billed_cost_change * 10)::int,
            (effective_cost_change * 10)::int
        from restatements order by ServiceName, BillingAccountId""") == [
        ("d1", "d2", "Disk", "0071", None, "Usage", "EUR", 1, 0, -1, 10, -100, -100),
        ("d1", "d2", "Net", "0072", None, "Usage", "EUR", 0, 1, 1, 0, 30, 30),
        ("d1", "d2", "Tape", "0071", None, "Usage", "EUR", 2, 1, -1, 8, -40, -40),
        ("d1", "d2", "VM small", "0071", None, "Usage", "EUR", 1, 1, 0, 2, 10, 10),
    ]


def test_rows_that_differ_with_their_address(restated):
    (restatement,) = history(restated, "--rows")["restatements"]
    assert restatement["row_counts"] == {"added": 1, "changed": 1, "removed": 2}
    shown = [
        (
            r["change"],
            r["service"],
            r["account"],
            r["difference"],
            r["address_before"],
            r["address"],
        )
        for r in restatement["rows"]
    ]
    assert shown == [
        ("removed", "Disk", "0071", -10, "d1-1.csv row 1", None),
        ("removed", "Tape", "0071", -4, "d1-1.csv row 3", None),
        ("added", "Net", "0072", 3, None, "d2-1.csv row 3"),
        ("changed", "VM small", "0071", 1, "d1-1.csv row 0", "d2-1.csv row 2"),
    ]
    changed = restatement["rows"][3]
    assert (changed["cost_before"], changed["cost"]) == (Decimal("1.5"), Decimal("2.5"))
    # 1.5 / 3 and 2.5 / 3: unit prices move with the cost
    assert changed["columns"] == [
        "BilledCost", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
        "ListUnitPrice", "PricingCurrencyEffectiveCost",
    ]  # fmt: skip
    limited = history(restated, "--rows", "--limit", "1")["restatements"][0]
    assert [r["service"] for r in limited["rows"]] == ["Disk"]
    assert limited["row_counts"] == restatement["row_counts"]
    text = restated.finops("history", *BILL, "--rows").stdout
    assert "rows 1 added, 1 changed, 2 removed, the 4 largest differences of billed cost" in text


def test_a_tag_alone_is_a_changed_row_and_no_changed_cost(workspace: Workspace):
    workspace.deliver(rows=[acme_row()])
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(rows=[acme_row() | {"tag:team": "blue"}], delivery_id="d2")
    assert workspace.finops("run").exit_code == 0
    (restatement,) = history(workspace, "--rows")["restatements"]
    assert restatement["changes"] == []
    assert [(r["change"], r["columns"]) for r in restatement["rows"]] == [("changed", ["Tags"])]
    assert workspace.rows("select count(*) from restatements") == [(0,)]


def test_any_two_deliveries(workspace: Workspace):
    for number, amount in enumerate(("1", "5", "7"), 1):
        workspace.deliver(rows=[acme_row(amount=amount)], delivery_id=f"d{number}")
        assert workspace.finops("run").exit_code == 0
    for pair, change in ((("d1", "d3"), 6), (("d1", "d2"), 4), (("d3", "d1"), -6)):
        (found,) = history(workspace, "--from", pair[0], "--to", pair[1])["restatements"]
        assert (found["from"], found["to"]) == pair
        assert [c["cost_change"] for c in found["changes"]] == [change]
    # one end alone: from it to the newest, or from the one before it
    assert history(workspace, "--from", "d1")["restatements"][0]["to"] == "d3"
    assert history(workspace, "--to", "d2")["restatements"][0]["from"] == "d1"
    for arguments, said in (
        (("--from", "d9"), 'delivery "d9" of acme 2026-09 was never published'),
        (("--to", "d1"), "no two publications to compare"),
        (("--by", "colour"), "split it by service, account, category"),
    ):
        ended = workspace.finops("history", *BILL, *arguments)
        assert ended.exit_code == 2
        assert said in ended.stderr
    assert workspace.rows(
        "select delivery_before, delivery_after, billed_cost_change::int from restatements"
        " order by restated_at"
    ) == [("d1", "d2", 4), ("d2", "d3", 2)]


def test_what_expired_is_told_from_what_was_kept(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    workspace.deliver(rows=FIRST)
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(rows=SECOND, delivery_id="d2")
    assert workspace.finops("run").exit_code == 0
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=400)
    with workspace.lake.open() as connection:
        expire(connection, days=1, now=later)
    assert changes(workspace, "service") == {
        "Disk": (None, None, None, None, -10),
        "Tape": (None, None, None, None, -4),
        "Net": (None, None, None, None, 3),
        "VM small": (None, None, None, None, 1),
    }
    assert changes(workspace, "account", "--cost", "effective") == {
        "0071": (None, None, None, None, -13),
        "0072": (None, None, None, None, 3),
    }
    text = workspace.finops("history", *BILL, "--rows").stdout
    assert "differences alone: the publication of " in text
    assert "its rows cannot be compared, the publication of " in text
    # a cost that is not kept
    gone = workspace.finops("history", *BILL, "--cost", "list")
    assert gone.exit_code == 0
    assert "cannot be compared, the publication of " in gone.stdout
