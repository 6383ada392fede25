"""finops query: formats, time travel, and that it reads the lake and nothing else."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from finops_stack.warehouse.safe_query import locked

SQL = "select ServiceName, BilledCost, Tags, ChargePeriodStart, RegionId from focus"
ONE_ROW = f"{SQL} where BillingPeriodStart = '2026-09-01' and BilledCost > 40 and BilledCost < 41"


def test_csv_is_exact_and_null_is_empty(finops):
    header, row = csv.reader(io.StringIO(finops("query", ONE_ROW, "--format", "csv")))
    assert header == ["ServiceName", "BilledCost", "Tags", "ChargePeriodStart", "RegionId"]
    assert row == [
        "VM large",
        "40.123456789012345",
        '{"team": "blue"}',
        "2026-09-01T00:00:00Z",
        "",
    ]


def test_csv_disarms_formulas_but_no_number(finops):
    sql = (
        "select distinct ServiceName, BillingAccountId, BilledCost from focus where BilledCost < 0"
    )
    (_, row) = csv.reader(io.StringIO(finops("query", sql, "--format", "csv")))
    assert row == ["'=1+2", "'@home", "-1.5"]


def test_json_is_an_array_with_exact_numbers(finops):
    text = finops("query", ONE_ROW, "--format", "json")
    (row,) = json.loads(text, parse_float=Decimal)
    assert row == {
        "ServiceName": "VM large",
        "BilledCost": Decimal("40.123456789012345"),
        "Tags": {"team": "blue"},
        "ChargePeriodStart": "2026-09-01T00:00:00Z",
        "RegionId": None,
    }
    assert json.loads(finops("query", f"{SQL} where false", "--format", "json")) == []


def test_json_says_nan_in_no_way_json_forbids(finops):
    sql = "select 'nan'::double as a, 'inf'::float as b, 1.5::double as c, true as d, 3 as e"
    (row,) = json.loads(finops("query", sql, "--format", "json"))
    assert row == {"a": None, "b": None, "c": 1.5, "d": True, "e": 3}


def test_table_shows_whole_values_and_no_escape_code(finops):
    shown = finops("query", "select distinct ServiceName from focus order by all")
    assert "\x1b" not in shown
    assert r"\x1b[31mred" in shown


def test_table_stops_at_the_limit_and_says_so(lake):
    ended = lake.workspace.finops("query", "from range(5)", "--limit", "2")
    assert ended.exit_code == 0
    assert "│ 2 │" not in ended.stdout
    assert "only the first 2 rows" in ended.stderr
    assert "only" not in lake.workspace.finops("query", "from range(2)", "--limit", "2").stderr


def test_order_is_the_statements(finops):
    sql = "select i from range(300000) r(i) order by hash(i)"
    with_order = finops("query", sql, "--format", "csv").split()[1:]
    assert len(with_order) == 300_000
    again = finops("query", f"with a as ({sql}) select * from a", "--format", "csv").split()[1:]
    assert with_order == again


def test_parquet_goes_to_a_file(lake, finops, tmp_path):
    target = tmp_path / "rows.parquet"
    finops("query", SQL, "--format", "parquet", "--to", str(target))
    table = parquet.read_table(target)
    assert table.num_rows == lake.workspace.rows("select count(*) from focus")[0][0]
    assert str(table.schema.field("BilledCost").type) == "decimal128(38, 15)"
    assert str(table.schema.field("Tags").type).startswith("map<string, string")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_parquet_goes_to_stdout(lake):
    command = [sys.executable, "-m", "finops_stack.cli.main", "query", SQL, "--format", "parquet"]
    done = subprocess.run(command, cwd=lake.workspace.folder, capture_output=True, check=True)
    assert parquet.read_table(io.BytesIO(done.stdout)).num_rows == 20


def test_sql_comes_from_stdin(lake):
    command = [sys.executable, "-m", "finops_stack.cli.main", "query", "-", "--format", "csv"]
    done = subprocess.run(
        command,
        cwd=lake.workspace.folder,
        input=b"select count(*) as n -- how many\nfrom focus;",
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"n\n20\n"


@pytest.mark.parametrize("kind", ["csv", "json", "table"])
def test_a_failing_query_leaves_no_file(lake, tmp_path, kind):
    target = tmp_path / "rows"
    sql = "select error('late') from range(100000) r(i) where i = 99999"
    ended = lake.workspace.finops("query", sql, "--format", kind, "--to", str(target))
    assert ended.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_two_columns_of_one_name_are_refused(lake, tmp_path, kind):
    target = tmp_path / "rows"
    ended = lake.workspace.finops(
        "query", "select 1 as a, 2 as a", "--format", kind, "--to", str(target)
    )
    assert ended.exit_code == 2
    assert 'two columns are called "a"' in ended.stderr


def test_what_parquet_cannot_hold_is_an_error_in_words(lake, tmp_path):
    ended = lake.workspace.finops(
        "query", "select interval 3 days as i", "--format", "parquet", "--to", str(tmp_path / "x")
    )
    assert ended.exit_code == 2
    assert "cast that column" in ended.stderr


def test_views_of_every_version_and_the_marts_are_there(finops):
    for name in ("focus_1_0", "focus_1_2", "focus_1_3", "focus_1_4", "cost_by_month"):
        assert int(finops("query", f"select count(*) from {name}", "--format", "csv").split()[1])


@pytest.mark.parametrize(
    "sql",
    [
        "describe focus",
        "summarize cost_by_month",
        "show tables",
        "from lake.main.focus limit 1",
        "values (1), (2)",
        "with a as (select 1 as x) select * from a",
        "from information_schema.tables",
        "select * from focus, unnest([1, 2]) as u limit 1",
        "select key, value from focus, json_each(to_json(Tags)) limit 1",
        "from ops.published",
    ],
)
def test_reading_statements_run(finops, sql):
    assert finops("query", sql, "--format", "csv")


def test_as_of_reads_the_publication_before(lake, finops):
    sql = "select count(*) as n, max(x_DeliveryId) as d from focus where BillingPeriodStart = "
    sql += "'2026-09-01'"
    assert finops("query", sql, "--format", "csv").split() == ["n,d", "8,2026-09-second"]
    then = f"{lake.between.isoformat()}Z"
    as_of = finops("query", sql, "--format", "csv", "--as-of", then)
    assert as_of.split() == ["n,d", "6,2026-09-first"]
    shifted = f"{(lake.between + timedelta(hours=2)).isoformat()}+02:00"
    assert finops("query", sql, "--format", "csv", "--as-of", shifted) == as_of
    day = f"{lake.between:%Y-%m-%d}"
    assert finops("query", sql, "--format", "csv", "--as-of", day).split()[1].endswith("second")


def test_as_of_before_everything_names_the_first_publication(lake):
    ended = lake.workspace.finops("query", "from focus", "--as-of", "2020-01-01")
    assert ended.exit_code == 2
    assert "nothing was published at or before 2020-01-01" in ended.stderr
    assert "the first publication is of 20" in ended.stderr


def test_as_of_wants_a_time(lake):
    ended = lake.workspace.finops("query", "from focus", "--as-of", "yesterday")
    assert ended.exit_code == 2
    assert "write 2026-11-01" in ended.stderr


def test_wrong_names_are_answered_with_the_ones_there_are(lake):
    ended = lake.workspace.finops("query", "from focsu")
    assert ended.exit_code == 2
    assert "cost_by_month" in ended.stderr
    ended = lake.workspace.finops("query", "select BilledCots from focus")
    assert ended.exit_code == 2
    assert "BilledCost" in ended.stderr
    assert "Traceback" not in ended.output


ATTACKS = [
    "select * from read_csv('{secret}')",
    "select * from read_csv_auto('{secret}')",
    "select * from read_text('{secret}')",
    "select * from read_blob('{secret}')",
    "select * from read_json('{secret}')",
    "select * from read_parquet('{secret}')",
    "select * from parquet_metadata('{secret}')",
    "select * from sniff_csv('{secret}')",
    "select * from glob('/etc/*')",
    "from '{secret}'",
    "describe '{secret}'",
    "summarize '{secret}'",
    "select * from sqlite_scan('{sqlite}', 'secrets')",
    "select (select max(a) from sqlite_scan('{sqlite}', 'secrets'))",
    "with x as materialized (from sqlite_scan('{sqlite}', 'secrets')) from x",
    "describe select * from sqlite_scan('{sqlite}', 'secrets')",
    "select * from focus, lateral (from sqlite_scan('{sqlite}', 'secrets'))",
    "select * from sqlite_query('lake', 'select 1')",
    "call sqlite_attach('{sqlite}')",
    "select * from query('select 1')",
    "select * from query_table('focus')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "pragma json_execute_serialized_sql('x')",
    "attach '{sqlite}' as other (type sqlite)",
    "attach '{folder}/new.duckdb' as other",
    "copy (select 1) to '{folder}/out.csv'",
    "copy focus to '{data}/out.parquet'",
    "copy focus from '{secret}'",
    "export database '{folder}/out'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset lock_configuration",
    "pragma database_list",
    "set variable x = 1",
    "create table x as select 1",
    "create temp table x as select 1",
    "create macro f() as table select 1",
    "delete from cost_by_month",
    "update cost_by_month set billed_cost = 0",
    "insert into ops.published values (9, 'x', 1, now())",
    "drop view focus",
    "call ducklake_expire_snapshots('lake', older_than => now())",
    "from ducklake_expire_snapshots('lake', older_than => now())",
    "from ducklake_cleanup_old_files('lake', cleanup_all => true)",
    "from ducklake_delete_orphaned_files('lake', cleanup_all => true)",
    "from ducklake_merge_adjacent_files('lake')",
    "from lake.set_option('data_inlining_row_limit', 5)",
    "from __ducklake_metadata_lake.ducklake_data_file",
    "from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select 1; delete from cost_by_month",
    "select 1; select 2",
    "explain analyze delete from cost_by_month",
    "begin",
    "use memory",
    "vacuum",
    "",
    "/* nothing */",
    "select * from secret_of_this_process",
    "execute x",
    "prepare x as delete from cost_by_month",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(lake, tmp_path, attack):
    secret, sqlite = tmp_path / "secret.csv", tmp_path / "secret.sqlite"
    secret.write_text("a\nhunter2\n")
    with sqlite3.connect(sqlite) as connection:
        connection.execute("create table secrets as select 'hunter2' as a")
    connection.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    data = lake.workspace.lake.data_path.rstrip("/")
    sql = attack.format(secret=secret, sqlite=sqlite, folder=tmp_path, data=data)
    ended = lake.workspace.finops("query", sql)
    assert ended.exit_code == 2, ended.output
    assert "hunter2" not in ended.output
    assert "error: " in ended.stderr
    assert "hint:  " in ended.stderr
    assert "Traceback" not in ended.output
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{secret}')",
        "attach '{folder}/new.duckdb' as other",
        "copy (select 1) to '{folder}/out.csv'",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "delete from cost_by_month",
        "from secret_of_this_process",
    ],
)
def test_the_engine_itself_refuses_even_without_the_statement_check(lake, tmp_path, sql):
    """The second wall, should the first one ever have a hole."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhunter2\n")
    secret_of_this_process = pa.table({"a": ["hunter2"]})
    assert secret_of_this_process.num_rows == 1
    snapshot = lake.workspace.lake.published_snapshot()
    with (
        locked(lake.workspace.lake, snapshot=snapshot) as connection,
        pytest.raises(Exception, match=r"Permission|configuration|read-only|does not exist"),
    ):
        connection.execute(sql.format(secret=secret, folder=tmp_path))


def test_nothing_published_yet(held_only, workspace):
    ended = held_only.finops("query", "from focus")
    assert ended.exit_code == 2
    assert "nothing is published yet" in ended.stderr
    ended = workspace.finops("query", "from focus")
    assert ended.exit_code == 2
    assert 'hint:  run "finops run" first' in ended.stderr
