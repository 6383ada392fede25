"""Whole runs, end to end: what is published after each kind of fault, and after its repair.

D4, D6, D8-D13, S1, T2, T3, V8-V10, X2, X7 of the fault catalogue.
"""

import csv
import json
import shutil
import sqlite3

import pytest

from acme_bills import OWN_VENDORS, acme_row, acme_rows
from workspaces import Workspace

SEPTEMBER = ("acme", "2026-09")


def warnings(ended):
    return [line for line in ended.stderr.splitlines() if line.startswith("warning:")]


def test_d4_d6_one_faulty_delivery_stops_no_other_and_the_next_run_repairs(workspace):
    """One good source; one with a broken month, a month with a file missing, and a good month."""
    workspace.configure("acme", "two", "gone")
    shutil.rmtree(workspace.folder / "gone")
    workspace.deliver()
    workspace.deliver(source="two", rows=acme_rows(amounts=["1"]))
    workspace.deliver("2026-10", source="two", rows=acme_rows(amounts=["NaN"]))
    broken = workspace.deliver("2026-11", source="two", delivery_id="n")
    whole = broken.manifest.read_bytes()
    broken.manifest.write_bytes(whole[:20])
    missing = workspace.deliver("2026-12", source="two")
    lost = missing.file.read_bytes()
    missing.file.unlink()

    first = workspace.finops("run")
    assert first.exit_code == 2, first
    assert workspace.totals() == {SEPTEMBER: (2, "3.75"), ("two", "2026-09"): (1, "1.00")}
    told = "\n".join(warnings(first))
    assert "source gone:" in told and "is not there" in told
    assert 'two 2026-10 was refused: 2026-10/d1-1.csv, row 0: amount is "NaN"' in told
    assert "two 2026-11" in told and "2026-11/manifest.json is not JSON" in told
    assert "1 of its files are not there: 2026-12/d1-1.csv" in told
    assert "Traceback" not in first.output

    # everything mended at its source: the next run needs no flag
    workspace.deliver("2026-10", source="two", rows=acme_rows(amounts=["2"]))
    broken.manifest.write_bytes(whole)
    missing.file.write_bytes(lost)
    (workspace.folder / "gone").mkdir()
    workspace.deliver(source="gone", rows=acme_rows(amounts=["8"]))
    repaired = workspace.finops("run")
    assert (repaired.exit_code, warnings(repaired)) == (0, [])
    assert workspace.totals() == {
        SEPTEMBER: (2, "3.75"),
        ("two", "2026-09"): (1, "1.00"),
        ("two", "2026-10"): (1, "2.00"),
        ("two", "2026-11"): (2, "3.75"),
        ("two", "2026-12"): (2, "3.75"),
        ("gone", "2026-09"): (1, "8.00"),
    }


def test_d8_d10_d11_a_restated_month_replaces_exactly_and_comes_back_never(workspace):
    workspace.deliver(version="20261001T000000Z", delivery_id="v1",
                      rows=acme_rows(amounts=["1", "2", "3"]))  # fmt: skip
    workspace.deliver("2026-08", rows=acme_rows("2026-08", amounts=["5"]))
    assert workspace.finops("run").exit_code == 0
    first = workspace.lake.published_snapshot()

    # the same delivery twice: no change in bytes
    catalogue = workspace.lake.catalog_file.read_bytes()
    again = workspace.finops("run")
    assert (again.exit_code, again.stdout.strip()) == (0, "nothing new: 2 bills as published")
    assert workspace.lake.catalog_file.read_bytes() == catalogue

    # fewer rows, 45 days later
    newer = workspace.deliver(version="20261115T000000Z", delivery_id="v2",
                              rows=[acme_row(amount="-4", quantity="-3")])  # fmt: skip
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {("acme", "2026-08"): (1, "5.00"), SEPTEMBER: (1, "-4.00")}
    assert workspace.rows("select distinct x_DeliveryId from focus order by 1") == [
        ("d1",),
        ("v2",),
    ]
    assert workspace.rows("select count(*) from cost_by_day where x_DeliveryId = 'v1'") == [(0,)]
    with workspace.lake.published(snapshot=first) as then:
        assert then.execute("select sum(BilledCost)::int from focus").fetchall() == [(11,)]

    # the newer one is gone at the source: the older one is left alone unless forced
    shutil.rmtree(newer.manifest.parent)
    older = workspace.finops("run")
    assert older.exit_code == 2
    assert "older than the loaded delivery v2" in warnings(older)[0]
    assert workspace.totals()[SEPTEMBER] == (1, "-4.00")
    assert workspace.finops("run", "--full").exit_code == 0
    assert workspace.totals()[SEPTEMBER] == (3, "6.00")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_d9_a_month_without_rows_is_published_empty(workspace, kind):
    workspace.deliver("2026-08", rows=acme_rows("2026-08"))
    workspace.deliver(rows=[], kind=kind)
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    assert workspace.totals() == {("acme", "2026-08"): (2, "3.75")}
    assert "acme 2026-09" in ended.stderr
    assert "no rows" in ended.stderr
    assert workspace.finops("run").stdout.strip() == "nothing new: 2 bills as published"


