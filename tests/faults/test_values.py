"""V1-V9, T1, T3 and broken lines of csv: a value is kept exactly, or refused with its address."""

import random
from decimal import Decimal

import pytest

from acme_bills import acme_row, acme_rows, csv_bytes

HEADER = b"account,service,amount,start,end,tag:team\n"
LINE = b"0071,VM,1.5,2026-09-01,2026-09-02,red\n"


def test_csv_with_too_few_columns_in_a_line(landing):
    landing.deliver(contents=[HEADER + LINE + b"0071,VM,1.5\n" + LINE])
    landing.refusal("2026-09/d1-1.csv, line 3", "another number of columns")


def test_csv_with_too_many_columns_in_a_line(landing):
    landing.deliver(contents=[HEADER + LINE + LINE.strip() + b",x\n"])
    landing.refusal("2026-09/d1-1.csv, line 3", "another number of columns")


@pytest.mark.parametrize(
    "line",
    [
        b'0071,"VM,1.5,2026-09-01,2026-09-02,red\n',
        b'0071,"VM"x,1.5,2026-09-01,2026-09-02,red\n',
        b'0071,VM,1.5,2026-09-01,2026-09-02,"red\n',
    ],
)
def test_csv_with_a_stray_quote(landing, line):
    landing.deliver(contents=[HEADER + LINE + line + LINE])
    landing.refusal("2026-09/d1-1.csv")


def test_a_quote_in_the_middle_of_a_plain_value_is_a_character(landing):
    landing.deliver(contents=[HEADER + LINE.replace(b"VM", b'19" rack')])
    landing.deliver(contents=[HEADER + LINE.replace(b"VM", b'"19"" rack"')])
    assert landing.rows("select service from bill") == [('19" rack',)]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"account,service,,amount\n", "empty column name"),
        (b"account,service,amount,\n", "empty column name"),
        (b"account,service,amount,account\n", "column account is there twice"),
        (b"account,ser\x00vice,amount\n", "NUL byte in its name"),
        (b'account,"service,amount\n', "header line"),
        (b"account,service,amount\raccount,service,amount\r", "header line"),
        (b"account;service;amount\n", "no known form"),
        (b"acc\xe4unt,service,amount\n", "is not UTF-8: byte 3 of its header"),
        ("account,service,amount\n".encode("utf-16"), "is UTF-16"),
        ("account,service,amount\n".encode("utf-16-le"), "NUL byte"),
    ],
)
def test_csv_with_a_header_that_cannot_be(landing, header, says):
    landing.deliver(contents=[header])
    landing.refusal("2026-09/d1-1.csv", says)


def test_v1_nul_bytes_are_kept(landing):
    landing.deliver(rows=[acme_row() | {"service": "a\x00b", "tag:team": "c\x00d"}])
    assert landing.rows("select service, tags['team'] from bill") == [("a\x00b", "c\x00d")]


def test_v1_a_nul_byte_in_a_cost_is_refused(landing):
    landing.deliver(rows=[acme_row(amount="1\x002")])
    landing.refusal("row 0: amount is")


@pytest.mark.parametrize("files", [1, 2])
def test_v2_a_bom_before_the_first_column_of_every_file(landing, files):
    body = b"\xef\xbb\xbf" + csv_bytes(acme_rows())
    landing.deliver(contents=[body] * files)
    assert landing.rows("select distinct account from bill") == [("0071",)]
    assert landing.land().files[0].columns[0].delivered == "account"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le"])
def test_v3_other_encodings_are_refused(landing, encoding):
    rows = [*acme_rows(amounts=["1"] * 50), acme_row(service="Größe")]
    landing.deliver(contents=[csv_bytes(rows).decode().encode(encoding)])
    landing.refusal("2026-09/d1-1.csv", "UTF-" if encoding != "utf-16-le" else "NUL byte")


def test_v3_one_file_of_another_encoding_refuses_them_all(landing):
    good = csv_bytes([acme_row(service="Größe")])
    landing.deliver(contents=[good, good.decode().encode("latin-1")])
    landing.refusal("2026-09/d1-2.csv, line 2", "not UTF-8")


