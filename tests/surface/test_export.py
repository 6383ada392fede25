"""finops export: columns of each version, exact totals, csv that is safe to open."""

import csv
import json
from datetime import datetime
from decimal import Decimal

import pytest
from pyarrow import parquet

from finops_stack.bill import BillKey
from finops_stack.errors import FinopsError
from finops_stack.focus.spec import LINEAGE, VERSIONS, columns
from finops_stack.warehouse.export import copy_bill, figures_of_files, select_sql

LINEAGE_NAMES = [column.name for column in LINEAGE]


def names(version, *, lineage=True):
    return [column.name for column in columns(version)] + (LINEAGE_NAMES if lineage else [])


def published_totals(lake, where="true"):
    rows = lake.workspace.rows(
        f"select BillingCurrency, sum(BilledCost) from focus where {where} group by all"
    )
    return dict(rows)


def read_csv(folder):
    rows = []
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    return rows


@pytest.mark.parametrize("version", VERSIONS)
def test_parquet_has_the_versions_columns_and_the_published_totals(lake, finops, tmp_path, version):
    finops("export", "--to", str(tmp_path / "out"), "--focus-version", version)
    files = sorted((tmp_path / "out").rglob("*.parquet"))
    place = tmp_path / "out" / f"focus_version={version}"
    assert files == [
        place / f"billing_period={month}" / "focus-acme-00001.parquet"
        for month in ("2026-07", "2026-08", "2026-09")
    ]
    totals = {}
    for path in files:
        with path.open("rb") as file:
            table = parquet.read_table(file)
        assert table.column_names == names(version)
        assert str(table.schema.field("BilledCost").type) == "decimal128(38, 15)"
        assert str(table.schema.field("Tags").type).startswith("map<string, string")
        for row in table.select(["BillingCurrency", "BilledCost"]).to_pylist():
            currency = row["BillingCurrency"]
            totals[currency] = totals.get(currency, 0) + row["BilledCost"]
    assert totals == published_totals(lake)


@pytest.mark.parametrize("version", VERSIONS)
def test_csv_has_the_versions_columns_and_the_published_totals(lake, finops, tmp_path, version):
    out = tmp_path / "out"
    finops("export", "--to", str(out), "--focus-version", version, "--format", "csv")
    rows = read_csv(out)
    assert list(rows[0]) == names(version)
    totals = {}
    for row in rows:
        currency = row["BillingCurrency"]
        totals[currency] = totals.get(currency, 0) + Decimal(row["BilledCost"])
    assert totals == published_totals(lake)


def test_csv_cells(finops, tmp_path):
    out = tmp_path / "out"
    finops("export", "--to", str(out), "--format", "csv", "--period", "2026-09")
    rows = {row["x_SourceRow"]: row for row in read_csv(out)}
    assert rows["1"]["BilledCost"] == "40.123456789012345"
    assert rows["1"]["ChargePeriodStart"] == "2026-09-01T00:00:00Z"
    assert rows["1"]["RegionId"] == ""
    assert json.loads(rows["0"]["Tags"]) == {"team": "red", 'it\'s "x"]': "yes"}
    assert rows["3"]["BilledCost"] == "10"
    assert rows["3"]["Tags"] == ""
    assert rows["1"]["x_SourceFile"] == "2026-09-second-1.csv"


def test_csv_formulas_are_disarmed_and_numbers_untouched(finops, tmp_path):
    out = tmp_path / "out"
    finops("export", "--to", str(out), "--format", "csv", "--period", "2026-07")
    (row,) = [row for row in read_csv(out) if row["x_SourceRow"] == "2"]
    assert row["ServiceName"] == "'=1+2"
    assert row["BillingAccountId"] == "'@home"
    assert row["BilledCost"] == "-1.5"
    assert json.loads(row["Tags"]) == {"team": "+3"}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\x00=1", "'=1"),
        ("a\x00b", "ab"),
        ("a=1", "a=1"),
        ("", ""),
        ("'quoted', \"so\"\nand so", "'quoted', \"so\"\nand so"),
    ],
)
def test_csv_text_of_the_engine_and_of_python_agree(text, cell):
    """Two writers, one rule: COPY for exports, Python for queries and reports."""
    import duckdb

    from finops_stack.cli.format import csv_text
    from finops_stack.warehouse.export import _csv_sql

    with duckdb.connect() as connection:
        sql = f"select {_csv_sql('v', 'varchar')} from (select ?::varchar as v)"
        assert connection.execute(sql, [text]).fetchone() == (cell,)
    assert csv_text(text) == cell


@pytest.mark.parametrize(
    ("tags", "cell"),
    [
        ({"a": "b"}, {"a": "b"}),
        ({"a\x00": "b\x00c"}, {"a": "bc"}),
        ({"a": None}, {"a": None}),
        ({"a": "\\u0000"}, {"a": "\\u0000"}),
    ],
)
def test_csv_maps_are_json_without_nul(tags, cell):
    import duckdb

    from finops_stack.warehouse.export import _csv_sql

    with duckdb.connect() as connection:
        sql = f"select {_csv_sql('v', 'map(varchar, varchar)')} from (select map(?, ?) as v)"
        found = connection.execute(sql, [list(tags), list(tags.values())]).fetchone()
    assert json.loads(found[0]) == cell


