"""The demo bills keep what a real AWS bill keeps: files, kinds of rows, exact sums.

One short run (5 months, then a restatement) is made for all tests.  Money is compared as decimal.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

Ask = Callable[[str], list[tuple[Any, ...]]]

SCRIPT = Path(__file__).parents[2] / "demo" / "make_bills.py"
MONTHS = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
RESTATED = "2026-07"
# the private discount starts in the fourth month
NET_MONTHS = ["2026-09", "2026-10"]
EXPORT = Path("billing/company-cur")
KINDS: dict[str, str] = tomllib.loads((Path(__file__).parent / "kinds.toml").read_text("utf-8"))


def make(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(out), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def read_truth(out: Path) -> dict[str, Any]:
    """truth.json of a run."""
    truth: dict[str, Any] = json.loads((out / "truth.json").read_text("utf-8"))
    return truth


def list_files(out: Path, manifest: Path) -> list[str]:
    """Data files of a manifest, as paths on this disk."""
    uris = json.loads(manifest.read_text("utf-8"))["dataFiles"]
    return [str(out / uri.removeprefix("s3://tallowfen-billing/")) for uri in uris]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five months of bills."""
    folder = tmp_path_factory.mktemp("bills")
    done = make(folder, "--months", "5")
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == len(MONTHS)
    return folder


@pytest.fixture(scope="module")
def ask(out: Path) -> Iterator[Ask]:
    """Query table `bill`: all rows of the newest manifests; cost, net and billed as decimal."""
    files = [
        file
        for month in MONTHS
        for file in list_files(
            out, out / EXPORT / f"metadata/BILLING_PERIOD={month}/company-cur-Manifest.json"
        )
    ]
    with duckdb.connect() as connection:
        connection.execute("create macro d(x) as x::decimal(38, 10)")
        connection.execute(
            """
            create table bill as
            select *, regexp_extract(filename, 'PERIOD=([0-9-]+)', 1) as month,
                line_item_line_item_type as line_type,
                d(line_item_unblended_cost) as cost,
                d(line_item_net_unblended_cost) as net,
                coalesce(net, cost) as billed
            from read_parquet(?, filename = true)
            """,
            [files],
        )
        yield lambda sql: connection.execute(sql).fetchall()


def test_manifests_name_files_that_exist(out: Path) -> None:
    manifests = sorted((out / EXPORT / "metadata").rglob("*-Manifest.json"))
    # one per execution and the newest, and maybe the restatement of another test
    assert len(manifests) >= 2 * len(MONTHS)
    chunks = set()
    for path in manifests:
        files = list_files(out, path)
        chunks.add(len(files))
        assert all(Path(file).is_file() for file in files), path
        manifest = json.loads(path.read_text("utf-8"))
        assert manifest["exportName"] == "company-cur"
        assert manifest["executionId"] in files[0]
        names = [c["name"] for c in manifest["columns"]]
        described = duckdb.execute(
            "describe from read_parquet(?, hive_partitioning = false)", [files[0]]
        ).fetchall()
        assert names == [row[0] for row in described]
    assert chunks == {1, 2}
    assert not list(out.rglob("*.part"))


def test_columns_have_the_types_of_cur_2(ask: Ask) -> None:
    types: dict[str, str] = dict(ask("select column_name, column_type from (describe bill)"))
    assert types["line_item_unblended_cost"] == "DOUBLE"
    assert types["line_item_unblended_rate"] == "VARCHAR"
    assert types["line_item_usage_account_id"] == "VARCHAR"
    assert types["line_item_usage_start_date"] == "TIMESTAMP"
    assert types["resource_tags"] == "MAP(VARCHAR, VARCHAR)"
    assert types["discount"] == "MAP(VARCHAR, DOUBLE)"


@pytest.mark.parametrize("month", MONTHS)
def test_truth_equals_the_files(ask: Ask, out: Path, month: str) -> None:
    truth = read_truth(out)["months"][month]
    rows, billed, tax, credit = ask(f"""
        select count(*), sum(billed), sum(billed) filter (line_type = 'Tax'),
            coalesce(sum(billed) filter (line_type = 'Credit'), 0)
        from bill where month = '{month}'
        """)[0]
    assert rows == truth["rows"]
    assert billed == Decimal(truth["billed_total"])
    assert tax == Decimal(truth["tax"])
    assert credit == Decimal(truth["credits"])
    by_type = ask(f"""
        select line_type, count(*), sum(cost), sum(net)
        from bill where month = '{month}' group by line_type
        """)
    expected = {
        line_type: (n, Decimal(cost), None if net is None else Decimal(net))
        for line_type, (n, cost, net) in truth["by_line_item_type"].items()
    }
    assert {row[0]: row[1:] for row in by_type} == expected


