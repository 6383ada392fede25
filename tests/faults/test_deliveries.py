"""D4-D7, D9, D13, S1-S4, X1: what a manifest promises and what lies there, up to the raw zone."""

import os
from dataclasses import replace

import pytest

from acme_bills import KINDS, acme_row, acme_rows, csv_bytes, encode
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod

SEPTEMBER = BillingPeriod(2026, 9)


def test_d4_a_missing_file_makes_the_delivery_wait(landing):
    landing.deliver(files=3).files[2].unlink()
    found = landing.discover()
    assert found.chosen() == {}
    assert found.waiting()[0].why_not() == "1 of its files are not there: 2026-09/d1-3.csv"


def test_d4_a_file_that_goes_away_after_listing(landing):
    written = landing.deliver()
    delivery = landing.discover().chosen()[SEPTEMBER]
    written.file.unlink()
    with pytest.raises(InputError, match="went away while it was read"):
        landing.land_delivery(delivery)


def test_d5_only_files_named_by_one_manifest_are_used(landing):
    landing.deliver(delivery_id="old", rows=acme_rows(amounts=["100"]))
    landing.deliver(delivery_id="new", rows=acme_rows(amounts=["1", "2"]))
    (landing.bills / "2026-09" / "stray.csv").write_bytes(csv_bytes(acme_rows(amounts=["50"])))
    assert landing.rows("select sum(amount)::int, count(*) from bill") == [(3, 2)]


def test_d5_file_times_decide_nothing(landing):
    landing.deliver(delivery_id="v1", version="20261001T000000Z", rows=acme_rows(amounts=["1"]))
    newer = landing.deliver(
        delivery_id="v2", version="20261002T000000Z", rows=acme_rows(amounts=["2"])
    )
    for path in (newer.manifest, newer.file):
        os.utime(path, (1, 1))
    assert landing.rows("select amount::int from bill") == [(2,)]


def test_d7_a_file_overwritten_between_listing_and_reading(landing):
    written = landing.deliver()
    delivery = landing.discover().chosen()[SEPTEMBER]
    written.file.write_bytes(csv_bytes(acme_rows(amounts=["9", "9", "9"])))
    with pytest.raises(InputError, match="changed while it was read"):
        landing.land_delivery(delivery)
    assert landing.rows("select sum(amount)::int from bill") == [(27,)]


def test_d7_overwritten_with_as_many_bytes_is_seen_too(landing):
    written = landing.deliver(rows=acme_rows(amounts=["1"]))
    delivery = landing.discover().chosen()[SEPTEMBER]
    written.file.write_bytes(csv_bytes(acme_rows(amounts=["2"])))
    assert written.file.stat().st_size == delivery.files[0].size_bytes
    with pytest.raises(InputError, match="changed while it was read"):
        landing.land_delivery(delivery)


@pytest.mark.parametrize("kind", KINDS)
def test_d9_a_bill_without_rows_lands(landing, kind):
    landing.deliver(rows=[], kind=kind)
    assert landing.land().rows == 0
    assert landing.rows("select count(*) from bill") == [(0,)]


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n", b"\xef\xbb\xbf"])
def test_d9_a_file_without_a_header_is_no_empty_bill(landing, body):
    landing.deliver(contents=[body])
    landing.refusal("2026-09/d1-1.csv")


def test_d13_a_month_in_many_files_is_one_bill(landing):
    rows = acme_rows(amounts=[str(n) for n in range(1, 121)])
    landing.deliver(rows=rows, files=120)
    assert landing.rows(
        "select count(*), sum(amount)::int, count(distinct x_SourceFile) from bill"
    ) == [(120, 7260, 120)]


def test_d13_one_empty_file_refuses_them_all(landing):
    bodies = [encode(acme_rows(), "csv.gz")] * 19 + [b""]
    landing.deliver(kind="csv.gz", contents=bodies)
    landing.refusal("2026-09/d1-20.csv.gz", "0 bytes")


