"""Lists of records in text columns: as JSON, and as Python writes them."""

from decimal import Decimal

import duckdb
import pytest

from finops_stack.build.records import records_sql, unreadable_records
from finops_stack.ingest.landed import RawColumn

FIELDS = {"name": "text", "amount": "money"}
COLUMN = RawColumn("credits", "credits", "VARCHAR")


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
    assert asked(text, records_sql(COLUMN, FIELDS)) == expected
    assert not asked(text, unreadable_records(COLUMN, FIELDS))


@pytest.mark.parametrize("text", ["credit", "{'name': 'a'}", '[{"amount": "much"}]'])
def test_refuses_what_is_no_list_of_records(text: str) -> None:
    assert asked(text, unreadable_records(COLUMN, FIELDS))
