"""Products and quotients of money in DuckDB against Python's Decimal, within what is promised."""

from decimal import Decimal, localcontext

import duckdb
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from test_engine_macros import MACROS

from finops_stack.vendors.expressions import expression_sql, parse_expression

LIMIT = Decimal(10) ** 23
UNIT = Decimal("1e-15")
# A double's half step is 1.1e-16 of its value; two factors, the operation and a cast: four of them.
NEAR = Decimal("4.5e-16")


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


def numbers(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals of at most so many digits, of which so many are places."""
    whole = st.integers(-(10**digits) + 1, 10**digits - 1)
    return st.builds(lambda n, p: Decimal(n).scaleb(-p), whole, st.integers(0, places))


def calculate(connection, operator: str, left, right) -> Decimal | None:
    """As a model would: an expression of vendor.toml through the macros."""
    tree = parse_expression(f"a {operator} b", {"": {"a": "a", "b": "b"}})
    call = expression_sql(tree).removeprefix("{{ ").removesuffix(" }}")
    sql = eval(call, {"multiply_money": MACROS.multiply_money, "divide_money": MACROS.divide_money})
    row = connection.execute(
        f"select {sql} from (select $1::decimal(38, 15) as a, $2::decimal(38, 15) as b) as source",
        [None if left is None else f"{left:f}", None if right is None else f"{right:f}"],
    ).fetchone()
    assert row is not None
    return row[0]


@given(numbers(11, 8), numbers(11, 7))
@example(Decimal("0.1"), Decimal("0.2"))
@example(Decimal("99999999999"), Decimal("99999999999"))
def test_a_product_whose_places_fit_in_fifteen_is_exact(connection, left, right):
    assert calculate(connection, "*", left, right) == left * right


@given(numbers(18, 15), st.integers(-999, 999))
@example(Decimal("0.000000000000001"), 7)
def test_a_product_with_a_whole_number_is_exact(connection, price, quantity):
    assume(abs(price) < 1000)
    assert calculate(connection, "*", price, Decimal(quantity)) == price * quantity
    assert calculate(connection, "*", Decimal(quantity), price) == price * quantity


@given(numbers(20, 15), numbers(20, 15))
def test_any_product_has_sixteen_digits(connection, left, right):
    with localcontext() as context:
        context.prec = 80
        exact = left * right
        assume(abs(exact) < LIMIT / 10)
        result = calculate(connection, "*", left, right)
        assert abs(result - exact) <= NEAR * abs(exact) + UNIT


@given(numbers(20, 15), numbers(20, 15))
def test_any_quotient_has_sixteen_digits(connection, dividend, divisor):
    assume(divisor)
    with localcontext() as context:
        context.prec = 80
        exact = dividend / divisor
        assume(abs(exact) < LIMIT / 10)
        result = calculate(connection, "/", dividend, divisor)
        # where eight places are the same to the last digit, those are taken: once more as far
        assert abs(result - exact) <= 2 * NEAR * abs(exact) + UNIT


@given(numbers(14, 8), numbers(6, 3))
@example(Decimal("411522.63"), Decimal(3))
def test_a_quotient_of_eight_places_is_found_again(connection, price, quantity):
    assume(quantity and abs(price) < 10**6)
    assert calculate(connection, "/", price * quantity, quantity) == price


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("/", Decimal(1), Decimal(0)),
        ("/", None, Decimal(1)),
        ("*", None, Decimal(1)),
        ("*", Decimal(1), None),
    ],
)
def test_nothing_comes_of_nothing(connection, operator, left, right):
    assert calculate(connection, operator, left, right) is None


def test_a_price_cast_inside_a_product_keeps_its_places():
    """Plain decimal is decimal(18, 3) to DuckDB: a price list's 0.0004 would be 0."""
    tree = parse_expression("cast(a as decimal) * b", {"": {"a": "a", "b": "b"}})
    assert "DECIMAL(38, 15)" in expression_sql(tree)
