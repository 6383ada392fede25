"""Whole runs on what nobody should deliver or set up: hostile texts, secrets, broken parts.

T2, X1-X3, X7 of the fault catalogue, S1 for a vendor's own column; what the user is told.
"""

import csv
import json
import shutil
import sqlite3

import pytest

from acme_bills import OWN_VENDORS, acme_row, acme_rows
from workspaces import Workspace

SEPTEMBER = ("acme", "2026-09")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati"])
def test_t2_neither_clock_nor_zone_choose_a_period(workspace, zone):
    workspace.deliver()
    ended = workspace.finops_apart("run", env={"TZ": zone})
    assert ended.exit_code == 0, ended
    assert workspace.rows(
        "select distinct BillingPeriodStart::varchar, min(ChargePeriodStart)::varchar"
        " from focus group by all"
    ) == [("2026-09-01 00:00:00", "2026-09-01 00:00:00")]
    with workspace.lake.open(read_only=True) as connection:
        off = connection.execute(
            "select max(abs(epoch(started_at) - epoch(now()::timestamp))) from ops.runs"
        ).fetchone()
    assert off[0] < 600


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
