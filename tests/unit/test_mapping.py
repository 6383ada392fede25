"""Mistakes in a mapping: each is told with file, key and what is allowed there."""

from pathlib import Path

import pytest

from finops_stack.errors import InputError
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.manifest import read_vendor

GOOD = """
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
recognised_by = ["product", "amount"]
one_cost = true

[forms.columns]
text = ["product", "account"]
money = ["amount", "tax"]
time = ["day"]
map = ["tags"]

[[forms.lookups]]
file = "services"
on = { product = "product" }
give = { ServiceCategory = "category" }

[forms.mapping]
BilledCost = "amount"
BillingAccountId = "account"
BillingCurrency = "'EUR'"
ServiceName = "product"

[[forms.rules]]
when = "amount < 0"
set = { ChargeCategory = "'Credit'" }

[[forms.spread]]
name = "tax"
when = "tax <> 0"
set = { BilledCost = "tax", ChargeCategory = "'Tax'" }

[[forms.leave_out]]
rule = "total"
when = "product = 'Total'"

[[forms.refuse]]
when = "day < delivery_period_start"
because = "it is older than its month"

[forms.total]
account = "account"
currency = "'EUR'"
billed = "amount + coalesce(tax, 0)"
"""
TOTAL = GOOD[GOOD.index("[forms.total]") :]
SERVICES = "product,category,source\nVM,Compute,made up\n"


def folder(root: Path, text: str = GOOD, services: str | None = SERVICES) -> Path:
    place = root / "rill"
    (place / "vocabulary").mkdir(parents=True)
    (place / "vendor.toml").write_text(text, encoding="utf-8")
    if services is not None:
        (place / "vocabulary" / "services.csv").write_text(services, encoding="utf-8")
    return place


def refused(place: Path) -> str:
    """Message and hint of what is wrong; the file is always named."""
    with pytest.raises(InputError) as raised:
        read_vendor(place)
    assert str(place / "vendor.toml") in raised.value.message
    return f"{raised.value.message} | {raised.value.hint}"


def test_the_mapping_itself_is_good(tmp_path):
    assert read_vendor(folder(tmp_path)).form("lines").is_mapped


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # an expression
        ('= "amount"\nBill', '= "amuont"\nBill', ("mapping.BilledCost", "amuont", "amount, ")),
        ('"amount < 0"', '"amount <"', ("rules.1.when", "is no expression")),
        ('"amount < 0"', '"sum(amount) < 0"', ("rules.1.when", '"sum" cannot be used', "coalesce")),
        ('"amount < 0"', '"frobnicate(amount)"', ("rules.1.when", "frobnicate", "split_part")),
        ('"amount < 0"', '"amount < (select 1)"', ("rules.1.when", "cannot be used")),
        ('"amount < 0"', '"prices.rate < 0"', ("rules.1.when", '"prices"', "lookups: services")),
        ('"amount < 0"', '"services.rate < 0"', ("rules.1.when", '"rate"', "product, source")),
        ('"amount < 0"', "\"product = '{{ x }}'\"", ("rules.1.when", "no braces")),
        ('"tax <> 0"', '"txa <> 0"', ("rules.2.when", "txa")),
        ('BilledCost = "tax"', 'BilledCost = "taxes"', ("rules.2.set.BilledCost", "taxes")),
        ("product = 'Total'", "produkt = 'Total'", ("leave_out.total", "produkt", "product")),
        ('"day < delivery', '"day < services.delivery', ("refuse.1.when", "services")),
        ('"amount + coalesce', '"amount + oops', ("total.billed", "oops")),
        ('{ product = "product" }', '{ product = "nix" }', ("lookups.1.on.product", "nix")),
        # a name
        ("ServiceName =", "Servicename =", ('"Servicename"', "own spelling")),
        ("BilledCost = \"tax\"", "BilledCosts = \"tax\"", ('"BilledCosts"', "FOCUS column")),
        ("BillingCurrency =", "x_Other =", ('"x_Other"', "[x_columns]")),
        ("BillingCurrency =", "BillingPeriodStart =", ('"BillingPeriodStart"', "can be filled")),
        # what is not there
        ('file = "services"', 'file = "service"', ("vocabulary/service.csv", "services.csv")),
        ('{ product = "product" }', '{ name = "product" }', ('"name"', "product, category")),
        ('= "category" }', '= "kind" }', ('no column "kind"', "product, category")),
        ("one_cost = true", "", ("EffectiveCost, ContractedCost, ListCost", "one_cost")),
        ('ServiceName = "product"', "", ("does not say ServiceName", "[forms.mapping]")),
        (TOTAL, "", ("[forms.total]", "account, currency and billed")),
        # a key
        ("one_cost = true", "one_costs = true", ("forms.0.one_costs", "Extra inputs")),
        ("give = {", 'match = "fuzzy"\ngive = {', ("lookups.0.match", "'exact', 'prefix' or")),
        ('name = "lines"', 'name = "lines"\nextends = "other"', ('"other"', "there: none")),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_key_and_what_is_allowed(tmp_path, before, after, said):
    assert before in GOOD
    told = refused(folder(tmp_path, GOOD.replace(before, after, 1)))
    for part in said:
        assert part in told