@pytest.mark.parametrize("end", [b"\n", b""])
def test_v4_giant_fields_are_kept_also_in_the_last_line(landing, end):
    giant = "x" * 3_000_000
    rows = [acme_row(), acme_row() | {"tag:team": giant}, acme_row(), acme_row(service=giant)]
    landing.deliver(contents=[csv_bytes(rows).rstrip(b"\n") + end])
    assert landing.rows(
        "select length(service), length(tags['team']) from bill order by x_SourceRow"
    ) == [(8, 3), (8, 3_000_000), (8, 3), (3_000_000, 3)]


def test_v4_a_line_past_the_limit_is_refused_with_its_place(landing):
    landing.deliver(rows=[acme_row(), acme_row(service="x" * 17_000_000)])
    landing.refusal("2026-09/d1-1.csv, line 3", "longer than 16777216 bytes")


STRANGE = [
    'he said "hi"', "two\nlines", "a\r\nb", "comma, quote\", 'single'", "  spaces  ", "\ttab",
    "=1+1", "@x", '""', '"', "\\n", "a\\", "NULL", "null", "0071", "ä漢🦊", "'; drop table x; --",
    "{{ 1 }}", "{% raw %}", "<img src=x onerror=alert(1)>",
]  # fmt: skip


def test_v5_quotes_newlines_and_commas_round_trip(landing):
    rows = [acme_row() | {"service": text, "tag:team": text} for text in STRANGE]
    landing.deliver(rows=rows)
    found = landing.rows("select service, tags['team'], x_SourceRow from bill order by x_SourceRow")
    assert found == [(text, text, n) for n, text in enumerate(STRANGE)]


def test_v5_windows_line_ends_and_blank_lines(landing):
    body = csv_bytes(acme_rows(amounts=["1", "2", "3"]))
    windows = body.replace(b"\n", b"\r\n")
    for changed in (windows, windows.rstrip(), windows + b"\r\n", body + b"\n\n", body.rstrip()):
        landing.deliver(contents=[changed])
        assert landing.rows("select count(*), sum(amount)::int from bill") == [(3, 6)]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_v5_mixed_line_ends_are_refused(landing, place):
    body = csv_bytes(acme_rows(amounts=["1", "2", "3"]))
    landing.deliver(contents=[body.replace(b"\n", b"\r\n", place)])
    landing.refusal("2026-09/d1-1.csv", "mixes line ends")


def test_v5_every_row_keeps_its_number(landing):
    landing.deliver(rows=acme_rows(amounts=[str(n) for n in range(60_000)]), kind="csv.gz")
    assert landing.rows(
        "select count(*), count(*) filter (where amount = x_SourceRow) from bill"
    ) == [(60_000, 60_000)]


@pytest.mark.parametrize(
    ("amount", "stored"),
    [
        ("1e-20", "0E-15"),
        ("4.992E-12", "4.992E-12"),
        ("0.0000000000000005", "1E-15"),
        ("-0.0000000000000005", "-1E-15"),
        ("0.00000000000000049", "0E-15"),
        ("0.1234567890123456789012345678901234567890", "0.123456789012346"),
        ("12345678901234567890123.123456789012345", "12345678901234567890123.123456789012345"),
    ],
)
def test_v6_more_than_15_places_are_rounded_half_up(landing, amount, stored):
    """Policy: docs/vendor-folders.md, money is DECIMAL(38, 15)."""
    landing.deliver(rows=[acme_row(amount=amount)])
    assert landing.rows("select amount from bill") == [(Decimal(stored),)]


@pytest.mark.parametrize("amount", ["1e41", "1" + "0" * 23, "9" * 24, "1e23", "9" * 39])
def test_v6_more_than_23_digits_before_the_point_are_refused(landing, amount):
    landing.deliver(rows=[acme_row(amount="1"), acme_row(amount=amount)])
    landing.refusal(f'2026-09/d1-1.csv, row 1: amount is "{amount}"', "(1 rows)")


def test_v7_the_sum_does_not_depend_on_order_or_threads(landing):
    amounts = [f"{n % 7 - 3}.{n:015d}" for n in range(5000)]
    sums = set()
    for seed in range(3):
        random.Random(seed).shuffle(amounts)
        landing.deliver(rows=acme_rows(amounts=amounts), files=3)
        for threads in (1, 2, 16):
            landing.connection.execute(f"set threads = {threads}")
            sums.add(landing.rows("select sum(amount) from bill")[0][0])
    assert sums == {sum(Decimal(amount) for amount in amounts)}


