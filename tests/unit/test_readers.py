"""Every kind of delivered file becomes Parquet: whole, exact, in order; or is refused by name."""

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pyarrow as pa
import pytest

from finops_stack.errors import InputError
from finops_stack.ingest.readers import to_parquet
from finops_stack.vendors.layouts import LayoutRead
from finops_stack.warehouse.engine import Engine


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    with Engine("800MB", tmp_path_factory.mktemp("spill")).connect() as connection:
        yield connection


class Reader:
    """Bytes under a name → columns and rows."""

    def __init__(self, folder, connection):
        self.folder, self.connection = folder, connection

    def read(self, name, content, **options):
        original = self.folder / "00001.delivered"
        original.write_bytes(content if isinstance(content, bytes) else content.encode())
        target = self.folder / "00001.parquet"
        columns, count = to_parquet(
            self.connection, original, target, name=name, read=LayoutRead(**options)
        )
        rows = self.connection.execute(
            f"select * exclude (file_row_number) from read_parquet('{target}',"
            " file_row_number = true) order by file_row_number"
        ).fetchall()
        assert len(rows) == count
        assert [path.name for path in self.folder.iterdir()] == ["00001.parquet"]
        return [column.delivered for column in columns], rows

    def refusal(self, name, content, **options):
        with pytest.raises(InputError) as refused:
            self.read(name, content, **options)
        assert refused.value.message.startswith(name)
        assert refused.value.hint
        assert str(self.folder) not in refused.value.message
        return refused.value.message


@pytest.fixture
def reader(tmp_path, connection):
    return Reader(tmp_path, connection)


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_json_lines_have_the_union_of_their_keys_and_keep_their_order(reader):
    rows = [{"id": str(n), **({"extra": n} if n % 1000 == 999 else {})} for n in range(60_000)]
    columns, found = reader.read("a/x.jsonl", lines(*rows))
    assert columns == ["id", "extra"]
    assert [row[0] for row in found] == [str(n) for n in range(60_000)]
    assert found[999] == ("999", "999")


@pytest.mark.parametrize(
    "number",
    [
        "0.1",
        "1e-12",
        "12345678901234567890",
        "0.12345678901234567890123",
        "-100000000000000000000000.5",
        "12345678.12345678901",
        "0.30000000000000004",
        "1.2345678901234567890e-7",
    ],
)
def test_a_json_number_keeps_its_digits(reader, number):
    text = f'{{"cost": {number}, "inner": {{"list": [{{"amount": {number}}}]}}}}\n'
    for name, content in (("x.jsonl", text), ("x.json", f"[{text}]")):
        _, ((cost, inner),) = reader.read(name, content)
        assert Decimal(cost) == Decimal(number)
        amount = json.loads(inner, parse_float=Decimal, parse_int=Decimal)["list"][0]["amount"]
        assert Decimal(amount) == Decimal(number)


def test_digits_in_strings_are_left_alone(reader):
    odd = ': 0.12345678901234567890, "a": [1234567890123456789012]\\'
    row = {"x": odd, "k": ": 12345678901234567890123", odd: "\\", "n": 12345678901234567890123}
    columns, found = reader.read("x.jsonl", lines(row))
    assert columns == list(row)
    assert found == [(odd, ": 12345678901234567890123", "\\", "12345678901234567890123")]


def test_nested_values_stay_json_text_and_null_is_null(reader):
    row = {"t": "", "n": None, "o": {"a": {"b": "é"}}, "l": [], "yes": True, "a.b": 1, "a/~b": 2}
    columns, found = reader.read("x.ndjson", lines(row))
    assert columns == list(row)
    assert found == [("", None, '{"a":{"b":"é"}}', "[]", "true", "1", "2")]


def test_keys_that_differ_only_in_case_are_two_columns(reader):
    columns, found = reader.read("x.jsonl", lines({"Cost": 1, "cost": 2}))
    assert columns == ["Cost", "cost"]
    assert found == [("1", "2")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', "line 2"),
        ('{"a": 1}\n{"a": 2', "line 2"),
        ('{"a": 1}\n\n<html>\n', "line 3"),
        ('{"a": 1}\n[1]\n', "row 1: it is a JSON array"),
        ('{"a": 1}\n3\n', "row 1: it is a JSON ubigint"),
        ('{"a": 1}\nnull\n', "row 1: it is null"),
        (b'{"a": "\xff\xfe"}\n', "line 1"),
        ('{"": 1}\n', "key without a name"),
    ],
)
def test_broken_json_lines_are_refused_with_their_line(reader, content, says):
    assert says in reader.refusal("2026-09/x.jsonl", content)


def test_an_empty_file_of_json_lines_has_no_rows(reader):
    assert reader.read("x.jsonl", "") == ([], [])
    assert reader.read("x.jsonl", "\n\n") == ([], [])
    assert reader.read("x.jsonl.gz", gzip.compress(b"")) == ([], [])
    assert reader.read("x.json", "[]") == ([], [])


def test_a_document_is_a_list_or_one_object_or_several(reader):
    expected = (["a"], [("1",), ("2",)])
    assert reader.read("x.json", '[{"a": 1},\n {"a": 2}]') == expected
    assert reader.read("x.json", '\ufeff[{"a": 1}, {"a": 2}]') == expected
    assert reader.read("x.json", '{"a": 1}\n{"a": 2}\n') == expected
    assert reader.read("x.json", '{\n "a":\n 1}') == (["a"], [("1",)])


PAGES = {
    "id": "p1",
    "data": [
        {"start_time": 10, "results": [{"amount": {"value": 0.5}}, {"amount": {"value": 1}}]},
        {"start_time": 20, "results": []},
        {"start_time": 30, "results": [{"amount": {"value": 2}}]},
    ],
}


