"""A team's lake: the catalogue in PostgreSQL, alone and with its files on S3."""

import signal
import time
from decimal import Decimal

import pytest
from conftest import S3_CREDENTIALS
from finops_runner import wait_until
from installation import expected
from object_store import REGION
from postgres_server import PASSWORD

AUGUST, RESTATED = ["1.25", "2"] * 6, ["3", "4", "5"] * 6
BEFORE = {("acme", "2026-08"): expected(AUGUST, "d1")}
AFTER = {("acme", "2026-08"): expected(RESTATED, "d2")}


@pytest.fixture
def team(new_installation):
    installation = new_installation("one")
    installation.add_source("acme")
    installation.deliver("acme", "2026-08", "d1", AUGUST)
    return installation


def paused(installation, point):
    """A run that stays at a point."""
    log = installation.folder / "points.log"
    log.unlink(missing_ok=True)
    run = installation.start(points=str(log), pause_at=[point, 1, 60])
    wait_until(lambda: log.exists() and point in log.read_text().splitlines(), 60)
    return run


def test_run_restate_read(team, new_installation, server, database):
    """Published, restated, read at both snapshots by an installation elsewhere."""
    team.done()
    assert team.totals() == BEFORE
    team.deliver("acme", "2026-08", "d2", RESTATED)
    team.done()
    assert team.totals() == AFTER
    assert "nothing new" in team.done().out
    first, second = (each.snapshot_id for each in team.publications())
    with team.attached(first) as connection:
        found = connection.execute("select sum(BilledCost) from focus").fetchone()
        assert found[0] == sum(map(Decimal, AUGUST))
    with server.connect(database) as connection:
        tables = connection.execute(
            "select count(*) from pg_tables where tablename like 'ducklake%'"
        ).fetchone()
    assert tables[0] > 10
    assert not (team.lake / "catalog.sqlite").exists()
    assert str(second) in team.done("status").text or "2026-08" in team.done("status").out
    assert "72" in team.done("query", "select sum(BilledCost) from focus").out


def test_one_run_at_a_time(team, new_installation, server):
    """Two folders, one catalogue: no flock is shared, PostgreSQL's lock is."""
    other = new_installation("two")
    other.add_source("other")
    other.deliver("other", "2026-08", "o1", AUGUST)
    run = paused(team, "before check")
    refused = other.run()
    assert refused.code == 1, refused.text
    assert "another run is at work on this lake" in refused.err
    assert f"pid {run.pid}" in refused.err
    assert "Traceback" not in refused.text
    # The holder dies: the server frees its lock by itself.
    run.send(signal.SIGKILL)
    run.wait()
    wait_until(lambda: other.run("run").code == 0, 20)
    assert other.totals() == {("other", "2026-08"): expected(AUGUST, "o1")}
    team.done()
    both = BEFORE | {("other", "2026-08"): expected(AUGUST, "o1")}
    assert team.totals() == both
    assert other.totals() == both


def test_server_goes_away(team, server):
    """In the middle of a run: one message, nothing published; then taken up."""
    run = paused(team, "after model focus")
    server.stop()
    try:
        run.send(signal.SIGTERM)
        assert run.wait(30).code == 128 + signal.SIGTERM
        down = team.run()
        assert down.code == 1, down.text
        assert "cannot be opened" in down.err
        assert "Traceback" not in down.text
    finally:
        server.start()
    team.done()
    assert team.totals() == BEFORE


def test_server_goes_away_unnoticed(team, server):
    """It restarts during a run: the lock and all connections are lost, the run must not publish."""
    team.done()
    team.deliver("acme", "2026-08", "d2", RESTATED)
    log = team.folder / "points.log"
    run = team.start(points=str(log), pause_at=["after stage", 1, 4])
    wait_until(lambda: log.exists() and "after stage" in log.read_text().splitlines(), 60)
    server.stop()
    server.start()
    ended = run.wait()
    assert ended.code == 1, ended.text
    assert "Traceback" not in ended.text
    assert PASSWORD not in ended.text
    assert team.totals() == BEFORE
    team.done()
    assert team.totals() == AFTER


def test_wrong_password(team):
    team.env = {"PGPASSWORD": "wrong-password-41"}
    ended = team.run()
    assert ended.code in (1, 2), ended.text
    assert "password authentication failed" in ended.err
    assert "wrong-password-41" not in ended.text
    assert "Traceback" not in ended.text


def test_readers_during_publications(team):
    """Reads go on while a run writes and at its end; each answer is one of the two versions."""
    team.done()
    team.deliver("acme", "2026-08", "d2", RESTATED)
    run = team.start()
    seen = []
    while not run.done.is_set():
        seen.append(team.totals())
        time.sleep(0.02)
    assert run.wait().code == 0
    assert all(found in (BEFORE, AFTER) for found in seen)
    assert team.totals() == AFTER


def test_with_files_on_s3(new_installation, store, database, monkeypatch):
    """Nothing but work files on this disk: another machine needs only the settings."""
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = database.replace("_", "-")
    store.make_bucket(bucket)
    where = (f"s3://{bucket}/finops", f'[lake.s3]\nendpoint_url = "{store.url}"\nregion = "{REGION}"\n')
    first, second = (new_installation(name, *where) for name in ("one", "two"))
    for each in (first, second):
        each.env |= S3_CREDENTIALS
    first.add_source("acme")
    first.deliver("acme", "2026-08", "d1", AUGUST)
    first.done()
    second.add_source("acme", str(first.bills("acme")))
    first.deliver("acme", "2026-08", "d2", RESTATED)
    second.done()
    assert first.totals() == AFTER
    assert "nothing new" in first.done().out
    assert not list(first.lake.rglob("*.parquet"))
    assert not list(second.lake.rglob("*.parquet"))
    assert store.keys(bucket, "finops/raw/acme/")
    assert store.keys(bucket, "finops/lake/")