def test_effective_total_by_another_way(ask: Ask, out: Path) -> None:
    """aws.md, identity 2: effective - billed = amortised upfront - upfront fees paid this month."""
    gaps = ask("""
        select month, sum(coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period,
                savings_plan_amortized_upfront_commitment_for_billing_period)::decimal(38, 10)
            + coalesce(reservation_net_amortized_upfront_fee_for_billing_period,
                reservation_amortized_upfront_fee_for_billing_period)::decimal(38, 10))
            - sum(if(line_type = 'SavingsPlanUpfrontFee'
                or (line_type = 'Fee' and reservation_reservation_a_r_n is not null), billed, 0))
        from bill group by month
        """)
    truth = read_truth(out)
    for month, gap in gaps:
        numbers = truth["months"][month]
        effective = Decimal(numbers["effective_total"])
        assert effective - Decimal(numbers["billed_total"]) == gap, month


def test_covered_and_negation_cancel(ask: Ask) -> None:
    sums = ask("""
        select sum(cost), sum(coalesce(net, 0)), count(distinct line_type), count(*)
        from bill
        where line_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
        group by month, line_item_usage_start_date, line_item_usage_account_id,
            savings_plan_savings_plan_a_r_n
        """)
    assert sums
    assert {(cost, net, types) for cost, net, types, _ in sums} == {(0, 0, 2)}
    # one negation stands for many covered rows, and for no resource
    covered, negations, named = ask("""
        select count(*) filter (line_type = 'SavingsPlanCoveredUsage'),
            count(*) filter (line_type = 'SavingsPlanNegation'),
            count(*) filter (line_type = 'SavingsPlanNegation' and line_item_resource_id <> '')
        from bill
        """)[0]
    assert covered > negations > 0
    assert named == 0


def test_savings_plans_use_what_they_commit(ask: Ask) -> None:
    plans = ask("""
        with money as (
            select *,
                d(savings_plan_total_commitment_to_date) as total,
                d(savings_plan_used_commitment) as used,
                d(savings_plan_savings_plan_effective_cost) as eff,
                d(savings_plan_net_savings_plan_effective_cost) as net_eff,
                d(savings_plan_recurring_commitment_for_billing_period)
                    + d(savings_plan_amortized_upfront_commitment_for_billing_period) as owed,
                d(savings_plan_net_recurring_commitment_for_billing_period)
                    + d(savings_plan_net_amortized_upfront_commitment_for_billing_period)
                    as net_owed
            from bill where savings_plan_savings_plan_a_r_n is not null
        )
        select savings_plan_payment_option, month, sum(total), sum(used), sum(eff), sum(owed),
            sum(net_owed), sum(net_eff), count(*) filter (used < total),
            count(*) filter (used = total and total > 0)
        from money group by all
        """)
    assert {p[0] for p in plans} == {"No Upfront", "Partial Upfront"}
    for _, month, total, used, eff, owed, net_owed, net_eff, short, full in plans:
        assert used == eff
        assert owed == total
        assert short > 0
        assert full > 0
        if month in NET_MONTHS:
            # used and unused share one factor: both decimals are exact
            assert net_eff * total == used * net_owed


def test_reservations_use_what_they_cost(ask: Ask) -> None:
    rows = ask("""
        select reservation_reservation_a_r_n, month,
            sum(d(reservation_effective_cost)),
            sum(d(reservation_unused_amortized_upfront_fee_for_billing_period)
                + d(reservation_unused_recurring_fee)),
            sum(d(reservation_amortized_upfront_fee_for_billing_period))
                + sum(cost) filter (line_type = 'RIFee'),
            sum(d(reservation_net_effective_cost)
                + d(reservation_net_unused_amortized_upfront_fee_for_billing_period)
                + d(reservation_net_unused_recurring_fee)),
            sum(d(reservation_net_amortized_upfront_fee_for_billing_period))
                + sum(net) filter (line_type = 'RIFee')
        from bill where line_type in ('DiscountedUsage', 'RIFee') group by all
        """)
    assert len({row[0] for row in rows}) == 3
    assert sum(unused for _, _, _, unused, *_ in rows) > 0
    for arn, _, used, unused, owed, net_sum, net_owed in rows:
        assert used + unused == owed, arn
        assert net_sum == net_owed, arn


def test_discount_is_a_map_and_net_is_the_bill(ask: Ask) -> None:
    rows = ask("""
        select month, sum(cost), sum(d(discount_total_discount)), sum(net),
            sum(d(coalesce(discount['edp_discount'], 0))),
            count(*) filter (line_type like '%Discount'),
            count(*) filter (net <> cost and line_type in ('Tax', 'Credit', 'Refund'))
        from bill group by month
        """)
    for month, cost, discount, net, in_map, discount_rows, wrong in rows:
        assert discount_rows == wrong == 0
        if month in NET_MONTHS:
            assert cost + discount == net
            assert in_map == discount < 0
        else:
            assert discount is None and net is None


@pytest.mark.parametrize("kind", KINDS)
def test_kind_occurs(ask: Ask, kind: str) -> None:
    assert ask(f"select count(*) from bill where {KINDS[kind]}")[0][0] > 0