def test_rows_inside_a_document_with_values_of_what_encloses_them(reader):
    columns, found = reader.read(
        "x.json",
        json.dumps(PAGES),
        rows="data[*].results[*]",
        parent=("data[*].start_time", "id"),
    )
    assert columns == ["amount", "data.start_time", "id"]
    assert found == [
        ('{"value":0.5}', "10", "p1"),
        ('{"value":1}', "10", "p1"),
        ('{"value":2}', "30", "p1"),
    ]


def test_a_document_without_its_list_is_refused(reader):
    assert "no list data" in reader.refusal("x.json", '{"error": "no"}', rows="data[*]")
    assert "no list data" in reader.refusal("x.json", '{"data": {}}', rows="data[*]")
    assert reader.read("x.json", '{"data": []}', rows="data[*]") == ([], [])


def test_a_broken_document_is_refused(reader):
    for content in ('[{"a": 1}, {"a": 2', '{"a": ', "[1, 2]", "hello"):
        reader.refusal("x.json", content)


def test_csv_options(reader):
    content = 'Report\nfor us\nname;cost\n"a;b";1\n'
    expected = (["name", "cost"], [("a;b", "1")])
    assert reader.read("x.csv", content, delimiter=";", skip_lines=2) == expected
    headless = reader.read("x.csv", "a,1\nb,2\n", header=("name", "cost"))
    assert headless == (["name", "cost"], [("a", "1"), ("b", "2")])
    plain = reader.read("x.csv", 'n,c\n12" pipe,1\n', quoted=False)
    assert plain == (["n", "c"], [('12" pipe', "1")])
    assert reader.read("x.tsv", "n\tc\na\t1\n") == (["n", "c"], [("a", "1")])


def test_other_encodings(reader):
    text = "straße,cost\nÄ,1\n"
    expected = (["straße", "cost"], [("Ä", "1")])
    assert reader.read("x.csv", text.encode("latin-1"), encoding="latin-1") == expected
    assert reader.read("x.csv", text.encode("utf-16"), encoding="utf-16") == expected
    assert "not utf-16" in reader.refusal("x.csv", text.encode("utf-16")[:-1], encoding="utf-16")


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


def zipped(content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside", content)
    return packed.getvalue()


@pytest.mark.parametrize(("end", "pack"), [("gz", gzip.compress), ("zst", zstd), ("zip", zipped)])
@pytest.mark.parametrize(("kind", "plain"), [("csv", b"a\n1\n"), ("jsonl", b'{"a": 1}\n')])
def test_packed_text(reader, end, pack, kind, plain):
    assert reader.read(f"x.{kind}.{end}", pack(plain)) == (["a"], [("1",)])
    if kind == "jsonl":  # csv has no mark of its own
        assert reader.read("no-end", pack(plain)) == (["a"], [("1",)])


def test_a_zstd_file_is_read_to_its_end(reader):
    big = b"a\n" + b"".join(b"%d\n" % (n * 7919) for n in range(200_000))
    packed = zstd(big)
    assert len(reader.read("x.csv.zst", packed)[1]) == 200_000
    assert len(reader.read("x.csv.zst", zstd(b"a\n1\n") + zstd(b"2\n"))[1]) == 2
    for cut in (packed[:-1], packed[: len(packed) // 2], packed[:3], b"", packed + b"rest"):
        reader.refusal("x.csv.zst", cut)


def test_what_a_file_without_an_end_is(reader):
    assert reader.read("part-0", '{"a": 1}') == (["a"], [("1",)])
    assert "no reader for this kind" in reader.refusal("part-0", "a,b\n1,2\n")
    assert "no reader for this kind" in reader.refusal("x.xlsx", b"\x00\x01\x02")


SCHEMA = {
    "type": "record",
    "name": "Root",
    "fields": [
        {"name": "id", "type": ["null", "string"]},
        {"name": "cost", "type": ["null", "double"]},
        {
            "name": "price",
            "type": [
                "null",
                {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
            ],
        },
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "mixed", "type": ["null", "string", "long"]},
        {
            "name": "service",
            "type": {
                "type": "record",
                "name": "Service",
                "fields": [{"name": "id", "type": ["null", "string"]}],
            },
        },
        {
            "name": "credits",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Credit",
                    "fields": [{"name": "amount", "type": "double"}],
                },
            },
        },
    ],
}


def avro_row(number):
    return {
        "id": str(number),
        "cost": 0.1,
        "price": Decimal("1.000000001"),
        "at": datetime(2026, 9, 1, 8, tzinfo=UTC),
        "day": date(2026, 9, 1),
        "mixed": 3 if number % 2 else "x",
        "service": {"id": "s"},
        "credits": [{"amount": -0.5}] * (number % 3),
    }


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_avro_keeps_its_types(reader, codec):
    if codec == "zstandard":
        pytest.importorskip("backports.zstd")
    packed = io.BytesIO()
    fastavro.writer(packed, SCHEMA, [avro_row(n) for n in range(12_000)], codec=codec)
    columns, found = reader.read("x.avro", packed.getvalue())
    assert columns == [field["name"] for field in SCHEMA["fields"]]
    assert len(found) == 12_000
    row = found[11_999]
    assert row[:3] == ("11999", 0.1, Decimal("1.000000001"))
    assert row[3].astimezone(UTC) == datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert row[4:] == (date(2026, 9, 1), "3", {"id": "s"}, [{"amount": -0.5}] * 2)


def test_a_broken_avro_file_is_refused(reader):
    packed = io.BytesIO()
    fastavro.writer(packed, SCHEMA, [avro_row(n) for n in range(3000)], codec="snappy")
    content = packed.getvalue()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    for broken in (content[:-1], content[:middle], content[:10], b"Obj\x01", b"", flipped):
        reader.refusal("x.avro", broken)