@pytest.mark.parametrize(
    ("amount", "cell"),
    [
        ("0.000000000000001", "0.000000000000001"),
        ("-0.000000000000000", "0"),
        ("100", "100"),
        ("12345678901234567890123.5", "12345678901234567890123.5"),
    ],
)
def test_csv_decimals_have_neither_exponent_nor_trailing_zeros(amount, cell):
    import duckdb

    from finops_stack.warehouse.export import _csv_sql

    with duckdb.connect() as connection:
        sql = f"select {_csv_sql('v', 'decimal(38,15)')} from (select ?::decimal(38,15) as v)"
        assert connection.execute(sql, [amount]).fetchone() == (cell,)


def test_no_lineage(finops, tmp_path):
    out = tmp_path / "out"
    finops("export", "--to", str(out), "--no-lineage", "--format", "csv")
    assert list(read_csv(out)[0]) == names("1.2", lineage=False)


def test_manifest_says_what_was_written(lake, finops, tmp_path):
    out = tmp_path / "out"
    finops("export", "--to", str(out), "--period", "2026-08:")
    manifest = json.loads((out / "manifest.json").read_text())
    totals = published_totals(lake, "BillingPeriodStart >= '2026-08-01'")
    assert {c: Decimal(text) for c, text in manifest["BilledCost"].items()} == totals
    assert (manifest["focus_version"], manifest["format"], manifest["rows"]) == (
        "1.2",
        "parquet",
        14,
    )
    assert [bill["billing_period"] for bill in manifest["bills"]] == ["2026-08", "2026-09"]
    for bill in manifest["bills"]:
        assert all((out / name).is_file() for name in bill["files"])


def test_a_filled_folder_is_refused_unless_overwritten(lake, finops, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    ended = lake.workspace.finops("export", "--to", str(out))
    assert ended.exit_code == 2
    assert "is not empty" in ended.stderr
    finops("export", "--to", str(out), "--overwrite")
    finops("export", "--to", str(out), "--overwrite", "--format", "csv", "--period", "2026-07")
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == [
        "focus_version=1.2/billing_period=2026-07/focus-acme-00001.csv",
        "manifest.json",
        "notes.txt",
    ]


def test_overwrite_deletes_nothing_outside_the_folder(finops, tmp_path):
    out, other = tmp_path / "out", tmp_path / "focus-other.parquet"
    out.mkdir()
    other.write_text("mine")
    listed = {"bills": [{"files": ["../focus-other.parquet", str(other)]}]}
    (out / "manifest.json").write_text(json.dumps(listed))
    finops("export", "--to", str(out), "--overwrite")
    assert other.read_text() == "mine"


def test_what_cannot_be_exported_is_said(lake, tmp_path):
    out = str(tmp_path / "out")
    for arguments, said in (
        (("--focus-version", "0.9"), "known versions: 1.0"),
        (("--source", "nobody"), "sources: acme"),
        (("--period", "2020-01"), "months: 2026-07, 2026-08, 2026-09"),
        (("--period", "soon"), "write it as 2026-09"),
    ):
        ended = lake.workspace.finops("export", "--to", out, *arguments)
        assert ended.exit_code == 2, ended.output
        assert said in ended.stderr
    assert lake.workspace.finops("export", "--to", "s3://bucket/x").exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_failure_leaves_the_earlier_export(lake, finops, tmp_path, monkeypatch):
    out = tmp_path / "out"
    finops("export", "--to", str(out))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def broken(connection, select, folder, kind):
        raise FinopsError("the disk is full")

    monkeypatch.setattr("finops_stack.warehouse.export.copy_bill", broken)
    ended = lake.workspace.finops("export", "--to", str(out), "--overwrite", "--format", "csv")
    assert ended.exit_code == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert not list(out.glob(".export-*"))


def test_files_that_do_not_add_up_are_not_exported(lake, tmp_path, monkeypatch):
    def short(*arguments, **options):
        return select_sql(*arguments, **options) + " and BilledCost < 100"

    monkeypatch.setattr("finops_stack.warehouse.export.select_sql", short)
    ended = lake.workspace.finops("export", "--to", str(tmp_path / "out"))
    assert ended.exit_code == 1
    assert "do not add up" in ended.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_large_bills_are_split(lake, tmp_path, monkeypatch):
    monkeypatch.setattr("finops_stack.warehouse.export._FILE_SIZE", {"csv": "2MB"})
    bill = BillKey("acme", datetime(2026, 7, 1))
    select = select_sql("1.2", bill, lineage=True, as_csv=True)
    many = f"select rows.* from ({select}) as rows, range(2000)"
    with lake.workspace.lake.published() as connection:
        files = copy_bill(connection, many, tmp_path / "out", "csv")
        assert len(files) > 1
        figures = figures_of_files(connection, files, names("1.2"), "csv")
    assert figures.rows == 12_000
    assert figures.cost_in("JPY") == 1_400_000


def test_nothing_published_yet(held_only, workspace, tmp_path):
    for each in (held_only, workspace):
        ended = each.finops("export", "--to", str(tmp_path / "out"))
        assert ended.exit_code == 2
        assert "hint:  " in ended.stderr
    assert not (tmp_path / "out").exists()
