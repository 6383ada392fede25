"""A real lake without dbt: putting bills back, the register, space that comes back."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from finops_stack.errors import InputError
from finops_stack.warehouse import register
from finops_stack.warehouse.bills import bill_tables, put_back
from finops_stack.warehouse.engine import Engine
from finops_stack.warehouse.lake import Lake, current_snapshot, published_snapshot, transaction
from finops_stack.warehouse.retention import expire, superseded_raw_files

SEPTEMBER, AUGUST = datetime(2026, 9, 1), datetime(2026, 8, 1)
NOW = datetime(2026, 10, 3, 4, 5, 6)
COLUMNS = (
    "x_SourceName varchar, BillingPeriodStart timestamp, x_DeliveryId varchar,"
    " BilledCost decimal(38, 15)"
)


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "lake").mkdir()
    return Lake(tmp_path / "lake", Engine("300MB", tmp_path / "spill"))


@pytest.fixture
def connection(lake):
    with lake.open() as connection:
        register.ensure_register(connection)
        connection.execute(f"create table charges ({COLUMNS})")
        connection.execute(f"create table marts ({COLUMNS})")
        connection.execute("create table other (x_SourceName varchar)")
        yield connection


def load(connection, source, period, delivery_id, *costs, tables=("charges", "marts")):
    """Replace a bill, as dbt does: one transaction a table."""
    for table in tables:
        with transaction(connection):
            connection.execute(
                f"delete from {table} where x_SourceName = ? and BillingPeriodStart = ?",
                [source, period],
            )
            for cost in costs:
                connection.execute(
                    f"insert into {table} values (?, ?, ?, ?)", [source, period, delivery_id, cost]
                )


def bills(connection, table="charges"):
    return connection.execute(
        f"select x_SourceName, BillingPeriodStart, x_DeliveryId, BilledCost from {table}"
        " order by all"
    ).fetchall()


def outcome(delivery_id="d1", outcome="published", fingerprint="f1", period="2026-09", **more):
    return register.OutcomeRow(
        run_id=more.pop("run_id", "run"),
        source=more.pop("source", "acme"),
        billing_period=period,
        delivery_id=delivery_id,
        fingerprint=fingerprint,
        outcome=outcome,
        reason="",
        rules="r",
        recorded_at=more.pop("at", NOW),
    )


def landed(fingerprint="f1", delivery_id="d1", period="2026-09", at=NOW, paths=()):
    return register.DeliveryRow(
        run_id="run",
        source="acme",
        billing_period=period,
        delivery_id=delivery_id,
        fingerprint=fingerprint,
        vendor="acme",
        form="lines",
        layout="monthly",
        manifest="m",
        delivered_at=NOW,
        landed_at=at,
        size_bytes=3,
        raw_rows=1,
        files=json.dumps([{"name": "a", "path": str(path)} for path in paths]),
    )


def test_bill_tables_are_those_with_source_period_and_delivery(connection):
    assert bill_tables(connection) == ["charges", "marts"]


@pytest.mark.parametrize("again", ["d1", "d2"])
def test_put_back_restores_a_bill_exactly(connection, again):
    """Also when the same delivery was converted again: ids alone do not tell rows apart."""
    load(connection, "acme", SEPTEMBER, "d1", "1.5", "2.5")
    load(connection, "acme", AUGUST, "d0", "7")
    load(connection, "b'ob", SEPTEMBER, "x", "9")
    before = bills(connection), bills(connection, "marts")
    published = current_snapshot(connection)
    load(connection, "acme", SEPTEMBER, again, "100", "200", "300")
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"],
    )
    assert (bills(connection), bills(connection, "marts")) == before


def test_put_back_leaves_other_bills_as_they_are_now(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    load(connection, "acme", AUGUST, "d0", "7")
    published = current_snapshot(connection)
    load(connection, "acme", SEPTEMBER, "d2", "100")
    load(connection, "acme", AUGUST, "d9", "8")
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"],
    )
    assert bills(connection) == [
        ("acme", AUGUST, "d9", Decimal(8)),
        ("acme", SEPTEMBER, "d1", Decimal(1)),
    ]


def test_put_back_restores_an_emptied_bill(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    published = current_snapshot(connection)
    load(connection, "acme", SEPTEMBER, "d2")
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"],
    )
    assert bills(connection) == [("acme", SEPTEMBER, "d1", Decimal(1))]


@pytest.mark.parametrize("snapshot", [None, "now"])
def test_a_bill_that_was_never_published_disappears(connection, snapshot):
    published = current_snapshot(connection) if snapshot else None
    load(connection, "acme", SEPTEMBER, "d1", "1")
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"] if snapshot else [],
    )
    assert bills(connection) == bills(connection, "marts") == []


def test_a_table_that_was_not_there_yet_is_emptied_of_the_bill(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    published = current_snapshot(connection)
    connection.execute(f"create table later ({COLUMNS})")
    load(connection, "acme", SEPTEMBER, "d2", "2", tables=["charges", "marts", "later"])
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"],
    )
    assert bills(connection, "later") == []
    assert bills(connection) == [("acme", SEPTEMBER, "d1", Decimal(1))]


def test_a_column_added_since_is_null_in_rows_put_back(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    published = current_snapshot(connection)
    connection.execute("alter table charges add column x_New varchar")
    load(connection, "acme", SEPTEMBER, "d2", tables=["charges"])
    put_back(
        connection,
        source="acme",
        period_start=SEPTEMBER,
        snapshot=published,
        tables_then=["charges", "marts"],
    )
    assert connection.execute("select x_DeliveryId, x_New from charges").fetchall() == [
        ("d1", None)
    ]


def test_put_back_twice_in_a_row(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    load(connection, "acme", AUGUST, "d0", "2")
    before, published = bills(connection), current_snapshot(connection)
    for period in (SEPTEMBER, AUGUST, SEPTEMBER):
        load(connection, "acme", period, "d9", "9")
        put_back(
            connection,
            source="acme",
            period_start=period,
            snapshot=published,
            tables_then=["charges", "marts"],
        )
    assert bills(connection) == before


def test_register_remembers_in_the_order_of_its_own_sequence(connection):
    register.add_outcomes(connection, [outcome("d1", at=NOW), outcome("x", period="2026-08")])
    # the clock went back an hour: the later entry is the newer one all the same
    register.add_outcomes(connection, [outcome("d2", "held", "f2", at=NOW - timedelta(hours=1))])
    register.add_outcomes(connection, [outcome("d3", "refused", "f3")])
    key = ("acme", "2026-09")
    assert register.latest_outcomes(connection)[key].delivery_id == "d2"
    assert register.latest_published(connection)[key].delivery_id == "d1"
    assert register.latest_of_any_kind(connection)[key].delivery_id == "d3"
    assert set(register.latest_published(connection)) == {key, ("acme", "2026-08")}
    told = [row.delivery_id for row in register.outcomes(connection, "acme", "2026-09")]
    assert told == ["d1", "d2", "d3"]


def test_register_keeps_any_text(connection):
    strange = "'; drop table lake.ops.outcomes; -- {{ x }} \\ ä漢"
    register.add_outcomes(connection, [outcome(strange, fingerprint=strange)])
    register.add_delivery(connection, landed(delivery_id=strange, paths=["a'b"]))
    assert register.latest_outcomes(connection)["acme", "2026-09"].delivery_id == strange
    (row,) = register.deliveries(connection, source="acme", period="2026-09")
    assert (row.delivery_id, row.parsed_files()[0]["path"]) == (strange, "a'b")
    assert register.deliveries(connection, source="other") == []


def test_register_results_runs_and_publications(lake, connection):
    assert published_snapshot(connection) is None
    register.add_check_results(connection, "run", [("acme", "2026-09", {"check_id": "x", "n": 1})])
    register.add_check_results(connection, "other", [])
    register.add_run(connection, run_id="run", started_at=NOW, ended_at=NOW, outcome="0")
    for snapshot in (5, 4):
        register.publish(connection, run_id="run", snapshot_id=snapshot, at=NOW)
    assert register.check_results(connection, "run") == [{"check_id": "x", "n": 1}]
    assert register.check_results(connection, "other") == []
    assert [p.snapshot_id for p in register.publications(connection)] == [5, 4]
    assert published_snapshot(connection) == 4


def test_register_rows_stay_in_the_catalogue(lake, connection):
    for _ in range(5):
        register.add_outcomes(connection, [outcome()])
    register.ensure_register(connection)
    assert len(register.outcomes(connection, "acme", "2026-09")) == 5
    assert not list(Path(lake.data_path).glob("ops/**/*.parquet"))


def test_an_empty_lake_has_no_register(lake):
    with lake.open() as connection:
        assert register.latest_outcomes(connection) == {}
        assert register.deliveries(connection) == []
        assert register.publications(connection) == []


def test_readers_of_nothing_are_told_so(lake):
    with pytest.raises(InputError, match="there is no lake"), lake.published():
        pass
    with lake.open():
        pass
    with pytest.raises(InputError, match="nothing is published yet"), lake.published():
        pass


def test_readers_see_the_published_snapshot_only(lake, connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    register.publish(connection, run_id="r", snapshot_id=current_snapshot(connection), at=NOW)
    load(connection, "acme", SEPTEMBER, "d2", "2")
    with lake.published() as reader:
        assert bills(reader) == [("acme", SEPTEMBER, "d1", Decimal(1))]


def snapshots(connection):
    rows = connection.execute("select snapshot_id from ducklake_snapshots('lake')").fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize(("days", "later"), [(30, 31), (0, 1)])
def test_expire_keeps_the_published_snapshot_and_what_came_after(lake, connection, days, later):
    load(connection, "acme", SEPTEMBER, "d1", *["1"] * 20)
    load(connection, "acme", SEPTEMBER, "d2", *["2"] * 20)
    keep = current_snapshot(connection)
    register.publish(connection, run_id="r", snapshot_id=keep, at=NOW)
    load(connection, "acme", SEPTEMBER, "d3", *["3"] * 20)
    newest = current_snapshot(connection)
    now = datetime.now() + timedelta(days=later)
    expire(connection, days=days, now=now)
    left = snapshots(connection)
    assert min(left) == keep
    assert newest in left
    with lake.published() as reader:
        assert {row[2] for row in bills(reader)} == {"d2"}
    assert {row[2] for row in bills(connection)} == {"d3"}


def test_expire_touches_nothing_young_or_before_the_first_publication(connection):
    load(connection, "acme", SEPTEMBER, "d1", "1")
    before = snapshots(connection)
    expire(connection, days=0, now=datetime.now() + timedelta(days=9))
    assert snapshots(connection) == before
    register.publish(connection, run_id="r", snapshot_id=current_snapshot(connection), at=NOW)
    before = snapshots(connection)
    expire(connection, days=30, now=datetime.now() + timedelta(days=9))
    assert snapshots(connection) == before


def test_superseded_raw_files_go_but_published_and_newest_stay(connection, tmp_path):
    files = {name: tmp_path / f"{name}.parquet" for name in ("old", "published", "held", "again")}
    for path in files.values():
        path.write_bytes(b"x")
    long_ago = NOW - timedelta(days=90)
    for name, path in files.items():
        register.add_delivery(connection, landed(name, name, at=long_ago, paths=[path]))
    register.add_delivery(connection, landed("remote", at=long_ago, paths=["s3://b/x.parquet"]))
    # loaded once more with --full, long after
    register.add_delivery(connection, landed("again", at=NOW, paths=[files["again"]]))
    register.add_outcomes(connection, [outcome("published", "published", "published")])
    register.add_outcomes(connection, [outcome("held", "held", "held")])
    register.add_outcomes(connection, [outcome("again", "published", "again", period="2026-08")])
    assert superseded_raw_files(connection, before=long_ago) == []
    assert superseded_raw_files(connection, before=NOW) == [str(files["old"])]