def test_s1_columns_in_another_order_or_more_of_them(landing):
    row = acme_row(colour="red", amount="7")
    landing.deliver(rows=[dict(sorted(row.items(), reverse=True))])
    assert landing.rows("select account, amount::int, tags['team'] from bill") == [
        ("0071", 7, "red")
    ]
    assert "colour" in [column.delivered for column in landing.land().files[0].columns]


def test_s1_an_optional_column_that_is_gone_is_null(landing):
    row = acme_row()
    del row["invoice"], row["quantity"], row["tag:team"]
    landing.deliver(rows=[row])
    assert landing.rows("select invoice, quantity, tags from bill") == [(None, None, {})]


@pytest.mark.parametrize("column", ["start", "end"])
def test_s1_a_required_column_that_is_gone_is_named(landing, column):
    row = acme_row()
    del row[column]
    landing.deliver(rows=[row])
    assert "needed: account" in landing.refusal(f"column {column} is missing").hint


@pytest.mark.parametrize("column", ["account", "service", "amount"])
def test_s1_without_what_a_form_is_known_by(landing, column):
    row = acme_row()
    row[f"{column}_new"] = row.pop(column)
    landing.deliver(rows=[row])
    assert "account, service, amount" in landing.refusal("no known form of acme").hint


def test_s1_files_of_one_delivery_may_differ_in_optional_columns(landing):
    short = acme_row(amount="1")
    del short["invoice"]
    landing.deliver(contents=[csv_bytes([short]), csv_bytes([acme_row(amount="2")])])
    assert landing.rows("select amount::int, invoice from bill order by 1") == [
        (1, None),
        (2, "INV-2026-09"),
    ]


def test_s2_an_account_id_as_a_number_is_refused(landing):
    import pyarrow as pa
    from pyarrow import parquet

    path = landing.deliver(kind="parquet").file
    table = parquet.read_table(path)
    numbers = pa.array([71] * table.num_rows, pa.int64())
    parquet.write_table(table.set_column(0, "account", numbers), path)
    assert "leading zeros" in landing.refusal("account is BIGINT, expected text").hint


@pytest.mark.parametrize("column", ["amount", "start"])
def test_s2_a_column_of_a_type_it_cannot_have(landing, column):
    import pyarrow as pa
    from pyarrow import parquet

    path = landing.deliver(kind="parquet").file
    table = parquet.read_table(path)
    place = table.column_names.index(column)
    for values in (pa.array([True] * table.num_rows), pa.array([b"x"] * table.num_rows)):
        parquet.write_table(table.set_column(place, column, values), path)
        landing.refusal(f"row 0: {column} is")


def test_s2_costs_as_text_in_parquet_stay_exact(landing):
    import pyarrow as pa
    from pyarrow import parquet

    path = landing.deliver(kind="parquet", rows=acme_rows(amounts=["1", "2"])).file
    table = parquet.read_table(path)
    place = table.column_names.index("amount")
    texts = pa.array(["0.1", "12345678901234567890123.123456789012345"])
    parquet.write_table(table.set_column(place, "amount", texts), path)
    assert landing.rows("select amount::varchar from bill order by x_SourceRow") == [
        ("0.100000000000000",),
        ("12345678901234567890123.123456789012345",),
    ]


def test_s2_every_kind_of_file_gives_the_same_rows(landing):
    seen = set()
    for kind in KINDS:
        landing.deliver(
            kind=kind, rows=acme_rows(amounts=["0.1", "1234567.891", "-3", "4.992E-12"])
        )
        rows = landing.rows(
            "select account, service, amount, quantity, start, \"end\", tags['team'], x_SourceRow"
            " from bill order by x_SourceRow"
        )
        seen.add(str(rows))
    assert len(seen) == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_s3_columns_that_differ_only_in_case(landing, kind):
    row = acme_row() | {"tag:Team": "blue", "tag:team": "red", "tag:team#2": "x", "tag:TEAM": "y"}
    landing.deliver(rows=[row], kind=kind)
    assert landing.rows("select tags from bill") == [
        ({"Team": "blue", "team": "red", "team#2": "x", "TEAM": "y"},)
    ]


