"""A team's lake: the catalogue in PostgreSQL, alone and with its files on S3."""

import signal
import time
from decimal import Decimal

import pytest
from finops_runner import wait_until
from installation import expected
from object_store import CREDENTIALS, REGION
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


@pytest.fixture
def two(new_installation, store, database, monkeypatch):
    """Two machines of a team: folders of their own, one catalogue, one bucket."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = database.replace("_", "-")
    store.make_bucket(bucket)
    more = f'[lake.s3]\nendpoint_url = "{store.url}"\nregion = "{REGION}"\n'
    pair = [new_installation(name, f"s3://{bucket}/finops", more) for name in ("one", "two")]
    for each in pair:
        each.env |= CREDENTIALS
        each.add_source("acme", str(pair[0].bills("acme")))
    pair[0].deliver("acme", "2026-08", "d1", AUGUST)
    return pair


def test_with_files_on_s3(two, store, database):
    """Nothing but work files on the machines: either goes on where the other ended."""
    first, second = two
    first.done()
    first.deliver("acme", "2026-08", "d2", RESTATED)
    second.done()
    assert first.totals() == AFTER
    assert "nothing new" in first.done().out
    assert not list(first.lake.rglob("*.parquet"))
    assert not list(second.lake.rglob("*.parquet"))
    bucket = database.replace("_", "-")
    assert store.keys(bucket, "finops/raw/acme/")
    assert store.keys(bucket, "finops/lake/")


def test_one_run_at_a_time(two):
    """Two folders share no file lock: PostgreSQL's holds, names its holder, dies with it."""
    first, second = two
    run = paused(first, "before check")
    refused = second.run()
    assert refused.code == 1, refused.text
    assert f"another run is at work on this lake: finops pid {run.pid} on " in refused.err
    assert "Traceback" not in refused.text
    run.send(signal.SIGKILL)
    run.wait()
    ended = wait_until(lambda: None if "another run" in (it := second.run()).err else it)
    assert ended.code == 0, ended.text
    assert first.totals() == second.totals() == BEFORE


def test_another_data_path(team, new_installation):
    """One catalogue, data in two local folders: cannot be, and is said."""
    team.done()
    other = new_installation("two")
    other.add_source("acme", str(team.bills("acme")))
    ended = other.run()
    assert ended.code == 1, ended.text
    assert "DATA_PATH" in ended.err
    assert "[lake]" in ended.err
    assert team.totals() == BEFORE