def test_d9_a_month_restated_to_no_rows_becomes_empty(workspace):
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(delivery_id="d2", rows=[])
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {}
    assert workspace.rows("select count(*) from cost_by_month") == [(0,)]


def test_d12_thirteen_months_in_any_order_and_one_deleted_at_the_source(workspace):
    months = [f"2025-{n:02d}" for n in range(9, 13)] + [f"2026-{n:02d}" for n in range(1, 10)]
    late = months.pop(4)
    for n, month in enumerate(reversed(months)):
        workspace.deliver(month, rows=acme_rows(month, amounts=[str(n + 1)]))
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(late, rows=acme_rows(late, amounts=["100"]))
    shutil.rmtree(workspace.bills / months[0])
    assert workspace.finops("run").exit_code == 0
    expected = {("acme", m): (1, f"{n + 1}.00") for n, m in enumerate(reversed(months))}
    assert workspace.totals() == expected | {("acme", late): (1, "100.00")}
    shutil.rmtree(workspace.bills)
    workspace.bills.mkdir()
    gone = workspace.finops("run")
    assert gone.exit_code == 2
    assert len(workspace.totals()) == 13


def test_v8_v9_v10_t3_checks_hold_a_bill_or_flag_it_and_currencies_stay_apart(workspace):
    workspace.configure("acme", "two")
    rows = [
        acme_row(amount="10", currency="EUR"),
        acme_row(amount="-25", currency="EUR", quantity="0"),
        acme_row(amount="7", currency="USD", quantity="1"),
        acme_row(amount="0", currency="USD", start="2026-07-01T00:00:00Z"),
    ]
    workspace.deliver(rows=rows)
    workspace.deliver(source="two", rows=acme_rows(amounts=["1", ""]))
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended
    assert "two 2026-09 is held back by its checks" in ended.stderr
    assert workspace.totals() == {SEPTEMBER: (4, "-8.00")}
    for mart in ("focus", "cost_by_month", "cost_by_day"):
        cost = "BilledCost" if mart == "focus" else "billed_cost"
        assert workspace.rows(
            f"select BillingCurrency, sum({cost})::int from {mart} group by all order by 1"
        ) == [("EUR", -15), ("USD", 7)]
    with workspace.lake.open(read_only=True) as connection:
        results = [
            json.loads(row[0])
            for row in connection.execute("select result from ops.check_results").fetchall()
        ]
    assert any(
        "period" in r["check_id"] and r["source"] == "acme" and r["failed_rows"] for r in results
    )

    # held stays held, and is told each time; a mended delivery publishes
    held = workspace.finops("run")
    assert (held.exit_code, "still held back" in held.stderr) == (3, True)
    workspace.deliver(source="two", delivery_id="d2", rows=acme_rows(amounts=["1", "2"]))
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {SEPTEMBER: (4, "-8.00"), ("two", "2026-09"): (2, "3.00")}


def test_a_held_restatement_leaves_the_published_bill_in_every_table(workspace):
    workspace.deliver(rows=acme_rows(amounts=["1", "2"]))
    assert workspace.finops("run").exit_code == 0
    tables = ("focus", "cost_by_month", "cost_by_day", "resources_by_month", "bill_controls")
    before = {t: workspace.rows(f"select * from {t} order by all") for t in tables}
    workspace.deliver(delivery_id="d2", rows=acme_rows(amounts=["1", ""]))
    assert workspace.finops("run").exit_code == 3
    assert {t: workspace.rows(f"select * from {t} order by all") for t in tables} == before
    workspace.deliver("2026-10")
    assert workspace.finops("run").exit_code == 3
    assert workspace.totals() == {SEPTEMBER: (2, "3.00"), ("acme", "2026-10"): (2, "3.75")}