def test_company_looks_like_a_company(ask: Ask) -> None:
    services, accounts, regions, names = ask("""
        select count(distinct line_item_product_code), count(distinct line_item_usage_account_id),
            count(distinct product_region_code), list(distinct resource_tags['user_team'])
        from bill
        """)[0]
    assert 55 <= services <= 70
    assert accounts == 10
    assert regions == 4
    assert {"Checkout", "checkout ", "check-out"} <= set(names)
    for month, rows, billed in ask("select month, count(*), sum(billed) from bill group by 1"):
        assert 15_000 < rows < 33_000, month
        assert 240_000 < billed < 420_000, month
    untagged = ask("""
        select sum(cost) filter (resource_tags['user_team'] is null
            and resource_tags['user_owner_team'] is null) / sum(cost)
        from bill where line_type in ('Usage', 'SavingsPlanCoveredUsage') and month <> '2026-08'
        """)[0][0]
    assert 0.14 < untagged < 0.22


def test_weekends_are_quiet_and_four_days_are_not(ask: Ask) -> None:
    week, weekend = ask("""
        select avg(usd) filter (isodow(day) < 6), avg(usd) filter (isodow(day) > 5) from (
            select line_item_usage_start_date as day, sum(cost) as usd
            from bill where line_type = 'Usage' and month = '2026-09' group by day)
        """)[0]
    assert weekend < 0.95 * week
    days = ask("""
        select line_item_usage_start_date from bill
        where line_type = 'Usage' and line_item_product_code = 'AmazonSageMaker'
        group by line_item_usage_start_date having sum(cost) > 3000
        """)
    assert len(days) == 4


def test_only_the_open_month_has_no_invoice(ask: Ask) -> None:
    invoices: dict[str, list[str]] = dict(
        ask("select month, list(distinct bill_invoice_id) from bill group by 1")
    )
    assert invoices.pop("2026-10") == [""]
    assert all("" not in ids and len(ids) >= 2 for ids in invoices.values())


def test_pods_add_up_to_their_node(ask: Ask) -> None:
    nodes = ask("""
        with pod as (
            select split_line_item_parent_resource_id as node, line_item_usage_start_date as day,
                sum(d(split_line_item_split_cost)
                    + d(split_line_item_unused_cost)) as usd
            from bill where line_item_operation = 'EKSPod-EC2' group by all
        ),
        node as (
            select line_item_resource_id as node, line_item_usage_start_date as day,
                sum(case line_type
                    when 'SavingsPlanCoveredUsage' then savings_plan_savings_plan_effective_cost
                    else line_item_unblended_cost end::decimal(38, 10)) as usd
            from bill where line_item_usage_type like '%BoxUsage:m6i.2xlarge' group by all
        )
        select pod.usd, node.usd from pod join node using (node, day)
        """)
    assert len(nodes) > 1000
    assert all(pods == node for pods, node in nodes)


def test_row_ids_are_unique_in_a_month(ask: Ask) -> None:
    twice = "select count(*) - count(distinct identity_line_item_id) from bill group by month"
    assert {row[0] for row in ask(twice)} == {0}


def test_same_seed_same_truth_other_seed_other_truth(tmp_path: Path) -> None:
    for name, seed in {"a": "7", "b": "7", "c": "8"}.items():
        done = make(tmp_path / name, "--months", "2", "--seed", seed)
        assert done.returncode == 0, done.stderr
    a, b, c = (read_truth(tmp_path / name) for name in "abc")
    assert a == b
    assert a["months"] != c["months"]

    def tree(name: str) -> list[Path]:
        return sorted(p.relative_to(tmp_path / name) for p in (tmp_path / name).rglob("*.parquet"))

    assert tree("a") == tree("b") != tree("c")


def test_restatement_changes_totals_and_keeps_the_old_version(ask: Ask, out: Path) -> None:
    # ask is needed so that its table is loaded from the first version
    metadata = out / EXPORT / f"metadata/BILLING_PERIOD={RESTATED}"
    newest = metadata / "company-cur-Manifest.json"
    old = json.loads(newest.read_text("utf-8"))
    untouched = out / EXPORT / "metadata/BILLING_PERIOD=2026-08/company-cur-Manifest.json"
    before = untouched.stat().st_mtime_ns
    done = make(out, "--months", "5", "--restate")
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert untouched.stat().st_mtime_ns == before

    new = json.loads(newest.read_text("utf-8"))
    assert new["executionId"] > old["executionId"]
    assert (metadata / old["executionId"] / "company-cur-Manifest.json").is_file()
    assert all(Path(file).is_file() for file in list_files(out, newest))
    first, again = read_truth(out)["months"][RESTATED], read_truth(out)["restated"][RESTATED]
    assert Decimal(again["billed_total"]) < Decimal(first["billed_total"])
    assert again["rows"] > first["rows"]
    billed = duckdb.execute(
        """
        select sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
            ::decimal(38, 10)) from read_parquet(?)
        """,
        [list_files(out, newest)],
    ).fetchall()[0][0]
    assert billed == Decimal(again["billed_total"])


def test_restating_with_other_settings_is_refused(out: Path) -> None:
    done = make(out, "--months", "4", "--restate")
    assert done.returncode == 2
    assert "hint:" in done.stderr


def test_help_has_an_example(tmp_path: Path) -> None:
    done = make(tmp_path, "--help")
    assert done.returncode == 0
    assert "example:" in done.stdout