def test_s3_two_columns_that_could_both_be_the_cost(landing):
    landing.deliver(rows=[acme_row() | {"Amount": "9"}])
    landing.refusal("amount and Amount are the same column")


def test_s3_one_column_twice(landing):
    landing.deliver(contents=[b"account,service,amount,amount\n1,2,3,4\n"])
    landing.refusal("column amount is there twice")


def test_s4_five_thousand_tag_keys(landing):
    tags = {f"tag:key {n}": str(n) if n % 100 == 0 else "" for n in range(5000)}
    landing.deliver(rows=[acme_row() | tags] * 20)
    assert landing.rows("select distinct cardinality(tags), tags['key 4900'] from bill") == [
        (51, "4900")
    ]


def test_s4_a_thousand_columns_nobody_asked_for(landing):
    landing.deliver(
        rows=[acme_row() | {f"extra_{n}": "x" for n in range(1000)}] * 5, kind="parquet"
    )
    assert landing.rows("select count(*), sum(amount) from bill")[0][0] == 5


@pytest.mark.parametrize(
    "name",
    ["a b.csv", "a'b.csv", 'a"b.csv', "a;drop table x;--.csv", "{{ x }}.csv", "{% x %}.csv",
     "-rf.csv", "%2e%2e.csv", "a" * 240 + ".csv", "*.csv", "[a].csv", "ä漢.csv", "$HOME.csv",
     "CON.csv", "a\tb.csv"],
)  # fmt: skip
def test_x1_x2_file_names_are_only_names(landing, name):
    import json

    written = landing.deliver()
    place = written.file.rename(written.file.with_name(name))
    written.manifest.write_text(json.dumps({"id": "d1", "files": [f"2026-09/{name}"]}))
    if not name.isprintable():
        assert "control characters" in landing.discover().waiting()[0].why_not()
        return
    assert landing.rows("select distinct x_SourceFile, count(*) over () from bill") == [(name, 2)]
    (file,) = landing.land().files
    raw = place.parents[2] / "raw"
    assert file.path.startswith(f"{raw}/acme/2026-09_")
    assert {p.suffix for p in raw.rglob("*") if p.is_file()} <= {".parquet", ".jsonl", ""}


@pytest.mark.parametrize(
    "delivery_id", ["../../../x", "/etc/x", "a/b", "x" * 3000, "'; --", "{{ 1 }}"]
)
def test_x1_x2_delivery_ids_are_only_texts(landing, delivery_id):
    landing.deliver()
    delivery = replace(landing.discover().chosen()[SEPTEMBER], delivery_id=delivery_id)
    before = {p for p in landing.folder.rglob("*") if "raw" not in p.parts}
    (file,) = landing.land_delivery(delivery).files
    assert file.path.startswith(f"{landing.folder}/raw/acme/2026-09_")
    after = {p for p in landing.folder.rglob("*") if "raw" not in p.parts}
    assert after - before <= {landing.staging}
    landing.bills.joinpath("2026-09/manifest.json").write_text(
        __import__("json").dumps({"id": delivery_id, "files": ["2026-09/d1-1.csv"]})
    )
    assert landing.rows("select distinct x_DeliveryId from bill") == [(delivery_id,)]


@pytest.mark.parametrize("kind", ["xlsx", "orc", "csv.bz2"])
def test_a_kind_of_file_without_a_reader(landing, kind):
    landing.deliver(kind=kind, contents=[b"x"])
    hint = landing.refusal(f"2026-09/d1-1.{kind}: no reader").hint
    assert ".csv" in hint and ".parquet" in hint and ".gz" in hint