def test_t2_neither_clock_nor_zone_choose_a_period(workspace):
    workspace.deliver()
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        ended = workspace.finops_apart("run", "--full", env={"TZ": zone})
        assert ended.exit_code == 0, ended
        assert workspace.rows(
            "select distinct BillingPeriodStart::varchar, min(ChargePeriodStart)::varchar"
            " from focus group by all"
        ) == [("2026-09-01 00:00:00", "2026-09-01 00:00:00")]
    with workspace.lake.open(read_only=True) as connection:
        times = connection.execute(
            "select max(abs(epoch(started_at) - epoch(now()::timestamp))) from ops.runs"
        ).fetchone()
    assert times[0] < 600


HOSTILE = [
    "x\"); drop table lake.main.focus; --", "'; drop table charges; --", "{{ 1 / 0 }}",
    "{% raw %}", "\\'", "$1", "[/red]", "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0",
]  # fmt: skip


def test_x1_x2_x3_hostile_texts_are_only_texts(workspace):
    rows = [
        acme_row() | {"account": text, "service": text, "invoice": text, f"tag:{text}": text}
        for text in HOSTILE
    ]
    written = workspace.deliver(rows=rows, delivery_id="'; drop table x; -- {{ 1 / 0 }} [/b]")
    hostile_file = written.file.rename(written.file.with_name("it's {{ x }}; --.csv"))
    manifest = json.loads(written.manifest.read_text())
    manifest["files"] = [f"2026-09/{hostile_file.name}"]
    written.manifest.write_text(json.dumps(manifest))
    outside = {p for p in workspace.folder.parent.rglob("*") if workspace.folder not in p.parents}

    planned = workspace.finops("plan")
    assert planned.exit_code == 0, planned
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    found = workspace.rows(
        "select BillingAccountId, ServiceName, InvoiceId, Tags, x_DeliveryId, x_SourceFile"
        " from focus"
    )
    assert len(found) == len(HOSTILE)
    for account, service, invoice, tags, delivery_id, file in found:
        assert account == service == invoice
        assert tags == {"team": "red", account: account}
        assert delivery_id == manifest["id"]
        assert file == hostile_file.name
    exported = workspace.finops("export", "--to", "out", "--format", "csv")
    assert exported.exit_code == 0, exported
    (path,) = (workspace.folder / "out").rglob("*.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'" + HOSTILE[-1] in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+", "\t", "\r"))]
    after = {p for p in workspace.folder.parent.rglob("*") if workspace.folder not in p.parents}
    assert after == outside


CANARIES = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY0001",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-access-key-0002",
    "AWS_SESSION_TOKEN": "canary-session-token-0003",
    "PGPASSWORD": "canary-pg-password-0004",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary-container-token-0005",
}


