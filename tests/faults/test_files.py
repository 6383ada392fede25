"""D1-D3: files that are not whole; each is refused by name, or read as it was written."""

import gzip
import io
import random
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet

from acme_bills import acme_rows, csv_bytes, encode
from finops_stack.errors import FinopsError, InputError
from finops_stack.ingest.landed import LandedFile
from finops_stack.ingest.readable import require_readable
from finops_stack.ingest.text import describe_parquet
from finops_stack.ingest.verify import gunzip, require_parquet_frame, unzip

AMOUNTS = [f"{n}.{n % 100:02d}" for n in range(400)]
ROWS = acme_rows(amounts=AMOUNTS)
GZIP = encode(ROWS, "csv.gz")
PLAIN = gzip.decompress(GZIP)
NAME = "2026-09/d1-1"


def unpack(tmp_path, body, unpacker=gunzip):
    """Unpack these bytes; gives the content."""
    packed, plain = tmp_path / "packed", tmp_path / "plain"
    packed.write_bytes(body)
    unpacker(packed, plain, NAME)
    return plain.read_bytes()


def test_d1_gzip_truncated_at_every_percent_and_inside_the_trailer(tmp_path):
    cuts = {len(GZIP) * percent // 100 for percent in range(100)} | {
        len(GZIP) - trailer for trailer in range(1, 9)
    }
    for cut in sorted(cuts):
        with pytest.raises(InputError, match=NAME):
            unpack(tmp_path, GZIP[:cut])


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_d1_truncated_gzip_refuses_the_delivery(landing, keep):
    landing.deliver(kind="csv.gz", contents=[GZIP[: max(0, int(len(GZIP) * keep) - 4)]])
    landing.refusal("2026-09/d1-1.csv.gz")


def test_d2_a_flipped_byte_in_gzip_is_refused_or_changes_nothing(tmp_path):
    small = gzip.compress(csv_bytes(acme_rows()), mtime=0)
    content = gzip.decompress(small)
    for position in range(len(small)):
        for flip in (0x01, 0x80):
            body = bytearray(small)
            body[position] ^= flip
            try:
                assert unpack(tmp_path, bytes(body)) == content
            except InputError as error:
                assert error.message.startswith(NAME)


def test_d2_wrong_checksum_and_wrong_length_in_the_trailer(tmp_path):
    for position in range(-8, 0):
        body = bytearray(GZIP)
        body[position] ^= 0xFF
        with pytest.raises(InputError, match="not a whole gzip file"):
            unpack(tmp_path, bytes(body))


@pytest.mark.parametrize(
    "junk", [b"junk", b"\x1f\x8b", b"\x1f", b"account,service\n", b"\x00\x00x"]
)
def test_d2_trailing_junk_is_refused(tmp_path, junk):
    with pytest.raises(InputError, match="not a whole gzip file"):
        unpack(tmp_path, GZIP + junk)


def test_d2_concatenated_members_are_legal(landing):
    header, first, rest = PLAIN.partition(b"\n")
    body = gzip.compress(header + first) + gzip.compress(rest)
    landing.deliver(kind="csv.gz", contents=[body])
    assert landing.rows("select count(*) from bill") == [(len(ROWS),)]


def test_d2_a_csv_that_is_not_gzip_though_it_says_so(landing):
    landing.deliver(kind="csv.gz", contents=[PLAIN])
    landing.refusal("2026-09/d1-1.csv.gz", "not a whole gzip file")


def test_d2_zip_truncated_or_flipped(tmp_path):
    body = encode(acme_rows(), "csv.zip")
    content = csv_bytes(acme_rows())
    assert unpack(tmp_path, body, unzip) == content
    for cut in range(len(body)):
        with pytest.raises(InputError, match=NAME):
            unpack(tmp_path, body[:cut], unzip)
    for position in range(len(body)):
        flipped = bytearray(body)
        flipped[position] ^= 0x10
        try:
            assert unpack(tmp_path, bytes(flipped), unzip) == content
        except InputError as error:
            assert NAME in error.message


@pytest.mark.parametrize("members", [[], ["a.csv", "b.csv"]])
def test_d2_a_zip_with_none_or_several_files(tmp_path, members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in members:
            archive.writestr(name, "x")
    with pytest.raises(InputError, match=f"holds {len(members)} files, not one"):
        unpack(tmp_path, packed.getvalue(), unzip)


PARQUET = encode(ROWS, "parquet")


def read_parquet(connection, tmp_path, body):
    """Describe and read these bytes as landing does; gives the rows."""
    path = tmp_path / "x.parquet"
    path.write_bytes(body)
    require_parquet_frame(path, NAME)
    columns, rows = describe_parquet(connection, path, NAME)
    predicates = {c.delivered: f'"{c.name}" is null and false' for c in columns}
    require_readable(
        connection, LandedFile("x", NAME, len(body), "", rows, columns, str(path)), predicates
    )
    return rows


def test_d3_parquet_cut_anywhere_is_refused(landing, tmp_path):
    assert read_parquet(landing.connection, tmp_path, PARQUET) == len(ROWS)
    for cut in sorted({len(PARQUET) * percent // 100 for percent in range(100)} | {1, 4, 8, 11}):
        with pytest.raises(InputError, match=NAME):
            read_parquet(landing.connection, tmp_path, PARQUET[:cut])


def test_d3_a_damaged_footer_is_refused_or_read(landing, tmp_path):
    footer = int.from_bytes(PARQUET[-8:-4], "little")
    numbers = random.Random(7)
    for _ in range(150):
        body = bytearray(PARQUET)
        body[numbers.randrange(len(body) - 8 - footer, len(body))] ^= 1 << numbers.randrange(8)
        try:
            read_parquet(landing.connection, tmp_path, bytes(body))
        except FinopsError as error:
            assert error.message.startswith(NAME)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "0 bytes"),
        (b"PAR1", "4 bytes"),
        (PARQUET[: len(PARQUET) // 2], "no Parquet footer"),
        (PARQUET[:-4], "no Parquet footer"),
        (b"JUNK" + PARQUET[4:], "does not begin as a Parquet file"),
        (b"PAR1" + b"\x00" * 100 + b"PAR1", "no readable Parquet file"),
        (b"PAR1" + b"\xff" * 100 + b"PAR1", "no readable Parquet file"),
        (PLAIN, "does not begin as a Parquet file"),
    ],
)
def test_d3_what_is_no_parquet_file(landing, body, says):
    landing.deliver(kind="parquet", contents=[body])
    landing.refusal("2026-09/d1-1.parquet", says)


def test_d3_a_damaged_page_refuses_the_delivery_not_the_run(landing):
    table = pa.table({name: [row[name] for row in ROWS] for name in ROWS[0]})
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="snappy", use_dictionary=False)
    body = bytearray(sink.getvalue())
    place = body.index(b"399.99")
    body[place - 400 : place] = b"\xff" * 400
    landing.deliver(kind="parquet", contents=[bytes(body)])
    landing.refusal("2026-09/d1-1.parquet")


def test_d3_the_landed_sha256_is_that_of_the_delivered_bytes(landing):
    import hashlib

    for kind in ("csv.gz", "parquet"):
        written = landing.deliver(kind=kind)
        (file,) = landing.land().files
        assert file.sha256 == hashlib.sha256(written.file.read_bytes()).hexdigest()
        assert file.size_bytes == written.file.stat().st_size
