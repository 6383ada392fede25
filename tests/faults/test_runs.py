"""Whole runs, end to end: what is published after each kind of fault, and after its repair.

D4, D6, D8-D12, T3, V8-V10 of the fault catalogue.
"""

import json
import shutil

import pytest

from acme_bills import acme_row, acme_rows

SEPTEMBER = ("acme", "2026-09")


def warnings(ended):
    return [line for line in ended.stderr.splitlines() if line.startswith("warning:")]


def test_d4_d6_one_faulty_delivery_stops_no_other_and_the_next_run_repairs(workspace):
    """One good source; one with a broken month, a month with a file missing, and a good month."""
    workspace.configure("acme", "two", "gone")
    shutil.rmtree(workspace.folder / "gone")
    workspace.deliver()
    workspace.deliver(source="two", rows=acme_rows(amounts=["1"]))
    workspace.deliver("2026-10", source="two", rows=acme_rows(amounts=["NaN"]))
    broken = workspace.deliver("2026-11", source="two", delivery_id="n")
    whole = broken.manifest.read_bytes()
    broken.manifest.write_bytes(whole[:20])
    missing = workspace.deliver("2026-12", source="two")
    lost = missing.file.read_bytes()
    missing.file.unlink()

    first = workspace.finops("run")
    assert first.exit_code == 2, first
    assert workspace.totals() == {SEPTEMBER: (2, "3.75"), ("two", "2026-09"): (1, "1.00")}
    told = "\n".join(warnings(first))
    assert "source gone:" in told and "is not there" in told
    assert 'two 2026-10 was refused: 2026-10/d1-1.csv, row 0: amount is "NaN"' in told
    assert "two 2026-11" in told and "2026-11/manifest.json is not JSON" in told
    assert "1 of its files are not there: 2026-12/d1-1.csv" in told
    assert "Traceback" not in first.output

    # everything mended at its source: the next run needs no flag
    workspace.deliver("2026-10", source="two", rows=acme_rows(amounts=["2"]))
    broken.manifest.write_bytes(whole)
    missing.file.write_bytes(lost)
    (workspace.folder / "gone").mkdir()
    workspace.deliver(source="gone", rows=acme_rows(amounts=["8"]))
    repaired = workspace.finops("run")
    assert (repaired.exit_code, warnings(repaired)) == (0, [])
    assert workspace.totals() == {
        SEPTEMBER: (2, "3.75"),
        ("two", "2026-09"): (1, "1.00"),
        ("two", "2026-10"): (1, "2.00"),
        ("two", "2026-11"): (2, "3.75"),
        ("two", "2026-12"): (2, "3.75"),
        ("gone", "2026-09"): (1, "8.00"),
    }


def test_d8_d10_d11_a_restated_month_replaces_exactly_and_comes_back_never(workspace):
    workspace.deliver(version="20261001T000000Z", delivery_id="v1",
                      rows=acme_rows(amounts=["1", "2", "3"]))  # fmt: skip
    workspace.deliver("2026-08", rows=acme_rows("2026-08", amounts=["5"]))
    assert workspace.finops("run").exit_code == 0
    first = workspace.lake.published_snapshot()

    # the same delivery twice: no change in bytes
    catalogue = workspace.lake.catalog_file.read_bytes()
    again = workspace.finops("run")
    assert (again.exit_code, again.stdout.strip()) == (0, "nothing new: 2 bills as published")
    assert workspace.lake.catalog_file.read_bytes() == catalogue

    # fewer rows, 45 days later
    newer = workspace.deliver(version="20261115T000000Z", delivery_id="v2",
                              rows=[acme_row(amount="-4", quantity="-3")])  # fmt: skip
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {("acme", "2026-08"): (1, "5.00"), SEPTEMBER: (1, "-4.00")}
    assert workspace.rows("select distinct x_DeliveryId from focus order by 1") == [
        ("d1",),
        ("v2",),
    ]
    assert workspace.rows("select count(*) from cost_by_day where x_DeliveryId = 'v1'") == [(0,)]
    with workspace.lake.published(snapshot=first) as then:
        assert then.execute("select sum(BilledCost)::int from focus").fetchall() == [(11,)]

    # the newer one is gone at the source: the older one is left alone unless forced
    shutil.rmtree(newer.manifest.parent)
    older = workspace.finops("run")
    assert older.exit_code == 2
    assert "older than the loaded delivery v2" in warnings(older)[0]
    assert workspace.totals()[SEPTEMBER] == (1, "-4.00")
    assert workspace.finops("run", "--full").exit_code == 0
    assert workspace.totals()[SEPTEMBER] == (3, "6.00")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_d9_a_month_without_rows_is_published_empty(workspace, kind):
    workspace.deliver("2026-08", rows=acme_rows("2026-08"))
    workspace.deliver(rows=[], kind=kind)
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    assert workspace.totals() == {("acme", "2026-08"): (2, "3.75")}
    assert "acme 2026-09" in ended.stderr
    assert "no rows" in ended.stderr
    assert workspace.finops("run").stdout.strip() == "nothing new: 2 bills as published"