def grep(folder, words):
    """Files below the folder that hold one of the words."""
    return [
        (path.relative_to(folder).as_posix(), word)
        for path in folder.rglob("*")
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


def test_x7_no_secret_reaches_an_output_a_log_or_the_work_folder(workspace, monkeypatch):
    workspace.configure("acme", "two")
    workspace.deliver()
    workspace.deliver(source="two", rows=acme_rows(amounts=["NaN"]))
    config = workspace.folder / "finops.toml"
    ended = [
        workspace.finops_apart("--verbose", "run", env=CANARIES),
        workspace.finops_apart("--json", "run", "--full", env=CANARIES),
        workspace.finops_apart("--debug", "plan", env=CANARIES),
    ]
    assert [e.exit_code for e in ended] == [2, 2, 0], ended
    config.write_text(
        config.read_text() + "[lake]\ncatalog = 'postgres:host=db password=canary-in-file-0006'\n"
    )
    refused = workspace.finops_apart("run", env=CANARIES)
    assert refused.exit_code == 2
    config.write_text("")
    words = [*CANARIES.values(), "canary-in-file-0006"]
    for each in [*ended, refused]:
        assert not [word for word in words if word in each.output]
    assert grep(workspace.folder, words) == []


def test_s1_a_new_column_of_the_vendor_joins_the_published_table(workspace):
    """A vendor folder that gains an x_ column: bills before it have NULL there."""
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    own = workspace.folder / "vendors" / "acme"
    shutil.copytree(OWN_VENDORS / "acme", own)
    toml = own / "vendor.toml"
    toml.write_text(
        toml.read_text() + 'x_AcmeTeam = { type = "varchar", description = "Team of the line." }\n'
    )
    model = own / "acme__lines_focus.sql"
    added = "tags['team'] as x_AcmeTeam,\n        invoice as x_AcmeInvoice,"
    text = model.read_text()
    assert text.count("invoice as x_AcmeInvoice,") == 1
    model.write_text(text.replace("invoice as x_AcmeInvoice,", added))
    workspace.configure(vendor_folders=[own.parent])
    workspace.deliver("2026-10")
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    assert workspace.rows(
        "select distinct x_DeliveryId, x_AcmeTeam, BillingPeriodStart::date::varchar from focus"
        " order by 3"
    ) == [("d1", None, "2026-09-01"), ("d1", "red", "2026-10-01")]


def test_a_vendor_model_that_fails_names_the_model_and_keeps_what_was_published(workspace):
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    own = workspace.folder / "vendors" / "acme"
    shutil.copytree(OWN_VENDORS / "acme", own)
    model = own / "acme__lines_focus.sql"
    model.write_text(
        model.read_text().replace(
            "currency as BillingCurrency", "cast(error('boom') as varchar) as BillingCurrency"
        )
    )
    workspace.configure(vendor_folders=[own.parent])
    workspace.deliver(delivery_id="d2", rows=acme_rows(amounts=["9"]))
    failed = workspace.finops("run")
    assert failed.exit_code == 1
    assert "acme 2026-09 was not converted: acme__lines_focus: " in failed.stderr
    assert "boom" in failed.stderr
    assert "Traceback" not in failed.output
    assert workspace.totals() == {SEPTEMBER: (2, "3.75")}
    workspace.configure()
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {SEPTEMBER: (1, "9.00")}


def test_a_catalogue_that_is_no_database_is_said_plainly(workspace):
    workspace.deliver()
    workspace.lake.folder.mkdir()
    workspace.lake.catalog_file.write_bytes(b"this is no SQLite database, not at all" * 100)
    ended = workspace.finops("run")
    assert ended.exit_code in (1, 2)
    assert "cannot be opened" in ended.stderr
    assert "Traceback" not in ended.output
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(workspace.lake.catalog_file) as db:
        db.execute("select 1 from sqlite_master")
    db.close()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[checks]\nbilled-totl = "warn"', 'there is no check "billed-totl"'),
        ('account_names = "names.csv"', "names.csv is not there"),
        ('[engine]\nmemory_limit = "much"', "DuckDB does not start"),
    ],
)
def test_settings_that_would_stop_a_run_are_refused_before_its_work(workspace, more, says):
    workspace.configure(more=more)
    workspace.deliver()
    ended = workspace.finops("run")
    assert ended.exit_code == 2
    assert says in ended.stderr
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == ["error", "hint"]
    assert not (workspace.folder / "lake" / "raw").exists()


def test_two_lines_and_no_traceback_for_a_user(tmp_path):
    workspace = Workspace(tmp_path)
    for config, arguments in (
        (None, ["run"]),
        ("retentoin = 1\n", ["run"]),
        ("", ["run"]),
        ("[[sources]]\nname='a'\nvendor='acm'\nlocation='bills'\n", ["run", "--period", "2026-13"]),
        ("[[sources]]\nname='a'\nvendor='acm'\nlocation='bills'\n", ["run", "--source", "b"]),
    ):
        path = workspace.folder / "finops.toml"
        path.unlink(missing_ok=True)
        if config is not None:
            path.write_text(config)
        ended = workspace.finops(*arguments)
        assert ended.exit_code == 2
        lines = ended.stderr.splitlines()
        assert [line.split(":")[0] for line in lines] == ["error", "hint"], ended.stderr
        assert ended.stdout == ""
