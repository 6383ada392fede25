"""URLs of places: their parts, what is refused, and one spelling for one place."""

import pytest

from finops_stack.config import Source, load_config
from finops_stack.errors import InputError
from finops_stack.locations import BlobPlace, one_spelling, parse_blob, parse_table

GOVERNMENT = "core.usgovcloudapi.net"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("az://exports", BlobPlace(None, "exports", "")),
        ("az://exports/a/b", BlobPlace(None, "exports", "a/b/")),
        ("abfss://exports@acc.dfs.core.windows.net/a/", BlobPlace("acc", "exports", "a/")),
        ("https://acc.blob.core.windows.net/exports/a", BlobPlace("acc", "exports", "a/")),
        (f"https://acc.blob.{GOVERNMENT}/x-1", BlobPlace("acc", "x-1", "", GOVERNMENT)),
    ],
)
def test_blob(location, place):
    assert parse_blob(location) == place


@pytest.mark.parametrize(
    "location",
    [
        "az://",
        "az://Exports/",
        "az://a/",
        "az://exports@acc/",
        "https://example.org/exports/",
        "https://acc.blob.core.windows.net/",
        "https://acc.blob.core.windows.net.example.org@/exports",
        "abfss://acc.dfs.core.windows.net/exports",
        "abfss://exports@example.org/a",
    ],
)
def test_no_blob(location):
    with pytest.raises(InputError):
        parse_blob(location)


def test_table():
    place = parse_table("bigquery://my-project/billing/gcp_export-v1_01")
    assert place.quoted == "`my-project.billing.gcp_export-v1_01`"
    assert parse_table("bigquery://example.org:my-project/b/t/").project == "example.org:my-project"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "my-project/b",
        "my-project/b/t/u",
        "My Project/b/t",
        "my-project/b-c/t",
        "my-project/b/t`",
        "my-project/b/t;drop table x",
        "my-project//t",
        "my-project/b/t*",
    ],
)
def test_no_table(rest):
    with pytest.raises(InputError, match="names no table"):
        parse_table(f"bigquery://{rest}")


def test_one_spelling():
    forms = [
        one_spelling("az://exports/a", "acc"),
        one_spelling("abfss://exports@acc.dfs.core.windows.net/a/", None),
        one_spelling("https://acc.blob.core.windows.net/exports/a", "ignored"),
    ]
    assert len(set(forms)) == 1
    assert one_spelling("az://exports/a", "other") not in forms
    assert one_spelling("gs://bills/a", None) == "gs://bills/a/"


@pytest.mark.parametrize(
    "location",
    [
        "https://acc.blob.core.windows.net/exports?sv=2024&sig=abc",
        "abfss://exports:secret@acc.dfs.core.windows.net/",
        "s3://user:secret@bucket/",
    ],
)
def test_a_secret_in_a_location_is_refused(location):
    with pytest.raises(ValueError, match="keep"):
        Source(name="x", vendor="acme", location=location)


def test_a_container_before_an_at_is_no_secret():
    Source(name="x", vendor="acme", location="abfss://exports@acc.dfs.core.windows.net/")


def test_the_same_container_twice_is_refused(tmp_path):
    sources = "".join(
        f'[[sources]]\nname = "{name}"\nvendor = "acme"\nlocation = "{location}"\n{more}'
        for name, location, more in (
            ("a", "az://exports/x", '[sources.azure]\naccount = "acc"\n'),
            ("b", "https://acc.blob.core.windows.net/exports", ""),
        )
    )
    (tmp_path / "finops.toml").write_text(sources)
    with pytest.raises(InputError, match="its cost would count twice"):
        load_config(tmp_path / "finops.toml")
