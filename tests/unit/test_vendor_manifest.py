"""vendor.toml: names, forms, and what is wrong with one."""

import pytest

from acme_bills import OWN_VENDORS
from finops_stack.errors import InputError
from finops_stack.vendors.catalog import load_vendor, vendor_folders
from finops_stack.vendors.manifest import Columns, Form, read_vendor, snake


@pytest.mark.parametrize(
    ("delivered", "normal"),
    [
        ("lineItem/UsageAmount", "line_item_usage_amount"),
        ("lineItem/UnblendedCost", "line_item_unblended_cost"),
        ("identity/LineItemId", "identity_line_item_id"),
        ("bill/PayerAccountId", "bill_payer_account_id"),
        ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("savingsPlan/SavingsPlanEffectiveCost", "savings_plan_savings_plan_effective_cost"),
        ("product/fromRegionCode", "product_from_region_code"),
        ("product/region", "product_region"),
        ("product/ProductName", "product_product_name"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        (
            "reservation/NetAmortizedUpfrontFeeForBillingPeriod",
            "reservation_net_amortized_upfront_fee_for_billing_period",
        ),
        ("line_item_usage_amount", "line_item_usage_amount"),
        ("resource_tags", "resource_tags"),
        ("product/instance type", "product_instance_type"),
    ],
)
def test_snake_spells_as_the_vendors_own_parquet(delivered, normal):
    assert snake(delivered) == normal
    assert snake(normal) == normal


def form(**options) -> Form:
    return Form(
        name="f",
        title="F",
        focus="x__f_focus",
        control="x__f_control",
        columns=Columns(),
        recognised_by=options.pop("recognised_by", ("a",)),
        **options,
    )


def test_an_alias_wins_over_the_spelling_rule():
    aliased = form(names="snake", aliases={"savings_plan_a_r_n": "savings_plan_arn"})
    assert aliased.normalise("savingsPlan/ARN") == "savings_plan_arn"
    assert form().normalise("savingsPlan/ARN") == "savingsPlan/ARN"


def test_a_form_is_recognised_by_columns_without_regard_to_case_or_order():
    acme = load_vendor("acme", [OWN_VENDORS])
    assert acme.form_of(["Amount", "x", "SERVICE", "account"]).name == "lines"
    assert acme.form_of(["account", "service"]) is None
    assert acme.form_of([]) is None


def test_own_folders_join_the_built_in_ones():
    assert {"acme"} < set(vendor_folders([OWN_VENDORS]))
    assert "acme" not in vendor_folders()


def test_an_own_folder_replaces_the_built_in_of_its_name(tmp_path):
    name = next(iter(vendor_folders()))
    own = tmp_path / name
    own.mkdir()
    (own / "vendor.toml").write_text("", encoding="utf-8")
    assert vendor_folders([tmp_path])[name] == own


def test_unknown_vendor_names_the_known_ones():
    with pytest.raises(InputError, match='no vendor is called "acm"') as refused:
        load_vendor("acm", [OWN_VENDORS])
    assert "acme" in refused.value.hint


def test_vendor_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        vendor_folders([tmp_path / "none"])


GOOD = (OWN_VENDORS / "acme" / "vendor.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "Acme Hosting"', "", "vendor.title"),
        ('title = "Acme Hosting"', 'title = "A"\ncolour = "red"', "vendor.colour"),
        ("(?P<period>\\d{4}-\\d{2})", "\\d+", "needs a named group"),
        ("(?P<period>", "(?P<period", "layouts.0.manifest"),
        (
            'recognised_by = ["account", "service", "amount"]',
            "recognised_by = []",
            "forms.0.recognised_by",
        ),
        ('focus = "acme__lines_focus"', 'focus = "acme__gone_focus"', "no acme__gone_focus.sql"),
        ("pattern = '^tag:(.+)$'", "pattern = '^tag:(.+$'", "pattern"),
        ("pattern = '^tag:(.+)$'", "pattern = '^tag:.+$'", "pattern"),
        ('map = "tags"', 'map = "labels"', "labels"),
        ("[vendor]", "[vendor", "is not valid TOML"),
    ],
)
def test_a_broken_vendor_toml_names_the_key(tmp_path, old, new, says):
    folder = tmp_path / "acme"
    folder.mkdir()
    for path in (OWN_VENDORS / "acme").glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    assert old in GOOD
    (folder / "vendor.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_vendor(folder)
    assert says in refused.value.message
    assert "\n" not in refused.value.message


def test_folder_without_vendor_toml(tmp_path):
    with pytest.raises(InputError, match=r"has no vendor\.toml"):
        read_vendor(tmp_path)


def test_vendor_toml_that_is_not_utf_8(tmp_path):
    (tmp_path / "vendor.toml").write_bytes(b'[vendor]\ntitle = "Gr\xfcn"\n')
    with pytest.raises(InputError, match="is not UTF-8"):
        read_vendor(tmp_path)
