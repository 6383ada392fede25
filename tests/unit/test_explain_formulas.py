"""Formulas: out of a mapping in its own words, and out of SQL models step by step."""

from pathlib import Path

import pytest
from sqlglot import parse_one

from acme_bills import OWN_VENDORS
from finops_stack.explain.mapped_formula import mapped_formulas
from finops_stack.explain.model_formula import model_formulas
from finops_stack.explain.readme import words_of
from finops_stack.explain.value_columns import deciding_columns, value_columns
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.manifest import read_vendor

VENDOR = """
[vendor]
title = "Rill"

[[layouts]]
name = "monthly"
title = "monthly folders"
manifest = '(?P<period>\\d{4}-\\d{2})/manifest\\.json$'
delivery_id = ["id"]
files = ["files"]

[[forms]]
name = "lines"
title = "Lines"
recognised_by = ["kind", "amount"]
focus = "rill__lines_focus"
control = "rill__lines_control"

[forms.columns]
text = ["kind", "account"]
money = ["amount", "fee", "rate", "hours"]
"""
FOCUS = """{#-
  One row per charge. More about it.
-#}
{{ config(materialized="bills") }}

with
    costs as (select * from {{ ref("rill__costs") }}),

    final as (
        select
            billed as BilledCost,
            effective as EffectiveCost,
            0 as ContractedCost,
            list as ListCost
        from costs
    )

select *
from final
"""
COSTS = """{#- One row per line: what it cost. -#}
with
    source as (select * from {{ bill_rows() }}),

    shares as (
        select kind, sum(fee) over (partition by account) as all_fees, hours as worked from source
    ),

    lines as (
        select source.* exclude (kind), source.kind as word, coalesce(amount, 0) as cost
        from source
    ),

    other as (select cast(null as varchar) as word, fee as cost, rate, hours, account from source),

    mixed as (
        select word, cost, rate, hours, account from lines
        union all
        select word, cost, rate, hours, account from other
    ),

    final as (
        select
            mixed.*,
            case mixed.word when 'fee' then shares.all_fees else cost end as billed,
            hours as effective,
            {{ divide_money("mixed.rate", "shares.worked") }} as list
        from mixed
        left join shares on mixed.word = shares.kind
    )

select *
from final
"""


@pytest.fixture
def rill(tmp_path: Path):
    folder = tmp_path / "rill"
    folder.mkdir()
    (folder / "vendor.toml").write_text(VENDOR, encoding="utf-8")
    (folder / "rill__lines_focus.sql").write_text(FOCUS, encoding="utf-8")
    (folder / "rill__costs.sql").write_text(COSTS, encoding="utf-8")
    (folder / "rill__lines_control.sql").write_text("select 1", encoding="utf-8")
    return read_vendor(folder)


def steps(formula):
    return [(step.column, step.expression, step.place) for step in formula.steps]


def test_a_column_is_followed_through_models_unions_and_joins(rill):
    found = model_formulas(rill, rill.form("lines"))["BilledCost"]
    assert steps(found) == [
        (
            "billed",
            "CASE mixed.word WHEN 'fee' THEN shares.all_fees ELSE cost END",
            "rill__costs · final",
        ),
        ("all_fees", "sum(fee) OVER (PARTITION BY account)", "rill__costs · shares"),
        ("cost", "coalesce(amount, 0)", "rill__costs · lines"),
    ]
    assert [step.over_rows for step in found.steps] == [False, True, False]
    assert {step.about for step in found.steps} == {"One row per line: what it cost"}
    assert found.raw == ("fee", "amount")
    # handed on under another name: what the case asks
    assert found.asked == ("kind",)


def test_a_macro_stays_a_call_and_a_column_handed_on_is_told(rill):
    found = model_formulas(rill, rill.form("lines"))
    assert steps(found["ListCost"]) == [
        ("list", "divide_money(mixed.rate, shares.worked)", "rill__costs · final")
    ]
    assert found["ListCost"].raw == ("rate", "hours")
    assert steps(found["EffectiveCost"]) == [("EffectiveCost", "hours", "rill__lines_focus")]
    assert steps(found["ContractedCost"]) == [("ContractedCost", "0", "rill__lines_focus · final")]
    assert found["ContractedCost"].raw == ()


def test_what_an_expression_is_made_of_and_what_decides():
    tree = parse_one(
        "case a when 1 then b + coalesce(c, 0) else sum(d) filter (where e) end"
        " + records_sum(f, amount, r.type = 'x') + cast(g > h as integer) + if(i, j, k)",
        read="duckdb",
    )
    assert [c.name for c in value_columns(tree)] == ["b", "c", "d", "f", "j", "k"]
    assert {c.name for c in deciding_columns(tree)} == {"a", "i"}


def test_a_mapping_is_told_in_its_own_words():
    vendor = load_vendor("borealis", [OWN_VENDORS])
    found = mapped_formulas(vendor, vendor.form("lines"), 0)
    assert steps(found["BilledCost"]) == [("BilledCost", "summe", "mapping.BilledCost")]
    assert found["BilledCost"].raw == ("summe",)
    price = "coalesce(cast(prices.list_price as decimal) * menge, preis * menge, summe)"
    assert steps(found["ListCost"])[0] == ("ListCost", price, "mapping.ListCost")
    assert found["ListCost"].raw == ("menge", "preis", "summe")
    # what the price is looked up by, and when
    assert found["ListCost"].asked == ("leistung", "von")


def test_another_charge_of_the_row_has_its_own_formula():
    vendor = load_vendor("borealis", [OWN_VENDORS])
    found = mapped_formulas(vendor, vendor.form("lines"), 1)
    billed = found["BilledCost"]
    assert steps(billed) == [("BilledCost", "steuer", "spread.tax.set.BilledCost")]
    assert billed.steps[0].note == "where steuer <> 0"
    assert [s[1] for s in steps(found["EffectiveCost"])] == ["BilledCost", "steuer"]
    assert found["EffectiveCost"].raw == ("steuer",)


def test_rules_and_what_is_left_to_the_default_come_in_order():
    vendor = load_vendor("focus", [OWN_VENDORS])
    found = mapped_formulas(vendor, vendor.form("charges"), 0)["EffectiveCost"]
    assert [(s.place, s.rule) for s in found.steps if s.column == "EffectiveCost"] == [
        ("rules.1.set.EffectiveCost", 1),
        ("the bill's own column", 0),
        ("default", 0),
    ]
    assert found.steps[2].expression == "BilledCost"
    assert "BilledCost" in {step.column for step in found.steps[3:]}


def test_the_readme_is_quoted_where_it_lists_the_column(tmp_path):
    (tmp_path / "README.md").write_text(
        "# Rill\n\n| column | from |\n|---|---|\n| the four costs | `amount` |\n"
        "| `ListCost`, ListUnitPrice | the price list |\n| PricingCurrency, its ListCost | no |\n\n"
        "| column | a | b |\n|---|---|---|\n| BilledCost and EffectiveCost | x | y |\n\n"
        "**List cost** is what it\nwould cost. **Contracted cost** is the bill.\n\nThe **end**.\n",
        encoding="utf-8",
    )
    assert words_of(tmp_path, "ListCost") == (
        "`amount`",
        "the price list",
        "List cost is what it would cost.",
    )
    assert words_of(tmp_path, "BilledCost") == ("`amount`", "a: x; b: y")
    assert words_of(tmp_path, "ContractedCost") == ("`amount`", "Contracted cost is the bill.")
    assert words_of(tmp_path / "none", "ListCost") == ()
