"""The csv of invoices: what it may hold, and what is said of a row that is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.reconcile.invoices import parse_invoices

PATH = Path("invoices.csv")
HEADER = "invoice_id,month,currency,amount,tax,source,billing_account_id,kind,note\n"


def test_four_columns_in_any_order_are_enough():
    (row,) = parse_invoices(
        "amount,currency,month,invoice_id\n 119.00 ,EUR,2026-09,R-1\n", PATH
    ).rows
    assert (row.kind, row.invoice_id, row.currency) == ("invoice", "R-1", "EUR")
    assert (row.amount, row.tax, row.month) == (Decimal("119.00"), None, BillingPeriod(2026, 9))
    assert (row.source, row.account, row.note, row.place) == (None, None, "", "line 2")


def test_every_column_blank_lines_and_quotes():
    text = HEADER + '\nR-1,2026-09,EUR,-119.00,-19.00,prod,0071,invoice,"a, b"\n,,,,,,,,\n'
    text += ",2026-09,EUR,0.01,,prod,,explain,rounded\n"
    invoice, explanation = parse_invoices(text, PATH).rows
    assert (invoice.amount, invoice.tax, invoice.note) == (Decimal(-119), Decimal(-19), "a, b")
    assert (invoice.source, invoice.account, invoice.place) == ("prod", "0071", "line 3")
    assert (explanation.kind, explanation.invoice_id, explanation.note) == (
        "explain", None, "rounded",
    )  # fmt: skip


def test_one_number_may_be_of_two_months_currencies_and_accounts():
    rows = [
        "R-1,2026-09,EUR,1,,,,,", "R-1,2026-08,EUR,1,,,,,", "R-1,2026-09,USD,1,,,,,",
        "R-1,2026-09,EUR,1,,,A-1,,", *["R-1,2026-09,EUR,1,,,,explain,x"] * 2,
    ]  # fmt: skip
    assert len(parse_invoices(HEADER + "\n".join(rows), PATH).rows) == 6


@pytest.mark.parametrize(
    ("text", "says", "expected"),
    [
        ("", "line 1: no column invoice_id, month, currency, amount", "columns, in any order"),
        ("invoice_id,month,currency\n", "line 1: no column amount", "columns, in any order"),
        ("invoice_id,month,currency,amuont\n", 'did you mean "amount"?', "columns, in any order"),
        ("invoice_id;month\n", '"invoice_id;month" is no column', "columns, in any order"),
        ("month,month,invoice_id\n", '"month" is there twice', "columns, in any order"),
        (HEADER + "R-1,2026-09,EUR,1\n", "line 2: it has 4 columns, not 9", "in quotes"),
        (HEADER + ",2026-09,EUR,1,,,,,\n", "line 2, invoice_id: it is empty", "the number"),
        (HEADER + "R-1,2026-13,EUR,1,,,,,\n", 'line 2, month: "2026-13" is no month', "2026-09"),
        (HEADER + "R-1,Sep 26,EUR,1,,,,,\n", 'line 2, month: "Sep 26" is no month', "2026-09"),
        (HEADER + "R-1,2026-09,eur,1,,,,,\n", 'currency: "eur" is no currency code', "EUR"),
        (HEADER + "R-1,2026-09,EUR,,,,,,\n", 'line 2, amount: "" is no amount', "1190.00"),
        (HEADER + 'R-1,2026-09,EUR,"1,190.00",,,,,\n', '"1,190.00" is no amount', "1190.00"),
        (HEADER + 'R-1,2026-09,EUR,"119,00",,,,,\n', '"119,00" is no amount', "1190.00"),
        (HEADER + "R-1,2026-09,EUR,1e3,,,,,\n", '"1e3" is no amount', "1190.00"),
        (HEADER + "R-1,2026-09,EUR,NaN,,,,,\n", '"NaN" is no amount', "1190.00"),
        (HEADER + f"R-1,2026-09,EUR,{'9' * 24},,,,,\n", "is no amount", "1190.00"),
        (HEADER + "R-1,2026-09,EUR,1,a,,,,\n", 'line 2, tax: "a" is no amount', "1190.00"),
        (HEADER + "R-1,2026-09,EUR,1,,,,paid,\n", 'line 2, kind: "paid" is no kind', '"explain"'),
        (HEADER + "R-1,2026-09,EUR,1,,,,explain,\n", "line 2, note: it is empty", "say what"),
        (HEADER + ",2026-09,EUR,1,,,,explain,x\n", "line 2, invoice_id: it is empty", "source or"),
        (HEADER + "R-1,2026-09,EUR,1,1,,,explain,x\n", "tax: an explanation has none", "leave it"),
        (
            HEADER + "R-1,2026-09,EUR,1,,,,,\n\nR-1,2026-09,EUR,2,,,,,\n",
            'line 4, invoice_id: "R-1" is there twice, first in line 2', "one row an invoice",
        ),
        (HEADER + 'R-1,2026-09,"EUR,1,,,,,\n', "line 2: unexpected end of data", "quotes"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_by_line_and_column_with_what_is_expected(text, says, expected):
    with pytest.raises(InputError) as refused:
        parse_invoices(text, PATH)
    assert refused.value.message.startswith("invoices.csv, line ")
    assert says in refused.value.message
    assert expected in refused.value.hint


DETAIL = "InvoiceId,InvoiceDetailId,BillingPeriodStart,BillingCurrency,BilledCost,ChargeCategory\n"


def test_invoice_detail_is_summed_by_invoice_month_and_currency():
    text = DETAIL + (
        "R-1,1,2026-09-01T00:00:00Z,EUR,100.10,Usage\n"
        "R-1,2,2026-09-01T00:00:00Z,EUR,19.02,Tax\n"
        "R-1,3,2026-09-01T00:00:00Z,USD,5,Credit\n"
    )
    euros, dollars = parse_invoices(text, PATH).rows
    assert (euros.amount, euros.tax) == (Decimal("119.12"), Decimal("19.02"))
    assert (dollars.amount, dollars.tax, dollars.currency) == (5, 0, "USD")
    assert euros.month == BillingPeriod(2026, 9)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (",1,2026-09-01,EUR,1,Usage", "line 2, InvoiceId: it is empty"),
        ("R-1,1,September,EUR,1,Usage", 'line 2, BillingPeriodStart: "September" is no time'),
        ("R-1,1,2026-09-01,,1,Usage", "line 2, BillingCurrency: it is empty"),
        ("R-1,1,2026-09-01,EUR,x,Usage", 'line 2, BilledCost: "x" is no amount'),
        (
            "R-1,1,2026-09-01,EUR,1,Tax\nR-1,1,2026-09-01,EUR,1,Tax",
            "is there twice, first in line 2",
        ),
    ],
)
def test_a_wrong_line_of_invoice_detail_is_named(line, says):
    with pytest.raises(InputError) as refused:
        parse_invoices(DETAIL + line + "\n", PATH)
    assert says in refused.value.message
