"""finops reconcile: sums worked out by hand from ledger_bills.py."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from ledger_bills import (
    AUGUST,
    build,
    configure,
    write_invoices,
    write_month,
    write_vendor,
)
from pyarrow import parquet

from acme_bills import acme_row
from finops_stack.warehouse.lake import current_snapshot
from finops_stack.warehouse.register import publish
from workspaces import Ended, Workspace


@dataclass
class Reconciled:
    """What a reconciliation found."""

    ended: Ended
    found: dict[str, Any]

    @property
    def code(self) -> int:
        return self.ended.exit_code

    def account(self, account: str, currency: str = "EUR") -> dict[str, Any]:
        (only,) = [
            each
            for each in self.found["accounts"]
            if (each["account"], each["currency"]) == (account, currency)
        ]
        return only

    def invoice(self, number: str, currency: str = "EUR") -> dict[str, Any]:
        (only,) = [
            each
            for each in self.found["invoices"]
            if number in each["invoices"] and each["currency"] == currency
        ]
        return only

    def without_number(self, account: str) -> dict[str, Any]:
        (only,) = [
            each
            for each in self.found["invoices"]
            if not each["invoices"] and account in each["accounts"]
        ]
        return only


def parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def reconcile(
    workspace: Workspace, month: str, *rows: str, more: tuple[str, ...] = ()
) -> Reconciled:
    if rows:
        write_invoices(workspace, *rows)
    ended = workspace.finops("reconcile", "--month", month, "--format", "json", *more)
    return Reconciled(ended, parsed(ended.stdout))


def explained(each: dict[str, Any]) -> list[tuple[Decimal, str]]:
    return [(line["amount"], line["what"]) for line in each["explanations"]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("ledger") / "workspace")
    build(workspace)
    return workspace


@pytest.fixture(autouse=True)
def _as_configured(lake: Workspace) -> Iterator[None]:
    yield
    configure(lake)
    write_invoices(lake)


def test_each_account_is_the_same_at_every_step(lake):
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.50,,,,,")
    assert done.code == 0, done.ended.output
    euros, dollars = done.account("A-1"), done.account("A-1", "USD")
    # 100 + 20.50 + 50 + 9.50 + 150 − 50 − 7
    assert euros["raw_total"] == euros["focus_total"] == Decimal("273")
    assert euros["marts"] == dict.fromkeys(
        ("cost_by_day", "cost_by_month", "reconciliation"), Decimal("273")
    )
    assert (euros["raw_rows"], euros["charges"]) == (8, 7)
    assert euros["left_out"] == [{"treatment": "subtotal", "rows": 1, "total": 0}]
    assert dollars["raw_total"] == dollars["focus_total"] == Decimal("10.005")
    assert {euros["state"], dollars["state"]} == {"equal"}


def test_an_invoice_equal_to_its_charges(lake):
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.50,,,,,")
    invoice = done.invoice("R-1")
    assert (invoice["invoiced"], invoice["focus_total"], invoice["difference"]) == (
        Decimal("120.5"), Decimal("120.5"), 0,
    )  # fmt: skip
    assert invoice["state"] == "equal"
    assert invoice["explanations"] == []
    assert done.code == 0


def test_one_number_in_two_currencies_is_two_invoices(lake):
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.50,,,,,", "R-1,2026-08,USD,10.00,,,,,")
    assert done.invoice("R-1")["state"] == "equal"
    assert done.invoice("R-1", "USD")["unexplained"] == Decimal("-0.005")
    assert done.code == 3


def test_charges_on_an_invoice_nobody_gave_are_named_and_no_failure(lake):
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.50,,,,,")
    for number in ("R-2", "R-3"):
        assert done.invoice(number)["state"] == "no invoice given"
        assert done.invoice(number)["difference"] is None
    assert done.code == 0


@pytest.mark.parametrize(
    ("row", "explanation"),
    [
        ("R-2,2026-08,EUR,59.50,9.50,,,,", []),
        (
            "R-1,2026-08,EUR,143.40,22.90,,,,",
            [(Decimal("22.9"), "tax on the invoice, of which the bill has none")],
        ),
        (
            "R-2,2026-08,EUR,50.00,,,,,",
            [(Decimal("-9.5"), "tax in the bill, not on the invoice")],
        ),
        (
            "R-3,2026-08,EUR,143.00,,,,,",
            [(Decimal(50), "credits in the bill, not on the invoice")],
        ),
        (
            "R-3,2026-08,EUR,150.00,,,,,",
            [
                (Decimal(50), "credits in the bill, not on the invoice"),
                (Decimal(7), "refunds of earlier months in the bill, not on the invoice"),
            ],
        ),
    ],
)
def test_tax_credits_and_refunds_explain_what_is_exactly_theirs(lake, row, explanation):
    done = reconcile(lake, "2026-08", row)
    invoice = done.invoice(row[:3])
    assert explained(invoice) == explanation
    assert invoice["state"] == ("explained" if explanation else "equal")
    assert done.code == 0, done.ended.output


@pytest.mark.parametrize(
    ("row", "unexplained"),
    [
        ("R-1,2026-08,EUR,120.51,,,,,", "0.01"),
        ("R-1,2026-08,EUR,143.41,22.90,,,,", "0.01"),
        ("R-2,2026-08,EUR,59.51,9.51,,,,", "0.01"),
        ("R-3,2026-08,EUR,92.99,,,,,", "-0.01"),
    ],
)
def test_a_cent_off_is_not_explained(lake, row, unexplained):
    done = reconcile(lake, "2026-08", row)
    assert done.code == 3
    assert done.invoice(row[:3])["state"] == "unexplained"
    assert done.invoice(row[:3])["unexplained"] == Decimal(unexplained)
    assert f"ledger 2026-08 A-1 EUR {row[:3]}: {unexplained} is not explained" in done.ended.stderr
    assert "finops history ledger 2026-08" in done.ended.stderr


def test_rounding_forgives_what_it_says_and_says_so(lake):
    configure(lake, rounding="0.01")
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.51,,,,,", "R-3,2026-08,EUR,93.02,,,,,")
    assert explained(done.invoice("R-1")) == [(Decimal("0.01"), "rounding")]
    assert done.invoice("R-3")["unexplained"] == Decimal("0.02")
    assert done.code == 3


def test_a_difference_the_user_explains_must_be_exactly_it(lake):
    invoice = "R-1,2026-08,EUR,123.51,,,,,"
    lines = ("R-1,2026-08,EUR,3.00,,,,explain,late fee", "R-1,2026-08,EUR,0.01,,,,explain,rounded")
    done = reconcile(lake, "2026-08", invoice, *lines)
    assert explained(done.invoice("R-1")) == [(3, "late fee"), (Decimal("0.01"), "rounded")]
    assert (done.code, done.invoice("R-1")["state"]) == (0, "explained")
    done = reconcile(lake, "2026-08", invoice, lines[0])
    assert (done.code, done.invoice("R-1")["unexplained"]) == (3, Decimal("0.01"))
    # The bill was restated since, or the invoice corrected: what explained it does so no more.
    done = reconcile(lake, "2026-08", "R-1,2026-08,EUR,120.50,,,,,", lines[0])
    assert (done.code, done.invoice("R-1")["unexplained"]) == (3, -3)


def test_an_invoice_without_a_bill_until_it_is_explained(lake):
    done = reconcile(lake, "2026-08", "X-9,2026-08,EUR,12.00,,,,,")
    assert done.code == 3
    assert done.invoice("X-9")["unexplained"] == 12
    assert "no charge has this number" in done.invoice("X-9")["problem"]
    assert "X-9: 12.00 is not explained: no charge has this number" in done.ended.stderr
    done = reconcile(
        lake, "2026-08", "X-9,2026-08,EUR,12.00,,,,,", "X-9,2026-08,EUR,12,,,,explain,not loaded"
    )
    assert (done.code, explained(done.invoice("X-9"))) == (0, [(12, "not loaded")])


def test_an_invoice_in_the_wrong_month_is_told_the_right_one(lake):
    done = reconcile(lake, "2026-09", "R-2,2026-09,EUR,59.50,,,,,")
    assert done.invoice("R-2")["problem"] == "charges with this number are of 2026-08 in EUR"
    assert done.code == 3


def test_charges_without_a_number(lake):
    done = reconcile(lake, "2026-09", "S-1,2026-09,EUR,70,,,,,")
    assert done.without_number("A-1")["state"] == "not invoiced yet"
    assert done.without_number("A-1")["focus_total"] == Decimal("3.2")
    assert done.without_number("A-2")["state"] == "no invoice given"
    assert done.code == 0


def test_bills_without_numbers_are_compared_by_account(lake):
    invoices = ("G-1,2026-09,EUR,40.00,,,A-2,,", "G-2,2026-09,EUR,2.34,,,A-2,,")
    done = reconcile(lake, "2026-09", *invoices)
    both = done.invoice("G-1")
    assert both["invoices"] == ["G-1", "G-2"]
    assert (both["sources"], both["accounts"]) == (["ledger"], ["A-2"])
    assert (both["invoiced"], both["focus_total"]) == (Decimal("42.34"), Decimal("42.345"))
    assert (done.code, both["unexplained"]) == (3, Decimal("-0.005"))
    done = reconcile(lake, "2026-09", *invoices, ",2026-09,EUR,-0.005,,,A-2,explain,half a cent")
    assert (done.code, done.invoice("G-1")["state"]) == (0, "explained")


def test_an_invoice_over_two_accounts(lake):
    done = reconcile(lake, "2026-09", "S-9,2026-09,EUR,33.00,,,,,")
    assert done.invoice("S-9")["accounts"] == ["A-3", "A-4"]
    assert done.invoice("S-9")["state"] == "equal"
    done = reconcile(lake, "2026-09", "S-9,2026-09,EUR,11,,,A-3,,", "S-9,2026-09,EUR,21,,,A-4,,")
    found = [each for each in done.found["invoices"] if each["invoices"] == ["S-9"]]
    assert [(each["accounts"], each["unexplained"]) for each in found] == [
        (["A-3"], 0),
        (["A-4"], -1),
    ]


def test_a_month_that_is_not_over_is_no_failure(lake):
    done = reconcile(lake, "2099-01", "L-1,2099-01,EUR,6.50,,,,,")
    assert (done.code, done.invoice("L-1")["state"]) == (0, "month not over")
    assert done.invoice("L-1")["difference"] == Decimal("0.5")
    assert done.without_number("A-1")["state"] == "not invoiced yet"


def test_one_source_alone(lake):
    rows = (
        "INV-2026-09,2026-09,EUR,3.75,,acme,,,",
        "S-1,2026-09,EUR,71,,,,,",
        "Q,2026-09,EUR,1,,,,,",
    )
    done = reconcile(lake, "2026-09", *rows, more=("--source", "acme"))
    assert [each["source"] for each in done.found["accounts"]] == ["acme"]
    assert [each["invoices"] for each in done.found["invoices"]] == [["INV-2026-09"]]
    assert (done.code, done.invoice("INV-2026-09")["state"]) == (0, "equal")
    assert reconcile(lake, "2026-09", *rows).code == 3
    ended = lake.finops("reconcile", "--source", "nobody")
    assert ended.exit_code == 2
    assert "sources: acme, ledger" in ended.stderr


def test_text_shows_every_digit_and_each_explanation_on_a_line_of_its_own(lake):
    write_invoices(lake, "R-1,2026-08,EUR,143.41,22.90,,,,", "R-1,2026-08,USD,10.005,,,,,")
    ended = lake.finops("reconcile", "--month", "2026-08")
    assert ended.exit_code == 3
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert (
        "│ ledger │ 2026-08 │ A-1 │ EUR │ R-1 │ 143.41 │ 120.50 │ 22.91 │ UNEXPLAINED 0.01 │"
        in lines
    )
    assert "│ │ │ │ │ │ │ │ 22.90 │ tax on the invoice, of which the bill has none │" in lines
    assert "│ ledger │ 2026-08 │ A-1 │ USD │ R-1 │ 10.005 │ 10.005 │ 0.00 │ equal │" in lines
    assert (
        "│ ledger │ 2026-08 │ A-1 │ EUR │ 273.00 │ 273.00 │ 273.00"
        " │ equal, 1 of 8 rows left out │" in lines
    )
    assert (
        "Marts of some of the charges (commitments_by_month, resources_by_month) and FOCUS:"
        " 4 sums equal" in lines
    )
    assert "\x1b" not in ended.output


def test_csv_has_a_row_an_account_an_invoice_and_an_explanation(lake):
    write_invoices(lake, "R-1,2026-08,EUR,143.41,22.90,,,,")
    ended = lake.finops("reconcile", "--month", "2026-08", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    levels = [row["level"] for row in rows]
    assert [levels.count(level) for level in ("account", "mart")] == [2, 4]
    (invoice,) = [row for row in rows if row["level"] == "invoice" and row["invoiced"]]
    shown = [invoice[name] for name in ("focus_total", "difference", "unexplained", "state")]
    assert shown == ["120.5", "22.91", "0.01", "unexplained"]
    (explanation,) = [row for row in rows if row["level"] == "explanation"]
    assert (explanation["invoice"], explanation["difference"]) == ("R-1", "22.9")
    (euros, _) = [row for row in rows if row["level"] == "account"]
    assert [
        euros[name] for name in ("raw_total", "focus_total", "cost_by_day", "reconciliation")
    ] == ["273"] * 4


def test_without_a_file_of_invoices_the_rest_is_still_proven(lake):
    path = lake.folder / "finops.toml"
    path.write_text(path.read_text().replace('invoices = "invoices.csv"', ""), encoding="utf-8")
    ended = lake.finops("reconcile")
    assert ended.exit_code == 0, ended.output
    assert "no invoices are given" in ended.stderr
    assert ended.stderr.splitlines()[-1] == "next: finops report"


def test_a_month_nothing_is_published_for(lake):
    ended = lake.finops("reconcile", "--month", "2020-01")
    assert ended.exit_code == 2
    assert "nothing is published for 2020-01" in ended.stderr


def test_the_mart_has_a_row_an_invoice_and_the_accounts_raw_total(lake):
    assert lake.rows(
        "select BillingCurrency, InvoiceId, charges, billed_cost::decimal(18, 3)::varchar,"
        " tax_cost::decimal(18, 2)::varchar, credit_cost::decimal(18, 2)::varchar,"
        " account_raw_rows, account_raw_total::decimal(18, 3)::varchar, account_difference::int"
        " from reconciliation where BillingPeriodStart = '2026-08-01' order by 1, 2"
    ) == [
        ("EUR", "R-1", 2, "120.500", "0.00", "0.00", 8, "273.000", 0),
        ("EUR", "R-2", 2, "59.500", "9.50", "0.00", 8, "273.000", 0),
        ("EUR", "R-3", 3, "93.000", "0.00", "-50.00", 8, "273.000", 0),
        ("USD", "R-1", 1, "10.005", "0.00", "0.00", 1, "10.005", 0),
    ]


DETAIL = [
    # InvoiceId, InvoiceDetailId, category, cost, status
    ("R-2", "1", "Usage", "50.00", "Issued"),
    ("R-2", "2", "Tax", "9.50", "Issued"),
    ("R-1", "1", "Usage", "120.51", "Issued"),
    ("R-3", "1", "Usage", "1.00", "Voided"),
]


def detail_rows() -> list[dict[str, str]]:
    return [
        {
            "InvoiceId": number,
            "InvoiceDetailId": line,
            "BillingAccountId": "A-1",
            "BillingPeriodStart": "2026-08-01T00:00:00Z",
            "BillingCurrency": "EUR",
            "ChargeCategory": category,
            "BilledCost": cost,
            "InvoiceIssueStatus": status,
        }
        for number, line, category, cost, status in DETAIL
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_focus_invoice_detail_gives_invoices(lake, kind):
    configure(lake, invoices=f"detail.{kind}")
    path = lake.folder / f"detail.{kind}"
    if kind == "csv":
        rows = detail_rows()
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        table = pa.Table.from_pylist(
            [
                row
                | {
                    "BilledCost": Decimal(row["BilledCost"]),
                    "BillingPeriodStart": datetime(2026, 8, 1, tzinfo=UTC),
                }
                for row in detail_rows()
            ]
        )
        parquet.write_table(table, path)
    done = reconcile(lake, "2026-08")
    assert done.invoice("R-2")["state"] == "equal"
    assert done.invoice("R-1")["unexplained"] == Decimal("0.01")
    assert done.invoice("R-3")["state"] == "no invoice given"
    assert "left out 1 lines that are Voided" in done.ended.stderr
    assert done.code == 3


def test_a_bill_held_back_is_named_and_the_one_before_it_compared(workspace):
    workspace.configure(more='[reconcile]\ninvoices = "invoices.csv"')
    workspace.deliver("2026-09")
    workspace.deliver("2026-08", rows=[acme_row("2026-08", currency="eur")])
    assert workspace.finops("run").exit_code == 3
    workspace.deliver("2026-09", rows=[acme_row(currency="eur")], delivery_id="d2")
    assert workspace.finops("run").exit_code == 3
    write_invoices(workspace, "INV-2026-09,2026-09,EUR,3.75,,,,,")
    done = reconcile(workspace, "2026-09")
    assert (done.code, done.invoice("INV-2026-09")["state"]) == (0, "equal")
    assert "acme 2026-09: delivery d2 was held back; what was published before" in done.ended.stderr
    assert done.found["unpublished"][0]["reason"] == "billing-currency-code"
    write_invoices(workspace, "INV-2026-08,2026-08,EUR,1.50,,acme,,,")
    done = reconcile(workspace, "2026-08")
    assert (done.code, done.invoice("INV-2026-08")["unexplained"]) == (3, Decimal("1.5"))
    assert "no bill of acme is published for 2026-08 in EUR" in done.ended.stderr
    assert "acme 2026-08: delivery d1 was held back; nothing is published" in done.ended.stderr


def test_marts_and_focus_that_lost_something_are_found(workspace):
    write_vendor(workspace)
    write_month(workspace, "2026-08", AUGUST)
    workspace.deliver("2026-09")
    assert workspace.finops("run").exit_code == 0
    with workspace.lake.open() as connection:
        connection.execute("delete from lake.main.cost_by_day where x_SourceName = 'ledger'")
        connection.execute("delete from lake.main.acme__lines_focus where BilledCost = 2.25")
        connection.execute(
            "insert into lake.main.resources_by_month by name select 'acme' as x_SourceName,"
            " timestamp '2026-09-01' as BillingPeriodStart, 'EUR' as BillingCurrency,"
            " 5::decimal(38, 15) as billed_cost"
        )
        publish(
            connection, run_id="x", snapshot_id=current_snapshot(connection),
            at=datetime(2026, 11, 1),
        )  # fmt: skip
    write_invoices(workspace)
    ended = workspace.finops("reconcile", "--format", "json")
    done = Reconciled(ended, parsed(ended.stdout))
    assert done.code == 3
    assert done.account("A-1")["unexplained"] == 273
    assert done.account("0071")["unexplained"] == Decimal("2.25")
    assert "ledger 2026-08 A-1 EUR: cost_by_day and FOCUS differ by 273.00" in ended.stderr
    assert "finops run --full --source ledger --period 2026-08" in ended.stderr
    assert "acme 2026-09 EUR: resources_by_month and FOCUS differ by -5.00" in ended.stderr
    assert "acme 2026-09 0071 EUR: delivered files and FOCUS differ by 2.25" in ended.stderr
    assert "finops check --run published" in ended.stderr
