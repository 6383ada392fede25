"""Lists of records in text columns: as JSON, and as Python writes them."""

from decimal import Decimal

import duckdb
import pytest

from finops_stack.build.bill_rows import column_expressions, unreadable_predicates
from finops_stack.ingest.landed import RawColumn
from finops_stack.vendors.manifest import Columns, Form

FORM = Form(
    name="bill",
    title="Bill",
    recognised_by=("credits",),
    focus="acme__bill_focus",
    control="acme__bill_control",
    columns=Columns(),
    records={"credits": {"name": "text", "amount": "money"}},
)
COLUMNS = (RawColumn("credits", "credits", "VARCHAR"),)
READ = column_expressions(FORM, COLUMNS)["credits"]
UNREADABLE = unreadable_predicates(FORM, COLUMNS)["credits"]


def asked(text: str | None, sql: str) -> object:
    row = duckdb.execute(f"select {sql} from (select ?::varchar as credits)", [text]).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"name": "a", "amount": -0.1}]', [{"name": "a", "amount": Decimal("-0.1")}]),
        ('[{"amount": "2", "more": 1}]', [{"name": None, "amount": Decimal(2)}]),
        ("[{'name': 'a, b', 'amount': -0.1}]", [{"name": "a, b", "amount": Decimal("-0.1")}]),
        ("[]", []),
        ("", []),
        (None, []),
    ],
)
def test_reads(text: str | None, expected: object) -> None:
    assert asked(text, READ) == expected
    assert not asked(text, UNREADABLE)


@pytest.mark.parametrize("text", ["credit", "{'name': 'a'}", '[{"amount": "much"}]'])
def test_refuses_what_is_no_list_of_records(text: str) -> None:
    assert asked(text, UNREADABLE)