def test_d9_a_month_restated_to_no_rows_becomes_empty(workspace):
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(delivery_id="d2", rows=[])
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {}
    assert workspace.rows("select count(*) from cost_by_month") == [(0,)]


def test_d12_thirteen_months_in_any_order_and_one_deleted_at_the_source(workspace):
    months = [f"2025-{n:02d}" for n in range(9, 13)] + [f"2026-{n:02d}" for n in range(1, 10)]
    late = months.pop(4)
    for n, month in enumerate(reversed(months)):
        workspace.deliver(month, rows=acme_rows(month, amounts=[str(n + 1)]))
    assert workspace.finops("run").exit_code == 0
    workspace.deliver(late, rows=acme_rows(late, amounts=["100"]))
    shutil.rmtree(workspace.bills / months[0])
    assert workspace.finops("run").exit_code == 0
    expected = {("acme", m): (1, f"{n + 1}.00") for n, m in enumerate(reversed(months))}
    assert workspace.totals() == expected | {("acme", late): (1, "100.00")}
    shutil.rmtree(workspace.bills)
    workspace.bills.mkdir()
    gone = workspace.finops("run")
    assert gone.exit_code == 2
    assert len(workspace.totals()) == 13


def test_v8_v9_v10_t3_checks_hold_a_bill_or_flag_it_and_currencies_stay_apart(workspace):
    workspace.configure("acme", "two")
    rows = [
        acme_row(amount="10", currency="EUR"),
        acme_row(amount="-25", currency="EUR", quantity="0"),
        acme_row(amount="7", currency="USD", quantity="1"),
        acme_row(amount="0", currency="USD", start="2026-07-01T00:00:00Z"),
    ]
    workspace.deliver(rows=rows)
    workspace.deliver(source="two", rows=acme_rows(amounts=["1", ""]))
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended
    assert "two 2026-09 is held back by its checks" in ended.stderr
    assert workspace.totals() == {SEPTEMBER: (4, "-8.00")}
    for mart in ("focus", "cost_by_month", "cost_by_day"):
        cost = "BilledCost" if mart == "focus" else "billed_cost"
        assert workspace.rows(
            f"select BillingCurrency, sum({cost})::int from {mart} group by all order by 1"
        ) == [("EUR", -15), ("USD", 7)]
    with workspace.lake.open(read_only=True) as connection:
        results = [
            json.loads(row[0])
            for row in connection.execute("select result from ops.check_results").fetchall()
        ]
    assert any(
        "period" in r["check_id"] and r["source"] == "acme" and r["failed_rows"] for r in results
    )

    # held stays held, and is told each time; a mended delivery publishes
    held = workspace.finops("run")
    assert (held.exit_code, "still held back" in held.stderr) == (3, True)
    workspace.deliver(source="two", delivery_id="d2", rows=acme_rows(amounts=["1", "2"]))
    assert workspace.finops("run").exit_code == 0
    assert workspace.totals() == {SEPTEMBER: (4, "-8.00"), ("two", "2026-09"): (2, "3.00")}


def test_a_held_restatement_leaves_the_published_bill_in_every_table(workspace):
    workspace.deliver(rows=acme_rows(amounts=["1", "2"]))
    assert workspace.finops("run").exit_code == 0
    tables = ("focus", "cost_by_month", "cost_by_day", "resources_by_month", "bill_controls")
    before = {t: workspace.rows(f"select * from {t} order by all") for t in tables}
    workspace.deliver(delivery_id="d2", rows=acme_rows(amounts=["1", ""]))
    assert workspace.finops("run").exit_code == 3
    assert {t: workspace.rows(f"select * from {t} order by all") for t in tables} == before
    workspace.deliver("2026-10")
    assert workspace.finops("run").exit_code == 3
    assert workspace.totals() == {SEPTEMBER: (2, "3.00"), ("acme", "2026-10"): (2, "3.75")}
