"""Several currencies: never added up; beside them, one reporting currency at the user's rates."""

import json
from decimal import Decimal

import pytest

from acme_bills import acme_row
from workspaces import Workspace

MONEY = '[currency]\nreporting = "EUR"\nrates = "rates.csv"'
RATES = "month,from,to,rate\n2026-08,USD,EUR,0.9\n2026-09,USD,EUR,0.925\n2026-09,USD,GBP,0.8\n"


def rows(month: str) -> list[dict[str, str]]:
    return [
        acme_row(month, currency="EUR", amount="10.00", service="VM"),
        acme_row(month, currency="USD", amount="4.40", service="VM"),
        acme_row(month, currency="JPY", amount="1000", service="Disk"),
    ]


@pytest.fixture
def two_months(workspace: Workspace) -> Workspace:
    workspace.configure(more=MONEY)
    (workspace.folder / "rates.csv").write_text(RATES, encoding="utf-8")
    for month in ("2026-08", "2026-09"):
        workspace.deliver(month, rows=rows(month))
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended.output
    return workspace


def test_a_report_never_adds_currencies_up(two_months):
    found = json.loads(two_months.finops("report", "--format", "json").stdout)
    assert [each["currency"] for each in found["currencies"]] == ["EUR", "JPY", "USD"]


def test_a_converted_report_adds_what_has_a_rate_and_says_what_has_none(two_months):
    ended = two_months.finops("report", "--converted", "--format", "json")
    found = json.loads(ended.stdout, parse_float=Decimal, parse_int=Decimal)
    totals = {each["currency"]: each["total"] for each in found["currencies"]}
    # 10.00 + 4.40 × 0.925 and, the month before, × 0.9
    assert totals["EUR"]["cost"] == Decimal("14.07")
    assert totals["EUR"]["cost_before"] == Decimal("13.96")
    assert totals["JPY"]["cost"] == 1000
    assert "no rate for JPY in 2026-09" in ended.stderr


def test_the_converted_marts_carry_rate_and_cost(two_months):
    for mart in ("cost_by_month_converted", "cost_by_day_converted"):
        found = two_months.rows(
            "select BillingCurrency, converted_currency, exchange_rate::varchar,"
            f" converted_billed_cost::decimal(18, 4)::varchar from {mart}"
            " where BillingPeriodStart = '2026-09-01' order by 1"
        )
        assert found == [
            ("EUR", "EUR", "1.000000000000", "10.0000"),
            ("JPY", None, None, None),
            ("USD", "EUR", "0.925000000000", "4.0700"),
        ]


def test_new_rates_alone_are_published_without_loading_a_bill(two_months):
    assert "nothing new" in two_months.finops("run").stdout
    path = two_months.folder / "rates.csv"
    path.write_text(RATES + "2026-09,JPY,EUR,0.006\n", encoding="utf-8")
    ended = two_months.finops("run")
    assert (ended.exit_code, ended.stdout) == (0, "new exchange rates: 2 bills as published\n")
    assert two_months.rows(
        "select converted_billed_cost::decimal(18, 2)::varchar from cost_by_month_converted"
        " where BillingCurrency = 'JPY' and BillingPeriodStart = '2026-09-01'"
    ) == [("6.00",)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("month,rate\n", 'its first line is "month,rate"'),
        ("month,from,to,rate\n2026-13,USD,EUR,1\n", 'line 2: "2026-13" is not a month'),
        ("month,from,to,rate\n2026-09,USD,EUR,abc\n", 'line 2: "abc" is no rate'),
        ("month,from,to,rate\n2026-09,USD,EUR,0\n", 'line 2: "0" is no rate'),
        ("month,from,to,rate\n2026-09,usd,EUR,1\n", 'line 2: "usd" is no currency code'),
        ("month,from,to,rate\n2026-09,USD,EUR,1\n2026-09,USD,EUR,2\n", "is there twice"),
        ("month,from,to,rate\n2026-09,USD,EUR\n", "line 2: it has 3 columns, not 4"),
    ],
)
def test_a_wrong_rates_file_names_the_line(workspace, text, says):
    workspace.configure(more=MONEY)
    (workspace.folder / "rates.csv").write_text(text, encoding="utf-8")
    workspace.deliver()
    ended = workspace.finops("run")
    assert ended.exit_code == 2
    assert says in ended.stderr and "rates.csv" in ended.stderr


def test_converted_without_a_reporting_currency_says_what_to_set(workspace):
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    ended = workspace.finops("report", "--converted")
    assert ended.exit_code == 2
    assert "set reporting and rates under [currency]" in ended.stderr
