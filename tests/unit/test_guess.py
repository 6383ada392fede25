"""From a sample to a proposed vendor folder: kinds from values, FOCUS columns from names."""

import tomllib

import pytest

from finops_stack.errors import InputError
from finops_stack.vendors.guess import (
    Guess,
    SampleColumn,
    guess_kind,
    guess_kinds,
    guess_mapping,
    is_last_day,
)
from finops_stack.vendors.scaffold import propose


def column(name: str, *values: str) -> SampleColumn:
    return SampleColumn(name, values)


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (("1", "2.50", "-3e-9"), "money", {}),
        (("1,234.50", "2.00"), "money", {"group": ","}),
        (("1.234,50", "-2,00"), "money", {"decimal": ",", "group": "."}),
        (("1.5", "-"), "money", {"null": ["-"]}),
        (("2026-09-01", "2026-09-30"), "time", {}),
        (("2026-09-01T00:00:00Z", "2026-09-01 01:00+02:00"), "time", {}),
        (("01.09.2026",), "time", {"formats": ["%d.%m.%Y"]}),
        (("09/25/2026",), "time", {"formats": ["%m/%d/%Y"]}),
        (("25/09/2026",), "time", {"formats": ["%d/%m/%Y"]}),
        (("20260901",), "time", {"formats": ["%Y%m%d"]}),
        (("12345678",), "money", {}),
        (('{"a": "b"}', "{}"), "map", {}),
        (("EUR", "EUR"), "currency", {}),
        (("abc", "1"), "text", {}),
        ((), "text", {}),
    ],
)
def test_kind_of_values(values, kind, read):
    guess = guess_kind(column("x", *values))
    assert (guess.kind, guess.read) == (kind, read)


def test_day_or_month_first_is_said_when_nothing_tells():
    assert "day or month first" in guess_kind(column("from", "01/02/2026")).note


def test_a_comma_in_one_column_holds_for_whole_numbers_of_others():
    quantity, price = guess_kinds([column("quantity", "720"), column("price", "0,5")])
    assert quantity.read == price.read == {"decimal": ",", "group": "."}


def test_the_end_of_a_month_as_an_end_is_the_last_day():
    guess = Guess("bis", "time", {"formats": ["%d.%m.%Y"]})
    assert is_last_day(column("bis", "30.09.2026", "15.09.2026"), guess)
    assert not is_last_day(column("bis", "01.10.2026"), guess)
    assert not is_last_day(column("bis", "2026-09-30T23:59:59Z"), Guess("bis", "time"))


def test_each_column_fills_one_focus_column_and_the_better_name_wins():
    guesses = [
        Guess("price", "money"),
        Guess("Total Amount", "money"),
        Guess("usageStartDate", "time"),
        Guess("productName", "text"),
        Guess("currency", "currency"),
        Guess("amount", "text"),
    ]
    assert guess_mapping(guesses) == {
        "BilledCost": "Total Amount",
        "ChargePeriodStart": "usageStartDate",
        "ServiceName": "productName",
        "BillingCurrency": "currency",
    }


def test_a_proposal_says_what_it_does_not_know():
    columns = [column("Widget", "a"), column("when", "2026-09-01"), column("sum", "x")]
    proposal = propose("acme", "acme.csv", columns, {})
    assert proposal.missing == ("BilledCost", "ChargePeriodStart")
    assert proposal.unmapped == ("Widget", "when", "sum")
    values = tomllib.loads(proposal.files["vendor.toml"])
    assert values["forms"][0]["given"].keys() == {"account", "currency"}
    assert set(tomllib.loads(proposal.files["fixtures/sample/source.toml"])["given"]) == {
        "account",
        "currency",
    }


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("bill-2026-09.csv.gz", r"(?:^|/)bill\-(?P<period>\d{4}-\d{2})\.csv\.gz$"),
        ("202609_usage.json", r"(?:^|/)(?P<year>\d{4})(?P<month>\d{2})_usage\.json$"),
    ],
)
def test_the_month_in_a_files_name_becomes_the_layouts_period(file, pattern):
    text = propose("acme", file, [column("amount", "1")], {}).files["vendor.toml"]
    assert tomllib.loads(text)["layouts"][0]["data_files"] == pattern


@pytest.mark.parametrize("name", ["", "Acme", "a-b", "1a", "../x"])
def test_a_name_that_is_none(name):
    with pytest.raises(InputError, match="no name for a vendor folder"):
        propose(name, "x.csv", [column("a", "1")], {})
