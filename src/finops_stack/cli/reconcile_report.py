"""A reconciliation as people and other programs read it: tables, csv rows, JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finops_stack.cli.format import count_text, exact_money_text
from finops_stack.cli.output import show_csv, show_line, show_table

if TYPE_CHECKING:
    from finops_stack.reconcile.explaining import AccountResult, Explanation, InvoiceResult
    from finops_stack.reconcile.statement import Statement
    from finops_stack.warehouse.invoice_totals import PartTotal


def show_statement(statement: "Statement") -> None:
    """Two tables, with a line for each explanation under what it explains."""
    _show_accounts(statement)
    _show_parts(statement)
    _show_invoices(statement)


def _show_accounts(statement: "Statement") -> None:
    if not statement.accounts:
        return
    numbers = ("raw total", "FOCUS total", "marts")
    rows: list[Sequence[object]] = []
    for each in statement.accounts:
        rows.append([*account_place(each), *_account_numbers(each), _account_words(each)])
        rows += [[""] * 7 + [f"{exact_money_text(e.amount)} {e.what}"] for e in each.explanations]
    show_table(
        ("source", "month", "account", "currency", *numbers, "result"),
        rows,
        right=numbers,
        title="Each account: delivered files, FOCUS and marts",
    )


def account_place(each: "AccountResult") -> list[str]:
    """Source, month, account, currency."""
    key = each.total.key
    return [key.source, str(key.month), key.account or "(none)", key.currency or "(none)"]


def _account_numbers(each: "AccountResult") -> list[str]:
    """Marts by one amount where they agree, else each by its name."""
    total = each.total
    amounts = set(total.marts.values())
    marts = (
        exact_money_text(next(iter(amounts), None))
        if len(amounts) <= 1
        else ", ".join(f"{name} {exact_money_text(cost)}" for name, cost in total.marts.items())
    )
    return [exact_money_text(total.raw_total), exact_money_text(total.billed), marts]


def _account_words(each: "AccountResult") -> str:
    if each.state == "unexplained":
        return f"UNEXPLAINED {exact_money_text(each.unexplained)}"
    left_out = sum(part.rows for part in each.total.left_out)
    rows = f", {count_text(left_out)} of {count_text(each.total.raw_rows)} rows left out"
    return each.state + (rows if left_out else "")


def _show_parts(statement: "Statement") -> None:
    """One line: what differs is named in the warnings."""
    if statement.parts:
        names = ", ".join(dict.fromkeys(part.mart for part in statement.parts))
        wrong = f"{len(statement.wrong_parts)} of {len(statement.parts)} sums DIFFER"
        result = wrong if statement.wrong_parts else f"{len(statement.parts)} sums equal"
        show_line(f"Marts of some of the charges ({names}) and FOCUS: {result}")


def _show_invoices(statement: "Statement") -> None:
    if not statement.invoices:
        return
    show_line()
    numbers = ("invoiced", "FOCUS total", "difference")
    rows: list[Sequence[object]] = []
    for each in statement.invoices:
        rows.append([*invoice_place(each), *_invoice_numbers(each), _invoice_words(each)])
        rows += [
            [""] * 7 + [exact_money_text(line.amount), line.what] for line in each.explanations
        ]
    show_table(
        ("source", "month", "account", "currency", "invoice", *numbers, "result"),
        rows,
        right=numbers,
        title="Each invoice: what it says and what its charges add up to",
    )


def invoice_place(each: "InvoiceResult") -> list[str]:
    """Source, month, account, currency, number."""
    return [
        ", ".join(each.sources) or "(none)",
        str(each.month),
        ", ".join(each.accounts) or "(none)",
        each.currency or "(none)",
        ", ".join(each.invoice_ids) or "(no number)",
    ]


def _invoice_numbers(each: "InvoiceResult") -> list[str]:
    return [exact_money_text(cost) for cost in (each.invoiced, each.billed, each.difference)]


def _invoice_words(each: "InvoiceResult") -> str:
    if each.state == "unexplained":
        return f"UNEXPLAINED {exact_money_text(each.unexplained)}" + because(each)
    return each.state + because(each)


def because(each: "InvoiceResult") -> str:
    """Why an invoice has no charges; '' where it has."""
    return f": {each.problem}" if each.problem else ""


def show_statement_csv(statement: "Statement") -> None:
    """One row an account, a mart of some charges, an invoice, an explanation: `level` says."""
    headers = [
        *("level", "source", "billing_period", "account", "currency", "invoice"),
        *("invoiced", "raw_total", "focus_total", *_marts(statement)),
        *("difference", "unexplained", "state", "what"),
    ]
    rows = [row for account in statement.accounts for row in _account_rows(statement, account)]
    rows += [_part_row(statement, part) for part in statement.parts]
    rows += [row for invoice in statement.invoices for row in _invoice_rows(statement, invoice)]
    show_csv(headers, rows)


def _marts(statement: "Statement") -> list[str]:
    return list(dict.fromkeys(mart for each in statement.accounts for mart in each.total.marts))


def _account_rows(statement: "Statement", each: "AccountResult") -> list[list[object]]:
    total, key = each.total, each.total.key
    place = [key.source, str(key.month), key.account, key.currency, None]
    sums = [total.marts.get(mart) for mart in _marts(statement)]
    head: list[object] = ["account", *place, None, total.raw_total, total.billed, *sums]
    rows: list[list[object]] = [[*head, each.difference, each.unexplained, each.state, None]]
    return rows + _explanation_rows(place, len(sums), each.explanations)


def _part_row(statement: "Statement", part: "PartTotal") -> list[object]:
    place = [part.key.source, str(part.key.month), None, part.key.currency, None]
    blank = [None] * len(_marts(statement))
    state = "unexplained" if part.difference else "equal"
    tail: list[object] = [part.difference, part.difference, state, part.mart]
    return ["mart", *place, None, None, part.billed, *blank, *tail]


def _invoice_rows(statement: "Statement", each: "InvoiceResult") -> list[list[object]]:
    place = [
        ", ".join(each.sources) or None,
        str(each.month),
        ", ".join(each.accounts) or None,
        each.currency,
        ", ".join(each.invoice_ids) or None,
    ]
    width = len(_marts(statement))
    head: list[object] = ["invoice", *place, each.invoiced, None, each.billed, *[None] * width]
    tail: list[object] = [each.difference, each.unexplained, each.state, each.problem or None]
    return [head + tail, *_explanation_rows(place, width, each.explanations)]


def _explanation_rows(
    place: list[str | None], width: int, explanations: "tuple[Explanation, ...]"
) -> list[list[object]]:
    blank: list[object] = [None] * (3 + width)
    return [
        ["explanation", *place, *blank, line.amount, None, None, line.what] for line in explanations
    ]


def statement_dict(statement: "Statement") -> dict[str, Any]:
    """What --format json shows."""
    return {
        "explained": statement.is_explained,
        "accounts": [_account_dict(each) for each in statement.accounts],
        "marts_of_a_part": [_part_dict(part) for part in statement.parts],
        "invoices": [_invoice_dict(each) for each in statement.invoices],
    }


def _account_dict(each: "AccountResult") -> dict[str, Any]:
    total, key = each.total, each.total.key
    return {
        "source": key.source,
        "billing_period": str(key.month),
        "account": key.account,
        "currency": key.currency,
        "raw_rows": total.raw_rows,
        "raw_total": total.raw_total,
        "charges": total.charges,
        "focus_total": total.billed,
        "marts": total.marts,
        "left_out": [vars(part) for part in total.left_out],
        "difference": each.difference,
        "explanations": [vars(line) for line in each.explanations],
        "unexplained": each.unexplained,
        "state": each.state,
    }


def _part_dict(part: "PartTotal") -> dict[str, Any]:
    return {
        "source": part.key.source,
        "billing_period": str(part.key.month),
        "currency": part.key.currency,
        "mart": part.mart,
        "focus_total": part.billed,
        "mart_total": part.in_mart,
        "difference": part.difference,
    }


def _invoice_dict(each: "InvoiceResult") -> dict[str, Any]:
    return {
        "sources": each.sources,
        "billing_period": str(each.month),
        "accounts": each.accounts,
        "currency": each.currency,
        "invoices": each.invoice_ids,
        "invoiced": each.invoiced,
        "focus_total": each.billed,
        "difference": each.difference,
        "explanations": [vars(line) for line in each.explanations],
        "unexplained": each.unexplained,
        "state": each.state,
        "problem": each.problem or None,
    }
