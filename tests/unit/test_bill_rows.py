"""bill_rows: raw texts, doubles, times and maps as declared kinds, exactly."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acme_bills import OWN_VENDORS
from finops_stack.build.bill_rows import (
    BillFiles,
    cast_sql,
    column_expressions,
    relation_sql,
    unreadable_predicates,
)
from finops_stack.ingest.landed import LandedFile, RawColumn
from finops_stack.period import BillingPeriod
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.manifest import Collect, Columns, Form
from finops_stack.warehouse.engine import use_utc
from finops_stack.warehouse.sql import quote_text

WIDE = Context(prec=60)
PLACES = Decimal("1e-15")
FORM = Form(
    name="f", title="F", focus="f", control="c", recognised_by=("amount",),
    columns=Columns(text=("name",), money=("amount", "loose"), time=("moment",), map=("tags",),
                    lenient=("loose",)),
    collect=(Collect(map="tags", pattern="^tag:(.+)$"),),
)  # fmt: skip
quick = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        use_utc(connection)
        yield connection


def convert(connection, value, kind, raw_type="VARCHAR"):
    """One raw value as a kind, and whether it would be refused."""
    column = RawColumn("v", {"money": "amount", "time": "moment"}.get(kind, "name"), raw_type)
    refused = unreadable_predicates(FORM, [column]).get(column.delivered, "false")
    return connection.execute(
        f"select {cast_sql(column, kind)}, coalesce({refused}, false)"
        f" from (select cast($1 as {raw_type}) as v)",
        [value],
    ).fetchone()


def at_fifteen_places(number: Decimal) -> Decimal:
    return number.quantize(PLACES, rounding=ROUND_HALF_UP, context=WIDE)


@st.composite
def money_texts(draw):
    """Up to 23 digits before the point and 15 after, written plainly."""
    before = draw(st.integers(0, 10**23 - 1))
    places = draw(st.integers(0, 15))
    after = f".{draw(st.integers(0, 10**places - 1)):0{places}d}" if places else ""
    return draw(st.sampled_from(["", "-", "+"])) + f"{before}{after}"


@quick
@given(money_texts())
def test_money_text_up_to_15_places_stays_exact(connection, text):
    value, refused = convert(connection, text, "money")
    assert (value, refused) == (Decimal(text), False)


@quick
@given(st.integers(-(10**12), 10**12), st.integers(-30, 9), st.sampled_from("eE"))
def test_money_in_scientific_writing(connection, digits, exponent, letter):
    """As programs write it: one digit before the point."""
    text = f"{Decimal(digits):e}".partition("e")[0] + f"{letter}{exponent}"
    value, refused = convert(connection, text, "money")
    assert (value, refused) == (at_fifteen_places(Decimal(text)), False)


@quick
@given(st.integers(-(10**20), 10**20), st.integers(16, 30))
def test_money_of_more_places_is_rounded_half_up_at_15(connection, digits, places):
    text = format(Decimal(digits).scaleb(-places, WIDE), "f")
    value, refused = convert(connection, text, "money")
    assert (value, refused) == (at_fifteen_places(Decimal(text)), False)


@quick
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-9.9e22, max_value=9.9e22))
def test_a_double_gives_its_shortest_decimal(connection, number):
    value, refused = convert(connection, number, "money", "DOUBLE")
    assert (value, refused) == (at_fifteen_places(Decimal(repr(number))), False)


@quick
@given(st.decimals(min_value=-(10**7), max_value=10**7, places=10, allow_nan=False))
def test_a_bill_amount_written_as_double_comes_back(connection, amount):
    value, _ = convert(connection, float(amount), "money", "DOUBLE")
    assert value == at_fifteen_places(Decimal(repr(float(amount))))


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "nan", "inf", "-inf", "Infinity", "-", "NULL", "null", "N/A", "n/a", "free",
        "100000000000000000000000", "1e23", "1e400", "99999999999999999999999.9999999999999995",
        "1,000", "1.000,50", "$5", "5 EUR", "(5)", "1_000", "0x10", "1.2.3", "true", "1/2", "５",
    ],
)  # fmt: skip
def test_words_and_numbers_too_long_for_money_are_refused(connection, text):
    assert convert(connection, text, "money")[1] is True


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e23, -1e23, 1e300])
def test_doubles_that_are_no_amount_are_refused(connection, number):
    assert convert(connection, number, "money", "DOUBLE")[1] is True


@pytest.mark.parametrize("raw_type", ["BOOLEAN", "BLOB", "DATE", "TIMESTAMP", "INTEGER[]"])
def test_types_that_cannot_be_money_are_refused(connection, raw_type):
    predicate = unreadable_predicates(FORM, [RawColumn("v", "amount", raw_type)])["amount"]
    assert predicate == '"v" is not null'


@pytest.mark.parametrize("raw_type", ["INTEGER", "BIGINT", "DOUBLE", "TIME", "BOOLEAN", "BLOB"])
def test_types_that_cannot_be_a_time_are_refused(raw_type):
    assert "moment" in unreadable_predicates(FORM, [RawColumn("v", "moment", raw_type)])


def test_decimals_and_integers_of_parquet(connection):
    assert convert(connection, Decimal("1.25"), "money", "DECIMAL(10,2)")[0] == Decimal("1.25")
    assert convert(connection, 7, "money", "BIGINT") == (Decimal(7), False)
    assert convert(connection, 2**64 - 1, "money", "UBIGINT") == (Decimal(2**64 - 1), False)
    too_long = Decimal(10) ** 30
    assert convert(connection, too_long, "money", "DECIMAL(38,0)")[1] is True


@pytest.mark.parametrize("kind", ["money", "time", "text"])
def test_blank_is_null_and_no_finding(connection, kind):
    assert convert(connection, "", kind) == (None, False)
    assert convert(connection, None, kind) == (None, False)


def test_text_keeps_spaces_zeros_and_case(connection):
    for text in ("0071", " a ", "NULL", "null", "'; drop table x; --", "{{ x }}", "a\x00b", "ä漢"):
        assert convert(connection, text, "text")[0] == text


moments = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30))


@quick
@given(moments, st.integers(-14 * 60, 14 * 60), st.sampled_from("T "))
def test_a_time_with_an_offset_is_stored_in_utc(connection, moment, minutes, separator):
    zone = timezone(timedelta(minutes=minutes))
    text = moment.replace(tzinfo=zone).isoformat(separator)
    expected = moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    assert convert(connection, text, "time") == (expected, False)


@quick
@given(moments)
def test_a_time_without_a_zone_is_utc(connection, moment):
    assert convert(connection, moment.isoformat(), "time") == (moment, False)
    assert convert(connection, moment.isoformat() + "Z", "time") == (moment, False)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-09-01", "2026-09-01 00:00:00"),
        ("2026-09-01T00:00:00+05:30", "2026-08-31 18:30:00"),
        ("2026-09-01 24:00:00", "2026-09-02 00:00:00"),
        ("2028-02-29T12:00:00Z", "2028-02-29 12:00:00"),
        ("2028-02-29T12:07Z", "2028-02-29 12:07:00"),
        ("2028-02-29 12:07", "2028-02-29 12:07:00"),
        ("2026-12-31T23:59:59-08:00", "2027-01-01 07:59:59"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25 00:30:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25 01:30:00"),
        # a night that has no 02:30: read as if the clock had not been put forward
        ("2026-03-29 02:30:00 Europe/Berlin", "2026-03-29 01:30:00"),
    ],
)
def test_named_moments(connection, text, utc):
    value, refused = convert(connection, text, "time")
    assert (str(value), refused) == (utc, False)


@pytest.mark.parametrize(
    "text",
    [
        "09/01/2026", "2026-02-29", "2026-13-01", "2026-09-31", "26-09-01", "1756684800", "today",
        "infinity", "-infinity", "epoch", "2026-09-01 (BC)", "soon", "2026-09-01T25:00:00Z",
        "2026-09-01T00:00:00Z/2026-09-01T01:00:00Z", "-",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(connection, text):
    assert convert(connection, text, "time")[1] is True


def maps(connection, columns, values):
    """The tags of one row, and whether the row would be refused."""
    raw = [RawColumn(f"c{n}", delivered, t) for n, (delivered, t) in enumerate(columns)]
    refused = " or ".join(unreadable_predicates(FORM, raw).values()) or "false"
    inner = ", ".join(f"cast(${n + 1} as {c.type}) as {c.name}" for n, c in enumerate(raw))
    return connection.execute(
        f"select {column_expressions(FORM, raw)['tags']}, coalesce({refused}, false)"
        f" from (select {inner})",
        values,
    ).fetchone()


ENTRIES = 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'


@pytest.mark.parametrize(
    ("raw_type", "value", "tags"),
    [
        ("VARCHAR", '{"a": "red", "n": 1, "no": null}', {"a": "red", "n": "1", "no": None}),
        ("VARCHAR", "{}", {}),
        ("VARCHAR", "", {}),
        ("VARCHAR", "null", {}),
        ("VARCHAR", "{a=red, b=x=y, c=}", {"a": "red", "b": "x=y", "c": ""}),
        ("VARCHAR", None, {}),
        ("MAP(VARCHAR, VARCHAR)", {"a": "1"}, {"a": "1"}),
        ("MAP(VARCHAR, DOUBLE)", {"a": 0.5}, {"a": "0.5"}),
        ("MAP(VARCHAR, VARCHAR)", None, {}),
        (ENTRIES, [], {}),
        (ENTRIES, None, {}),
    ],
)  # fmt: skip
def test_maps_from_json_maps_and_lists_of_structs(connection, raw_type, value, tags):
    assert maps(connection, [("tags", raw_type)], [value]) == (tags, False)


@pytest.mark.parametrize(
    ("raw_type", "value"),
    [
        ("VARCHAR", "red"),
        ("VARCHAR", '{"team": '),
        ("VARCHAR", "[1]"),
        ("VARCHAR", '"text"'),
        ("VARCHAR", "3"),
        ("VARCHAR", '{"a": "\\ud800"}'),
        ("BIGINT", 3),
    ],
)
def test_what_is_no_map_is_refused(connection, raw_type, value):
    column = RawColumn("v", "tags", raw_type)
    predicate = unreadable_predicates(FORM, [column])["tags"]
    row = connection.execute(
        f"select coalesce({predicate}, false) from (select cast($1 as {raw_type}) as v)", [value]
    ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize(
    ("entries", "tags"),
    [
        ("[{'key': 'a', 'value': '1'}, {'key': 'A', 'value': null}]", {"a": "1", "A": None}),
        ("[{'key': 'a', 'value': '1'}, {'key': 'a', 'value': '2'}]", None),
        ("[{'key': null, 'value': '1'}]", None),
    ],
)
def test_a_list_of_structs_needs_keys_that_differ(connection, entries, tags):
    column = RawColumn("v", "tags", ENTRIES)
    value = f"(select cast({entries} as {ENTRIES}) as v)"
    predicate = unreadable_predicates(FORM, [column])["tags"]
    refused = connection.execute(f"select {predicate} from {value}").fetchone()
    assert refused == (tags is None,)
    if tags is not None:
        sql = column_expressions(FORM, [column])["tags"]
        assert connection.execute(f"select {sql} from {value}").fetchone() == (tags,)


def test_tag_twins_that_differ_only_in_case_are_both_kept(connection):
    columns = [("tag:Team", "VARCHAR"), ("tag:team", "VARCHAR"), ("tag:none", "VARCHAR")]
    tags, _ = maps(connection, columns, ["red", "blue", ""])
    assert tags == {"Team": "red", "team": "blue"}


def test_columns_and_a_whole_map_go_together(connection):
    tags, _ = maps(connection, [("tags", "VARCHAR"), ("tag:b", "VARCHAR")], ['{"a": "1"}', "2"])
    assert tags == {"a": "1", "b": "2"}


def test_one_snake_key_from_two_columns_takes_the_first_that_is_filled(connection):
    form = FORM.model_copy(
        update={"collect": (Collect(map="tags", pattern="^p/(.+)$", keys="snake", only=("a_b",)),)}
    )
    raw = [RawColumn(f"c{n}", name, "VARCHAR") for n, name in enumerate(["p/aB", "p/AB", "p/a_b"])]
    sql = column_expressions(form, raw)["tags"]
    row = connection.execute(
        f"select {sql} from (select '' as c0, 'x' as c1, 'y' as c2)"
    ).fetchone()
    assert row == ({"a_b": "x"},)


@quick
@given(
    st.dictionaries(st.text(min_size=1).filter(lambda s: "\x00" not in s), st.text(), max_size=4)
)
def test_any_tags_in_json_round_trip(connection, tags):
    def whole(text):  # a JSON text in UTF-8 holds no half characters
        return not any("\ud800" <= c <= "\udfff" or c == "\x00" for c in text)

    tags = {k: v for k, v in tags.items() if whole(k + v)}
    assert maps(connection, [("tags", "VARCHAR")], [json.dumps(tags)]) == (tags, False)


def test_a_lenient_column_tolerates_a_word_as_null(connection):
    column = RawColumn("v", "loose", "VARCHAR")
    assert unreadable_predicates(FORM, [column]) == {}
    row = connection.execute(f"select {cast_sql(column, 'money')} from (select 'N/A' as v)")
    assert row.fetchone() == (None,)


def test_columns_a_bill_lacks_are_typed_nulls(connection):
    expressions = column_expressions(FORM, [])
    assert list(expressions) == ["name", "amount", "loose", "moment", "tags"]
    types = connection.execute(
        "describe select " + ", ".join(f"{sql} as {name}" for name, sql in expressions.items())
    ).fetchall()
    assert [row[1] for row in types] == [
        "VARCHAR", "DECIMAL(38,15)", "DECIMAL(38,15)", "TIMESTAMP", "MAP(VARCHAR, VARCHAR)",
    ]  # fmt: skip


def test_the_relation_reads_files_of_several_schemas_with_their_addresses(connection, tmp_path):
    acme = load_vendor("acme", [OWN_VENDORS]).form("lines")
    one = "select '007' as account, 'VM' as service, '0.1' as amount, 'x' as \"tag:a'b\""
    two = "select 0.2::double as \"AMOUNT\", '008' as account, 'VM' as service"
    files = []
    for number, sql in enumerate((one, two, two)):
        path = tmp_path / f"it's {number}.parquet"
        connection.execute(f"copy ({sql}) to {quote_text(str(path))}")
        described = connection.execute(f"describe {sql}").fetchall()
        columns = tuple(RawColumn(c[0], c[0], c[1]) for c in described)
        files.append(LandedFile(f"f'{number}.csv", "k", 1, "", 1, columns, str(path)))
    bill = BillFiles(
        "src", BillingPeriod(2026, 9), "d'1; --{{ x }}", datetime(2026, 10, 3), acme, tuple(files)
    )
    rows = connection.execute(
        "select x_SourceFile, x_SourceRow, account, amount, tags, x_DeliveryId,"
        f" delivery_period_end, quantity from ({relation_sql(bill)}) order by x_SourceFile"
    ).fetchall()
    assert [row[:4] for row in rows] == [
        ("f'0.csv", 0, "007", Decimal("0.1")),
        ("f'1.csv", 0, "008", Decimal("0.2")),
        ("f'2.csv", 0, "008", Decimal("0.2")),
    ]
    assert [row[4] for row in rows] == [{"a'b": "x"}, {}, {}]
    assert {row[5:] for row in rows} == {("d'1; --{{ x }}", datetime(2026, 10, 1), None)}
