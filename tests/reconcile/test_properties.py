"""Whatever the rows: splitting them keeps the books balanced, changing them does not."""

from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SMALLEST = Decimal("0.000000000000001")

# One connection serves all examples; each starts from empty tables.
with_shared_books = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

costs = st.decimals(-(10**6), 10**6, places=15)
# account, currency, cost, and how much of it the second part takes (None: one part).
raw_rows = st.lists(
    st.tuples(
        st.sampled_from(["00123", "123", None]),
        st.sampled_from(["EUR", "USD"]),
        costs,
        st.none() | costs,
    ),
    min_size=1,
    max_size=12,
)


def fill(books, rows):
    """The FOCUS rows of raw rows, some in two parts, and totals taken from the raw rows."""
    books.clear()
    totals, counts = Counter(), Counter()
    for number, (account, currency, cost, second) in enumerate(rows):
        labels = {"BillingAccountId": account, "BillingCurrency": currency}
        books.charge(number, cost - (second or 0), **labels)
        if second is not None:
            books.charge(number, second, x_SourcePart=1, **labels)
        totals[account, currency] += cost
        counts[account, currency] += 1
    for (account, currency), count in counts.items():
        books.control(count, totals[account, currency], account=account, currency=currency)
    books.delivered[books.bill] = len(rows)


def failed_ids(books):
    return {result.check_id for result in books.check() if not result.passed}


@with_shared_books
@given(rows=raw_rows)
def test_any_split_of_raw_rows_balances(shared_books, rows):
    fill(shared_books, rows)
    assert failed_ids(shared_books) == set()


@with_shared_books
@given(rows=raw_rows, data=st.data())
def test_the_smallest_change_of_one_row_is_found(shared_books, rows, data):
    fill(shared_books, rows)
    row = data.draw(st.integers(0, len(rows) - 1))
    shared_books.connection.execute(
        "update focus set BilledCost = BilledCost + ?::decimal(38, 15)"
        " where x_SourceRow = ? and x_SourcePart = 0",
        [SMALLEST, row],
    )
    assert failed_ids(shared_books) == {"control-total"}


@with_shared_books
@given(
    addresses=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]), st.none() | st.integers(0, 3), st.integers(0, 1)
        ),
        min_size=1,
        max_size=10,
    )
)
def test_lineage_is_unique_exactly_when_no_address_repeats(shared_books, addresses):
    shared_books.clear()
    for file, row, part in addresses:
        shared_books.charge(row, "1", x_SourceFile=file, x_SourcePart=part)
    counted = Counter(address for address in addresses if address[0] is not None)
    repeated = sum(count for count in counted.values() if count > 1)
    results = {result.check_id: result for result in shared_books.check()}
    assert results["lineage-unique"].failed_rows == repeated
    assert results["lineage-unique"].billed_cost == repeated
