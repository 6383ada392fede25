"""The specification's lists: order, types, and each version out of the canonical table."""

import csv
from importlib.resources import files

import duckdb
import pytest

from finops_stack.errors import FinopsError
from finops_stack.focus import (
    VERSIONS,
    canonical_columns,
    columns,
    service_categories,
    sql_type,
    version_select,
)


def csv_names(version):
    text = files("finops_stack.focus").joinpath(version, "columns.csv").read_text()
    return [row["column"] for row in csv.DictReader(text.splitlines())]


def column(name, version="1.4"):
    return next(each for each in columns(version) if each.name == name)


@pytest.fixture
def canonical():
    connection = duckdb.connect()
    listed = ", ".join(f"{each.name} {sql_type(each)}" for each in canonical_columns())
    connection.execute(f"create table focus ({listed})")
    yield connection
    connection.close()


def select_sql(version):
    return ", ".join(f"{expression} as {name}" for name, expression in version_select(version))


@pytest.mark.parametrize(
    ("version", "count"), [("1.0", 43), ("1.1", 50), ("1.2", 57), ("1.3", 65), ("1.4", 65)]
)
def test_each_version_has_the_columns_it_was_announced_with(version, count):
    assert len(columns(version)) == count


@pytest.mark.parametrize("version", VERSIONS)
def test_version_select_gives_the_columns_in_the_order_of_columns_csv(version, canonical):
    result = canonical.execute(f"select {select_sql(version)} from focus")
    assert [each[0] for each in result.description] == csv_names(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_version_select_keeps_every_type(version, canonical):
    described = canonical.execute(f"describe select {select_sql(version)} from focus").fetchall()
    types = {name: kind for name, kind, *_ in described}
    wanted = {each.name: sql_type(each) for each in columns(version)}
    assert {name: kind.lower().replace(" ", "") for name, kind in types.items()} == {
        name: kind.replace(" ", "") for name, kind in wanted.items()
    }


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_older_versions_name_the_provider_of_a_bill_that_is_natively_newer(version, canonical):
    canonical.execute("insert into focus (ServiceProviderName) values ('Acme')")
    row = canonical.execute(
        f"select ProviderName, PublisherName from (select {select_sql(version)} from focus)"
    ).fetchone()
    assert row == ("Acme", "Acme")


def test_older_versions_keep_the_provider_and_publisher_a_bill_has(canonical):
    canonical.execute(
        "insert into focus (ServiceProviderName, HostProviderName, ProviderName, PublisherName)"
        " values ('new', 'host', 'old', 'publisher'), ('new', 'host', 'old', null)"
    )
    rows = canonical.execute(
        f"select ProviderName, PublisherName from (select {select_sql('1.2')} from focus)"
        " order by PublisherName"
    ).fetchall()
    assert rows == [("old", "host"), ("old", "publisher")]


def test_canonical_columns_are_1_4_then_what_it_removed_then_lineage():
    names = [each.name for each in canonical_columns()]
    assert names[:65] == csv_names("1.4")
    assert names[65:] == [
        "ProviderName",
        "PublisherName",
        "x_SourceName",
        "x_DeliveryId",
        "x_SourceFile",
        "x_SourceRow",
        "x_SourcePart",
    ]


def test_canonical_columns_hold_every_column_of_every_version():
    names = {each.name for each in canonical_columns()}
    assert all(set(csv_names(version)) <= names for version in VERSIONS)


def test_sql_types():
    types = {each.name: sql_type(each) for each in canonical_columns()}
    assert types["BilledCost"] == "decimal(38,15)"
    assert types["BillingPeriodStart"] == "timestamp"
    assert types["ServiceName"] == "varchar"
    assert types["Tags"] == types["AllocatedTags"] == types["SkuPriceDetails"]
    assert types["Tags"] == "map(varchar, varchar)"
    assert types["ContractApplied"] == types["AllocatedMethodDetails"] == "varchar"
    assert (types["x_SourceFile"], types["x_SourceRow"], types["x_SourcePart"]) == (
        "varchar",
        "bigint",
        "integer",
    )


def test_a_column_is_typed_from_its_line():
    status = column("CommitmentDiscountStatus")
    assert status.allowed_values == ("Used", "Unused")
    assert status.allows_nulls and not status.required
    assert column("BilledCost").required
    assert column("ListUnitPrice").numeric_range == ">=0"
    assert column("ProviderName", "1.3").deprecated_version == "1.3"


def test_service_categories_are_the_allowed_subcategories():
    pairs = service_categories()
    assert len(pairs) == 82
    assert {pair[1] for pair in pairs} == set(column("ServiceSubcategory").allowed_values)
    assert {pair[0] for pair in pairs} == set(column("ServiceCategory").allowed_values)


def test_an_unknown_version_names_the_known_ones():
    with pytest.raises(FinopsError, match='no FOCUS version "3"') as caught:
        columns("3")
    assert "1.0, 1.1, 1.2, 1.3, 1.4" in caught.value.hint
    assert caught.value.exit_code == 2
