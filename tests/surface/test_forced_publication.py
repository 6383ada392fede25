"""finops publish: held-back bills judged again or published by force; what readers are told."""

import json
import shutil
from decimal import Decimal

import pytest

from acme_bills import acme_row, acme_rows
from workspaces import Workspace

CHECK = "billing-currency-code"
BILL = ("acme", "2026-09")
REASON = ("--reason", "agreed with Acme: EUR is meant")


def bad_rows(*amounts):
    """Their currency is no code of ISO 4217: one check holds the bill back."""
    return [row | {"currency": "eur"} for row in acme_rows(amounts=amounts)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """September is published (3.75); its second delivery (10.25, two rows) is held back."""
    workspace = Workspace(tmp_path_factory.mktemp("held") / "workspace")
    workspace.deliver()
    workspace.deliver("2026-08", rows=acme_rows("2026-08", amounts=["5"]))
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(delivery_id="d2", rows=bad_rows("10", "0.25"))
    assert workspace.finops("run").exit_code == 3
    return workspace


@pytest.fixture
def held(prepared, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(prepared.folder, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


def parsed(workspace, *arguments, code=0):
    ended = workspace.finops(*arguments, "--format", "json")
    assert ended.exit_code == code, ended.output
    return json.loads(ended.stdout, parse_float=Decimal)


def interventions(workspace):
    with workspace.lake.open(read_only=True) as connection:
        return connection.execute(
            "select action, reason, details from ops.interventions order by sequence"
        ).fetchall()


def test_a_forced_publication_is_shown_and_recorded(held: Workspace):
    ended = held.finops("publish", *BILL, "--force", *REASON)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("published 1 bills (2 rows), held back 0")
    assert f"published by force: {CHECK} fails for 2 rows, cost touched 10.25" in ended.stderr
    assert held.totals() == {BILL: (2, "10.25"), ("acme", "2026-08"): (1, "5.00")}

    september = [b for b in parsed(held, "status") if b["billing_period"] == "2026-09"]
    assert [(b["delivery_id"], b["state"], b["reason"]) for b in september] == [
        ("d2", "published", "published by force: agreed with Acme: EUR is meant")
    ]
    assert (september[0]["rows"], september[0]["checks"]["overridden"]) == (2, 1)
    assert september[0]["checks"]["failed"] == 0

    # nothing is held back any more: the report of checks ends with 0, but says what was overridden
    for which in ("last", "published"):
        report = held.finops("check", "--run", which)
        assert report.exit_code == 0, report.output
        assert "1 overridden" in report.stdout
        assert f"GATE  {CHECK}" in report.stdout
        assert "note  delivery d2 is published by force: agreed with Acme" in report.stdout
    deliveries = parsed(held, "history", *BILL)["deliveries"]
    assert [(d["delivery_id"], d["outcome"], d["rows"]) for d in deliveries] == [
        ("d1", "published", 2), ("d2", "held back", 2), ("d2", "published", 2),
    ]  # fmt: skip
    assert deliveries[2]["reason"] == "published by force: agreed with Acme: EUR is meant"

    ((action, reason, details),) = interventions(held)
    assert (action, reason) == ("forced publication", "agreed with Acme: EUR is meant")
    assert json.loads(details) == {
        "source": "acme",
        "billing_period": "2026-09",
        "delivery_id": "d2",
        "overridden": [{"check_id": CHECK, "failed_rows": 2, "billed_cost": "10.25"}],
    }
    with held.lake.open(read_only=True) as connection:
        (who,) = connection.execute("select done_by from ops.interventions").fetchone()
    assert who
    # a run leaves it as it is
    assert held.finops("run").stdout.strip() == "nothing new: 2 bills as published"
    assert held.totals()[BILL] == (2, "10.25")


def test_after_force_the_gate_is_there_again(held: Workspace):
    assert held.finops("publish", *BILL, "--force", *REASON).exit_code == 0
    held.deliver(delivery_id="d3", rows=bad_rows("99"))
    assert held.finops("run").exit_code == 3
    assert held.totals()[BILL] == (2, "10.25")
    note = held.finops("report").stderr
    assert "note: acme 2026-09: delivery d2 is published by force: agreed with Acme" in note
    assert "note: acme 2026-09: delivery d3 is held back since " in note

    held.deliver(delivery_id="d4", rows=acme_rows(amounts=["7"]))
    assert held.finops("run").exit_code == 0
    assert held.totals()[BILL] == (1, "7.00")
    assert [b["reason"] for b in parsed(held, "status")] == [None, None]
    assert "note:" not in held.finops("report").stderr


def test_a_bill_never_published_before_can_be_forced(workspace: Workspace):
    workspace.deliver(rows=bad_rows("1"))
    assert workspace.finops("run").exit_code == 3
    assert workspace.finops("publish", *BILL, "--force", *REASON).exit_code == 0
    assert workspace.totals() == {BILL: (1, "1.00")}


def test_without_force_bills_are_judged_anew_when_checks_changed(held: Workspace):
    before = held.lake.published_snapshot()
    left = held.finops("publish")
    assert left.exit_code == 3
    assert f"acme 2026-09 is still held back: {CHECK}" in left.stderr
    assert held.lake.published_snapshot() == before
    held.configure(more=f'[checks]\n"{CHECK}" = "warn"')
    # the source is not asked: it need not be there
    shutil.rmtree(held.bills)
    ended = held.finops("publish")
    assert ended.exit_code == 0, ended.output
    assert held.totals()[BILL] == (2, "10.25")
    assert interventions(held) == []
    nothing = held.finops("publish")
    assert (nothing.exit_code, nothing.stdout.strip()) == (
        0,
        "nothing to publish: no bill is held back",
    )


def test_force_where_the_checks_pass_by_now_is_no_force(held: Workspace):
    held.configure(more=f'[checks]\n"{CHECK}" = "warn"')
    ended = held.finops("publish", *BILL, "--force", *REASON)
    assert ended.exit_code == 0, ended.output
    assert "published without force" in ended.stderr
    assert interventions(held) == []
    assert {b["reason"] for b in parsed(held, "status")} == {None}


def test_what_cannot_be_published(prepared: Workspace):
    before = prepared.lake.published_snapshot()
    for arguments, said in (
        (("--force", *REASON), "--force is for one bill"),
        ((*BILL, "--force"), "--force needs a reason"),
        ((*BILL, "--force", "--reason", "  "), "--force needs a reason"),
        ((*BILL, *REASON), "a reason is for --force"),
        (("acme",), "which month of it?"),
        (("acme", "soon"), "is not a month"),
        (("acme", "2026-08", "--force", *REASON), "acme 2026-08 is published: there is nothing"),
        (("nobody", "2026-08"), "nobody 2026-08 was never loaded"),
    ):
        ended = prepared.finops("publish", *arguments)
        assert ended.exit_code == 2, arguments
        assert said in ended.stderr
    assert prepared.lake.published_snapshot() == before


def test_a_bill_whose_raw_file_or_source_is_gone_says_so(held: Workspace):
    settings = (held.folder / "finops.toml").read_text()
    held.configure("other")
    ended = held.finops("publish", *BILL, "--force", *REASON)
    assert ended.exit_code == 2
    assert "its source is not in finops.toml any more" in ended.stderr
    (held.folder / "finops.toml").write_text(settings)
    for path in (held.folder / "lake" / "raw").rglob("*.parquet"):
        path.unlink()
    ended = held.finops("publish", *BILL, "--force", *REASON)
    assert ended.exit_code == 2
    assert "is not there any more" in ended.stderr
    assert "finops run --source acme --full" in ended.stderr
    # the next run takes back what that left behind, and everything is as it was
    assert held.totals()[BILL] == (2, "3.75")


def test_a_lake_that_moved_is_judged_from_its_new_place(held: Workspace):
    held.folder.rename(held.folder.with_name("moved"))
    moved = Workspace(held.folder.with_name("moved"))
    assert moved.finops("publish", *BILL, "--force", *REASON).exit_code == 0
    assert moved.totals()[BILL] == (2, "10.25")


def test_every_reader_is_told_what_is_held_back(prepared: Workspace):
    held = prepared
    note = "acme 2026-09: delivery d2 is held back since "
    reads = "readers see delivery d1 of "
    for verb in (("report",), ("query", "select 1 as one"), ("history", *BILL)):
        ended = held.finops(*verb)
        assert note in ended.stderr, verb
        assert reads in ended.stderr
        assert note not in ended.stdout
    assert f"({CHECK})" in ended.stderr
    assert "note  delivery d2 is held back since " in held.finops("check").stdout
    assert any(note in each for each in parsed(held, "report")["notes"])
    exported = held.finops("export", "--to", "out")
    assert note in exported.stdout
    manifest = json.loads((held.folder / "out" / "manifest.json").read_text())
    assert any(note in each for each in manifest["notes"])
    # of a month that is as delivered nothing is said
    assert "note" not in held.finops("export", "--to", "august", "--period", "2026-08").stdout
    assert held.rows(
        "select x_SourceName, strftime(BillingPeriodStart, '%Y-%m'), x_DeliveryId, state, reason"
        " from bills order by all"
    ) == [
        ("acme", "2026-08", "d1", "published", ""),
        ("acme", "2026-09", "d1", "published", ""),
        ("acme", "2026-09", "d2", "held back", CHECK),
    ]


def test_held_back_since_is_the_first_delivery_that_was(held: Workspace):
    def since():
        return [b["since"] for b in parsed(held, "status") if b["state"] == "held back"]

    first = since()
    held.deliver(delivery_id="d3", rows=[acme_row(currency="usd")])
    assert held.finops("run").exit_code == 3
    assert since() == first