@pytest.mark.parametrize("amount", ["NaN", "inf", "-Infinity", "-", "NULL", "n/a", "1,50", "1.2.3"])
def test_v8_a_cost_that_is_no_number_is_refused(landing, amount):
    rows = acme_rows(amounts=["1", "2", amount, "4", amount])
    landing.deliver(rows=rows)
    landing.refusal(f'2026-09/d1-1.csv, row 2: amount is "{amount}"', "(2 rows)")


@pytest.mark.parametrize("amount", ["nan", "inf", "-inf", "1e300"])
def test_v8_doubles_that_are_no_amount_are_refused(landing, amount):
    landing.deliver(rows=acme_rows(amounts=["1", amount]), kind="parquet")
    landing.refusal("2026-09/d1-1.parquet, row 1: amount is")


def test_v8_several_columns_at_fault_are_counted(landing):
    landing.deliver(rows=[acme_row(amount="x", quantity="y", start="z")])
    landing.refusal("row 0: amount is", "2 more columns have such values")


def test_v8_a_blank_cost_is_null_and_left_to_the_checks(landing):
    landing.deliver(rows=[acme_row(amount="")])
    assert landing.rows("select amount from bill") == [(None,)]


def test_v8_a_giant_or_strange_value_does_not_flood_the_message(landing):
    landing.deliver(rows=[acme_row(amount="x" * 1_000_000)])
    landing.refusal("row 0: amount is")
    landing.deliver(rows=[acme_row(amount="a\nb\x1b[31m\x00c")])
    landing.refusal("row 0: amount is")


def test_v9_negative_and_zero_costs_are_kept(landing):
    landing.deliver(rows=acme_rows(amounts=["-5", "-0", "0", "0.00", "3", "-0.000000000000001"]))
    assert landing.rows("select amount from bill order by x_SourceRow") == [
        (Decimal(text),) for text in ("-5", "0", "0", "0", "3", "-1E-15")
    ]


def test_t1_local_times_become_utc_and_the_period_stays(landing):
    rows = [
        acme_row(start="2026-09-01T00:00:00+05:30", end="2026-09-30T24:00:00"),
        acme_row(start="2026-10-25T02:30:00+02:00", end="2026-10-25T02:30:00+01:00"),
    ]
    landing.deliver(rows=rows)
    september = ("2026-09-01 00:00:00", "2026-10-01 00:00:00")
    assert landing.rows(
        'select start::varchar, "end"::varchar, delivery_period_start::varchar,'
        " delivery_period_end::varchar from bill order by x_SourceRow"
    ) == [
        ("2026-08-31 18:30:00", "2026-10-01 00:00:00", *september),
        ("2026-10-25 00:30:00", "2026-10-25 01:30:00", *september),
    ]


def test_t1_parquet_times_with_a_zone_become_utc(landing):
    from datetime import datetime, timedelta, timezone

    import pyarrow as pa
    from pyarrow import parquet

    path = landing.deliver(kind="parquet", rows=acme_rows(amounts=["1"])).file
    table = parquet.read_table(path)
    moment = datetime(2026, 9, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    zoned = pa.array([moment], pa.timestamp("us", "Europe/Berlin"))
    place = table.column_names.index("start")
    parquet.write_table(table.set_column(place, "start", zoned), path)
    assert landing.rows("select start::varchar from bill") == [("2026-09-01 00:00:00",)]


@pytest.mark.parametrize(
    "start", ["01/09/2026", "2026-02-30", "26-09-01", "infinity", "epoch", "?"]
)
def test_t1_what_is_no_date_is_refused(landing, start):
    landing.deliver(rows=[acme_row(start=start)])
    landing.refusal(f'2026-09/d1-1.csv, row 0: start is "{start}"')


def test_t3_a_charge_outside_its_period_is_kept(landing):
    landing.deliver(rows=[acme_row(start="2026-07-31T23:00:00Z", end="2026-08-01T00:00:00Z")])
    assert landing.rows("select start::varchar from bill") == [("2026-07-31 23:00:00",)]