def test_a_missing_vocabulary_file_is_named(tmp_path):
    told = refused(folder(tmp_path, services=None))
    assert "vocabulary/services.csv is not there; files there: none" in told


MORE = (
    GOOD
    + """
[[forms]]
name = "more"
title = "Lines with a tenant"
extends = "lines"
recognised_by = ["product", "amount", "tenant"]

[forms.columns]
text = ["tenant"]

[forms.mapping]
BillingAccountId = "tenant"

[[forms.lookups]]
file = "services"
needed = "a list of services"

[[forms.rules]]
when = "amount = 0"
set = { ChargeCategory = "'Adjustment'" }

[forms.total]
account = "tenant"
"""
)


def test_a_form_that_extends_another_says_only_what_differs(tmp_path):
    form = read_vendor(folder(tmp_path, MORE)).form("more")
    assert form.mapping["BillingAccountId"] == "tenant"
    assert form.mapping["BilledCost"] == "amount"
    assert form.columns.text == ("tenant", "product", "account")
    assert [rule.when for rule in form.rules] == ["amount = 0", "amount < 0"]
    (lookup,) = form.lookups
    assert (lookup.needed, lookup.on) == ("a list of services", {"product": "product"})
    assert form.total and (form.total.account, form.total.billed[:6]) == ("tenant", "amount")
    assert form.focus == "rill__more_focus"


def own(root: Path, name: str, text: str) -> Path:
    place = root / "own" / "rill" / "vocabulary"
    place.mkdir(parents=True)
    (place / name).write_text(text, encoding="utf-8")
    return place


def test_a_users_rows_come_first_and_replace_those_of_their_key(tmp_path):
    added = own(tmp_path, "services.csv", "product,category\nvm,Storage\nDisk,Storage\n")
    text = read_vendor(folder(tmp_path), (added,)).vocabulary()["services.csv"]
    assert text == "product,category,source\nvm,Storage,\nDisk,Storage,\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("service.csv", "product\nx\n", ("is no vocabulary of rill", "services.csv")),
        ("services.csv", "produkt\nx\n", ('"produkt"', "product, category, source")),
    ],
)
def test_a_users_file_that_does_not_fit_is_told(tmp_path, name, text, said):
    added = own(tmp_path, name, text)
    with pytest.raises(InputError) as raised:
        read_vendor(folder(tmp_path), (added,))
    told = f"{raised.value.message} | {raised.value.hint}"
    assert str(added / name) in told
    for part in said:
        assert part in told


def test_a_folder_without_a_vendor_toml_adds_to_the_vendor_of_its_name(tmp_path):
    folder(tmp_path / "vendors")
    own(tmp_path, "services.csv", "product,category\nDisk,Storage\n")
    vendor = load_vendor("rill", [tmp_path / "vendors", tmp_path / "own"])
    assert "Disk,Storage,\nVM,Compute,made up" in vendor.vocabulary()["services.csv"]
