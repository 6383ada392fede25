"""The sums that a converter must find, as exact decimal text.

They come from the exact lines the generator made, not from the written Parquet files.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb

from billgen.engine import run_file

TOP_PRODUCTS = 15


def measure(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Truth of the month in table `bill`; money in USD, 10 decimals.

    by_line_item_type is [rows, unblended, net]; net is null in months before the discount.
    by_product_code has the largest products, their tax and refunds included.
    """
    run_file(con, "12_truth")
    rows, billed, effective, unblended, tax, credits, negations, splits = one(
        con,
        """
        select count(*), sum(billed), sum(effective), sum(cost),
            coalesce(sum(billed) filter (line_type = 'Tax'), 0),
            coalesce(sum(billed) filter (line_type = 'Credit'), 0),
            count(*) filter (line_type = 'SavingsPlanNegation'),
            count(*) filter (operation = 'EKSPod-EC2')
        from judged
        """,
    )
    by_type = con.execute(
        """
        select line_type, count(*), sum(cost), if(edp() > 0, sum(net), null)
        from judged group by line_type order by line_type
        """
    ).fetchall()
    by_product = con.execute(
        """
        select product_code, sum(billed) as billed from judged group by product_code
        order by billed desc, product_code limit ?
        """,
        [TOP_PRODUCTS],
    ).fetchall()
    return {
        "rows": rows,
        "billed_total": text(billed),
        "effective_total": text(effective),
        "unblended_total": text(unblended),
        "by_line_item_type": {t: [n, text(u), text(net)] for t, n, u, net in by_type},
        "by_product_code": {product: text(b) for product, b in by_product},
        "tax": text(tax),
        "credits": text(credits),
        "negation_rows": negations,
        "split_rows": splits,
    }


def one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    """The only row of a query."""
    row: tuple[object, ...] | None = con.execute(sql).fetchone()
    if row is None:
        raise ValueError("query gave no row")
    return row


def text(value: object) -> str | None:
    """Decimal as plain text with 10 decimals; null stays null."""
    return None if value is None else f"{Decimal(str(value)):.10f}"
