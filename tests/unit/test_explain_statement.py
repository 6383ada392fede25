"""Which charges a statement adds up, and which statements cannot be told."""

import pytest

from finops_stack.errors import InputError
from finops_stack.explain.address import RowAddress
from finops_stack.explain.statement import read_statement

ALL = 'lake.main.focus as "focus"'


def test_where_and_filter_choose_the_rows():
    found = read_statement(
        "select ServiceName, sum(BilledCost) filter (where ChargeCategory = 'Usage') as billed"
        " from focus where RegionId = 'a' or RegionId = 'b' group by all order by 2 desc"
    )
    assert found.column == "BilledCost"
    assert found.selection.relation == ALL
    assert found.selection.where == (
        "(RegionId = 'a' OR RegionId = 'b') AND (ChargeCategory = 'Usage')"
    )
    assert found.selection.keys == ("ServiceName",)


@pytest.mark.parametrize(
    ("sql", "where", "relation"),
    [
        ("select sum(BilledCost) from focus", "TRUE", ALL),
        ("from lake.main.focus select round(sum(billedcost), 2)::varchar", "TRUE", ALL),
        (
            "with a as (select * from focus as f where f.RegionId = 'x')"
            " select sum(a.BilledCost) from a where ServiceName = 'y'",
            "(ServiceName = 'y' AND a.RegionId = 'x')",
            'lake.main.focus as "a"',
        ),
        (
            "select * from (select sum(BilledCost) from focus where RegionId = 'x') order by 1",
            "(RegionId = 'x')",
            ALL,
        ),
        (
            "select month(ChargePeriodStart) m, sum(BilledCost) from focus where m = 3 group by m",
            "((MONTH(ChargePeriodStart)) = 3)",
            ALL,
        ),
        (
            "select sum(BilledCost) from focus_1_2 where ProviderName = 'x'",
            "((COALESCE(ProviderName, ServiceProviderName)) = 'x')",
            'lake.main.focus as "focus_1_2"',
        ),
        (
            "select sum(billed_cost) from cost_by_day d where charge_date = '2026-09-01'",
            "((CAST(ChargePeriodStart AS DATE)) = '2026-09-01')",
            'lake.main.focus as "d"',
        ),
    ],
)
def test_shapes_that_are_understood(sql, where, relation):
    found = read_statement(sql)
    assert found.column == "BilledCost"
    assert found.selection.where == where
    assert found.selection.relation == relation


def test_one_of_several_sums_is_chosen():
    sql = "select sum(ListCost) - sum(EffectiveCost) from focus"
    assert read_statement(sql).column == "ListCost"
    assert read_statement(sql, "EffectiveCost").column == "EffectiveCost"
    assert read_statement(sql, "BilledCost").column == "BilledCost"


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("select RegionId, sum(BilledCost) filter (where true) from focus group by 1", 1),
        ("select round(sum(BilledCost), 2) from focus", None),
        ("select * from (select sum(BilledCost) from focus)", None),
    ],
)
def test_the_statements_own_sum_is_compared_where_it_stands_bare(sql, place):
    result = read_statement(sql).selection.result
    assert (result.place if result else None) == place


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select", "it reads no table"),
        ("select sum(BilledCost) from focus; select 1", "not one SELECT"),
        ("drop table focus", "not one SELECT"),
        ("select (", "cannot be read as SQL"),
        ("select count(*) from focus", "no sum of a cost column"),
        ("select sum(BilledCost - ListCost) from focus", "no sum of a cost column"),
        ("select sum(PricingQuantity) from focus", "no sum of a cost column"),
        ("select avg(BilledCost) from focus", "no sum of a cost column"),
        ("select sum(BilledCost) over () from focus", "window"),
        ("select sum(BilledCost) from focus join b on true", "joins tables"),
        ("select sum(BilledCost) from focus, b", "joins tables"),
        ("select sum(BilledCost) from focus union all select 1", "several selects"),
        ("select sum(BilledCost) from commitments_by_month", "no table of charges"),
        ("select sum(BilledCost) from ops.focus", "no table of charges"),
        ("select sum(BilledCost) from read_csv('x')", "no table of charges"),
        ("select sum(BilledCost) from focus tablesample 10%", "part of the table"),
        ("select RegionId, sum(BilledCost) from focus group by rollup (RegionId)", "several sizes"),
        (
            "select RegionId, sum(BilledCost) from focus group by 1 having sum(BilledCost) > 9",
            "HAVING",
        ),
        ("select RegionId, sum(BilledCost) from focus group by 1 limit 3", "LIMIT"),
        (
            "select * from (select RegionId, sum(BilledCost) s from focus group by 1) where s > 9",
            "leaves groups out",
        ),
        ("select sum(BilledCost) from (select * from focus limit 9)", "LIMIT"),
        ("select sum(BilledCost) from (select distinct BilledCost from focus)", "DISTINCT"),
        ("select sum(BilledCost) from (select -BilledCost as BilledCost from focus)", "computes"),
        ("select sum(s) from (select sum(BilledCost) s from focus)", "adds up sums"),
        ("select sum(billed_cost) from cost_by_month where charges > 3", "groups of charges"),
        (
            "select sum(BilledCost) filter (where RegionId = 'a'),"
            " sum(BilledCost) filter (where RegionId = 'b') from focus",
            "two sums",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_shapes_that_can(sql, why):
    with pytest.raises(InputError, match="cannot be explained") as refused:
        read_statement(sql)
    assert why in refused.value.message
    assert "FROM focus" in refused.value.hint


def test_an_address_reads_as_it_was_written():
    address = RowAddress("acme", "a/b", "c/d:1.csv", 7, 1)
    assert str(address) == "acme/a/b/c/d:1.csv:7:1"
    assert address in RowAddress.readings(str(address))
    none = RowAddress("acme", "d1", None, None, 0)
    assert RowAddress.readings("acme/d1/-:-:0") == [none]
    assert RowAddress.readings("acme/d1/f.csv:3") == [RowAddress("acme", "d1", "f.csv", 3)]


@pytest.mark.parametrize(
    "text", ["", "acme", "acme/d1/f.csv", "acme/f.csv:1", "a/b/c:x", "a/b/c:-1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match="no address"):
        RowAddress.readings(text)
