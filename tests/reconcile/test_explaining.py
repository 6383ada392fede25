"""Which charges an invoice is of, and what explains a difference: small cases, exact sums."""

from datetime import datetime
from decimal import Decimal

from finops_stack.period import BillingPeriod
from finops_stack.reconcile.explaining import explain_account, explain_match
from finops_stack.reconcile.invoice_row import InvoiceRow
from finops_stack.reconcile.matching import Match, match
from finops_stack.warehouse.invoice_totals import AccountKey, AccountTotal, InvoiceLine, LeftOut

MONTH = BillingPeriod(2026, 9)
AFTER = datetime(2026, 10, 1)
LONG = Decimal("12345678901234567890123.123456789012345")


def line(number, billed, *, source="prod", account="A-1", **parts):
    key = AccountKey(source, MONTH, account, "EUR")
    money = {name: Decimal(amount) for name, amount in parts.items()}
    return InvoiceLine(key, number, 1, Decimal(billed), **money)


def invoice(number, amount, **values):
    return InvoiceRow("line 2", "invoice", number, MONTH, "EUR", Decimal(amount), **values)


def explanation(number, amount, **values):
    return InvoiceRow("line 3", "explain", number, MONTH, "EUR", Decimal(amount), **values)


def judged(found, rounding="0", now=AFTER):
    return explain_match(found, rounding=Decimal(rounding), numbered=False, now=now)


def test_thirty_eight_digits_are_compared_to_the_last():
    lines = [line("R-1", LONG), line("R-1", "0.000000000000001", account="A-2")]
    (found,) = match([invoice("R-1", LONG)], lines, {})
    assert judged(found).unexplained == Decimal("-0.000000000000001")


def test_two_choices_of_parts_that_fit_are_a_guess_and_explain_nothing():
    found = Match(
        invoices=[invoice("R-1", "95")], lines=[line("R-1", "100", tax="5", adjustment="5")]
    )
    assert judged(found).explanations == ()
    assert judged(found).unexplained == -5


def test_rounding_comes_on_top_of_an_explanation_and_is_printed():
    found = Match(invoices=[invoice("R-1", "95.004")], lines=[line("R-1", "100", tax="5")])
    assert judged(found).unexplained == Decimal("-4.996")
    assert [(e.amount, e.what) for e in judged(found, "0.005").explanations] == [
        (-5, "tax in the bill, not on the invoice"),
        (Decimal("0.004"), "rounding"),
    ]


def test_a_number_of_two_sources_needs_its_source():
    lines = [line("R-1", "1"), line("R-1", "2", source="test")]
    unclear, *rest = match([invoice("R-1", "1")], lines, {})
    assert unclear.problem == "charges of prod and test fit it: name its source"
    assert [each.lines for each in rest] == [[lines[0]], [lines[1]]]
    named, other = match([invoice("R-1", "1", source="prod")], lines, {})
    assert (judged(named).state, judged(other).state) == ("equal", "no invoice given")


def test_a_bill_without_numbers_is_never_taken_for_an_invoice_that_does_not_name_it():
    alone, bill = match([invoice("R-1", "1")], [line(None, "1")], {})
    assert (alone.lines, bill.invoices) == ([], [])
    assert "name source or billing_account_id" in alone.problem


def test_charges_without_a_number_beside_numbered_ones_are_no_ones_invoice():
    lines = [line("R-1", "1"), line(None, "2")]
    alone, *rest = match([invoice("R-2", "2", source="prod")], lines, {})
    assert alone.problem == "no charge has this number"
    assert len(rest) == 2


def test_what_was_never_invoiced_can_be_explained_without_an_invoice():
    (found,) = match([explanation(None, "-2", source="prod")], [line(None, "2")], {})
    assert (judged(found).state, judged(found).invoiced) == ("explained", None)


def test_the_explanation_of_an_invoice_without_a_bill_finds_it_by_its_number():
    rows = [invoice("X-1", "5"), explanation("X-1", "5", source="prod")]
    (found,) = match(rows, [], {})
    assert judged(found).state == "explained"
    both = [invoice("X-1", "5", source="prod"), invoice("X-1", "5", source="test"), rows[1]]
    states = {each.invoices[0].source: judged(each).state for each in match(both, [], {})}
    assert states == {"prod": "explained", "test": "unexplained"}


def test_an_invoice_over_accounts_and_one_of_them_are_one_comparison():
    lines = [line(None, "10"), line(None, "5", account="A-2")]
    rows = [invoice("G-1", "12", source="prod"), invoice("G-2", "3", account="A-2")]
    (found,) = match(rows, lines, {})
    assert judged(found).invoice_ids == ("G-1", "G-2")
    assert judged(found).state == "equal"


def test_a_month_is_judged_from_its_end_on():
    found = Match(invoices=[invoice("R-1", "2")], lines=[line("R-1", "1")])
    assert judged(found, now=datetime(2026, 9, 30, 23)).state == "month not over"
    assert judged(found, now=AFTER).state == "unexplained"


def total(raw, billed, *left_out, **marts):
    return AccountTotal(
        AccountKey("prod", MONTH, "A-1", "EUR"),
        raw_rows=9,
        raw_total=Decimal(raw),
        left_out=[LeftOut(name, 1, Decimal(amount)) for name, amount in left_out],
        charges=8,
        billed=Decimal(billed),
        marts={name: Decimal(amount) for name, amount in marts.items()},
    )


def test_rows_left_out_explain_a_raw_total_that_differs_by_exactly_them():
    exact = explain_account(total("105", "100", ("paid elsewhere", "5"), days="100"))
    assert (exact.state, exact.unexplained) == ("explained", 0)
    assert [(e.amount, e.what) for e in exact.explanations] == [
        (5, "left out: paid elsewhere, 1 rows")
    ]
    off = explain_account(total("105.01", "100", ("paid elsewhere", "5")))
    assert (off.state, off.unexplained, off.explanations) == ("unexplained", Decimal("5.01"), ())


def test_rows_left_out_that_cancel_against_converted_ones_explain_nothing():
    equal = explain_account(total("100", "100", ("negation", "-40"), days="100"))
    assert (equal.state, equal.explanations) == ("equal", ())


def test_the_mart_that_differs_is_named():
    found = explain_account(total("100", "100", days="100", months="99.99"))
    assert (found.state, found.wrong_marts) == ("unexplained", ("months",))
    assert found.unexplained == Decimal("0.01")
