"""finops rollback: back to an earlier publication and forth again, with runs after."""

import json
import os
import pty
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from acme_bills import acme_rows
from finops_stack.warehouse.retention import expire
from workspaces import Workspace

AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = (("acme", f"2026-{n:02d}") for n in (8, 9, 10, 11))
FIRST = {AUGUST: (1, "5.00"), SEPTEMBER: (2, "3.75")}
SECOND = {AUGUST: (1, "5.00"), SEPTEMBER: (1, "10.00"), OCTOBER: (1, "7.00")}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two publications: then September is restated (3.75 → 10) and October comes (7)."""
    workspace = Workspace(tmp_path_factory.mktemp("twice") / "workspace")
    workspace.deliver()
    workspace.deliver("2026-08", rows=acme_rows("2026-08", amounts=["5"]))
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == FIRST
    workspace.deliver(delivery_id="d2", rows=acme_rows(amounts=["10"]))
    workspace.deliver("2026-10", rows=acme_rows("2026-10", amounts=["7"]))
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == SECOND
    return workspace


@pytest.fixture
def twice(prepared, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(prepared.folder, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


def parsed(workspace, *arguments, code=0):
    ended = workspace.finops(*arguments, "--format", "json")
    assert ended.exit_code == code, ended.output
    return json.loads(ended.stdout, parse_float=Decimal)


def snapshots(workspace):
    """Of the publications, oldest first."""
    return [each["snapshot"] for each in reversed(parsed(workspace, "rollback", "--list"))]


def back(workspace, to, *more):
    ended = workspace.finops("rollback", "--to", str(to), "--yes", *more)
    assert ended.exit_code == 0, ended.output
    return ended


def states(workspace):
    return [
        (b["billing_period"], b["delivery_id"], b["state"]) for b in parsed(workspace, "status")
    ]


def test_it_says_what_changes_and_readers_see_the_earlier_numbers(twice: Workspace):
    ended = back(twice, snapshots(twice)[0], "--reason", "prices of the test system")
    bills, totals = ended.stdout.split("all published bills")
    lines = [line.split("│")[1:-1] for line in bills.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["acme", "2026-09", "d2", "d1", "EUR", "1", "2", "10.00", "3.75", "-6.25"],
        ["acme", "2026-10", "d1", "(none)", "EUR", "1", "0", "7.00", "0.00", "-7.00"],
    ]
    assert "22.00" in totals and "8.75" in totals and "-13.25" in totals
    assert twice.totals() == FIRST
    assert states(twice) == [
        ("2026-08", "d1", "published"),
        ("2026-09", "d1", "published"),
        ("2026-09", "d2", "rolled back"),
        ("2026-10", "d1", "rolled back"),
    ]
    status = twice.finops("status")
    assert "note: rolled back to the publication of " in status.stderr
    assert status.stderr.rstrip().splitlines()[-2].endswith(": prices of the test system")
    assert (
        "acme 2026-10: delivery d1 is rolled back since "
        in twice.finops("query", "select 1").stderr
    )
    listed = parsed(twice, "rollback", "--list")
    assert [(each["bills"], each["current"], each["intervention"]) for each in listed] == [
        (1, True, "rollback"), (2, False, None), (2, False, None),
    ]  # fmt: skip
    # what is published again has the checks of its own run
    report = parsed(twice, "check", "--run", "published")
    assert [(b["billing_period"], b["delivery_id"], b["failed"]) for b in report] == [
        ("2026-08", "d1", 0), ("2026-09", "d1", 0),
    ]  # fmt: skip


def test_runs_do_not_undo_it(twice: Workspace):
    back(twice, snapshots(twice)[0])
    catalogue = twice.lake.catalog_file.read_bytes()
    idle = twice.finops("run")
    assert idle.exit_code == 3
    assert "acme 2026-10 is still held back: rolled back by " in idle.stderr
    assert twice.lake.catalog_file.read_bytes() == catalogue
    assert twice.totals() == FIRST

    # other bills publish; neither changed checks nor other bills bring back what was taken back
    twice.configure(more='[checks]\n"columns-new" = "ignore"')
    twice.deliver("2026-11", rows=acme_rows("2026-11", amounts=["3"]))
    assert twice.finops("run").exit_code == 3
    assert twice.totals() == FIRST | {NOVEMBER: (1, "3.00")}
    for mart in ("cost_by_month", "cost_by_day", "resources_by_month", "bill_controls"):
        assert twice.rows(f"select count(*) from {mart} where x_DeliveryId = 'd2'") == [(0,)]
    assert "rolled back to the publication" not in twice.finops("status").stderr
    assert ("2026-09", "d2", "rolled back") in states(twice)

    # a newer delivery publishes as ever
    twice.deliver(delivery_id="d3", rows=acme_rows(amounts=["11"]))
    assert twice.finops("run").exit_code == 3
    assert twice.totals() == FIRST | {NOVEMBER: (1, "3.00"), SEPTEMBER: (1, "11.00")}
    # and what was taken back comes back when it is named
    assert twice.finops("publish", "acme", "2026-10").exit_code == 0
    assert twice.totals()[OCTOBER] == (1, "7.00")
    assert twice.finops("run").exit_code == 0


def test_forth_again(twice: Workspace):
    first, second = snapshots(twice)
    back(twice, first)
    back(twice, second, "--reason", "it was right")
    assert twice.totals() == SECOND
    assert {state for *_, state in states(twice)} == {"published"}
    ended = twice.finops("run")
    assert (ended.exit_code, ended.stdout.strip()) == (0, "nothing new: 3 bills as published")
    twice.deliver("2026-11", rows=acme_rows("2026-11", amounts=["3"]))
    assert twice.finops("run").exit_code == 0
    assert twice.totals() == SECOND | {NOVEMBER: (1, "3.00")}


def test_back_after_a_run_that_followed_a_rollback(twice: Workspace):
    first, second = snapshots(twice)
    back(twice, first)
    twice.deliver("2026-11", rows=acme_rows("2026-11", amounts=["3"]))
    assert twice.finops("run").exit_code == 3
    back(twice, second)
    assert twice.totals() == SECOND
    twice.deliver("2026-12", rows=acme_rows("2026-12", amounts=["1"]))
    assert twice.finops("run").exit_code == 3
    assert twice.totals() == SECOND | {("acme", "2026-12"): (1, "1.00")}
    assert ("2026-11", "d1", "rolled back") in states(twice)


def test_a_delivery_that_checks_hold_back_stays_so(twice: Workspace):
    twice.deliver(delivery_id="d3", rows=[r | {"currency": "eur"} for r in acme_rows()])
    assert twice.finops("run").exit_code == 3
    back(twice, snapshots(twice)[0])
    assert ("2026-09", "d3", "held back") in states(twice)
    report = parsed(twice, "check", code=3)
    assert [b["delivery_id"] for b in report if b["held_back"]] == ["d3"]
    assert "acme 2026-09 is still held back: billing-currency-code" in twice.finops("run").stderr


def test_to_a_time(twice: Workspace):
    listed = parsed(twice, "rollback", "--list")
    at = datetime.fromisoformat(listed[0]["published_at"]) - timedelta(microseconds=1)
    back(twice, at.isoformat())
    assert twice.totals() == FIRST


def test_expiry_keeps_what_readers_see_after_a_rollback(twice: Workspace):
    first, _ = snapshots(twice)
    back(twice, first)
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=400)
    with twice.lake.open() as connection:
        expire(connection, days=1, now=later)
    assert twice.totals() == FIRST
    twice.deliver("2026-11", rows=acme_rows("2026-11", amounts=["3"]))
    assert twice.finops("run").exit_code == 3
    assert twice.totals() == FIRST | {NOVEMBER: (1, "3.00")}
    with twice.lake.open() as connection:
        expire(connection, days=1, now=later)
    ended = twice.finops("rollback", "--to", str(first), "--yes")
    assert ended.exit_code == 2
    assert f"snapshot {first} is no longer kept" in ended.stderr
    assert "[retention] days" in ended.stderr
    assert twice.totals() == FIRST | {NOVEMBER: (1, "3.00")}


def test_what_there_is_to_go_back_to(twice: Workspace):
    first, second = snapshots(twice)
    for arguments, said in (
        ((), "give --to, or --list"),
        (("--to", str(first), "--list"), "give --to, or --list"),
        (("--to", "99999"), f"published and kept: {first} ("),
        (("--to", "0"), "snapshot 0 was never published"),
        (("--to", "2020-01-01"), "nothing was published at or before 2020-01-01"),
        (("--to", "soon"), "or the number of a snapshot"),
        (("--to", str(second)), "already"),
        (("--to", str(first)), "nobody is there to be asked; nothing was changed"),
    ):
        ended = twice.finops("rollback", *arguments)
        assert ended.exit_code == 2, arguments
        assert said in ended.stderr
    assert twice.totals() == SECOND


def asked(workspace, to, answer):
    """The command on a terminal, where somebody answers."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "finops_stack.cli.main", "rollback", "--to", str(to)],
        cwd=workspace.folder, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.write(master, f"{answer}\n".encode())
    output, _ = process.communicate(timeout=60)
    os.close(slave)
    os.close(master)
    return process.returncode, output.decode()


def test_somebody_is_asked_and_may_say_no(twice: Workspace):
    first, _ = snapshots(twice)
    code, output = asked(twice, first, "n")
    assert (code, "nothing was changed" in output) == (1, True)
    assert "-6.25" in output
    assert twice.totals() == SECOND
    code, output = asked(twice, first, "y")
    assert code == 0, output
    assert twice.totals() == FIRST
