"""The demo bills keep what a real AWS bill keeps: files, kinds of rows, exact sums.

One short run (5 months, then a restatement) is made for all tests.  Money is compared as decimal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

SCRIPT = Path(__file__).parents[2] / "demo" / "make_bills.py"
MONTHS = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
RESTATED = "2026-07"
# the private discount starts in the fourth month
NET_MONTHS = ["2026-09", "2026-10"]
EXPORT = Path("billing/company-cur")


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
def con(out: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """View `bill`: every row of the newest manifests, `month` from the folder, money as decimal."""
    files = [
        file
        for month in MONTHS
        for file in list_files(
            out, out / EXPORT / f"metadata/BILLING_PERIOD={month}/company-cur-Manifest.json"
        )
    ]
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table bill as
            select *, regexp_extract(filename, 'PERIOD=([0-9-]+)', 1) as month,
                line_item_line_item_type as line_type,
                line_item_unblended_cost::decimal(38, 10) as cost,
                line_item_net_unblended_cost::decimal(38, 10) as net,
                coalesce(net, cost) as billed
            from read_parquet(?, filename = true)
            """,
            [files],
        )
        yield connection


def query(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows."""
    return con.execute(sql).fetchall()


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


def test_columns_have_the_types_of_cur_2(con: duckdb.DuckDBPyConnection) -> None:
    types = dict(con.execute("select column_name, column_type from (describe bill)").fetchall())
    assert types["line_item_unblended_cost"] == "DOUBLE"
    assert types["line_item_unblended_rate"] == "VARCHAR"
    assert types["line_item_usage_account_id"] == "VARCHAR"
    assert types["line_item_usage_start_date"] == "TIMESTAMP"
    assert types["resource_tags"] == "MAP(VARCHAR, VARCHAR)"
    assert types["discount"] == "MAP(VARCHAR, DOUBLE)"


@pytest.mark.parametrize("month", MONTHS)
def test_truth_equals_the_files(con: duckdb.DuckDBPyConnection, out: Path, month: str) -> None:
    truth = read_truth(out)["months"][month]
    rows, billed, tax, credit = query(
        con,
        f"""
        select count(*), sum(billed), sum(billed) filter (line_type = 'Tax'),
            coalesce(sum(billed) filter (line_type = 'Credit'), 0)
        from bill where month = '{month}'
        """,
    )[0]
    assert rows == truth["rows"]
    assert billed == Decimal(truth["billed_total"])
    assert tax == Decimal(truth["tax"])
    assert credit == Decimal(truth["credits"])
    by_type = query(
        con,
        f"""
        select line_type, count(*), sum(cost), sum(net)
        from bill where month = '{month}' group by line_type
        """,
    )
    expected = {
        line_type: (n, Decimal(cost), None if net is None else Decimal(net))
        for line_type, (n, cost, net) in truth["by_line_item_type"].items()
    }
    assert {row[0]: row[1:] for row in by_type} == expected


def test_effective_total_by_another_way(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """aws.md, identity 2: effective - billed = amortised upfront - upfront fees paid this month."""
    gaps = query(
        con,
        """
        select month, sum(coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period,
                savings_plan_amortized_upfront_commitment_for_billing_period)::decimal(38, 10)
            + coalesce(reservation_net_amortized_upfront_fee_for_billing_period,
                reservation_amortized_upfront_fee_for_billing_period)::decimal(38, 10))
            - sum(if(line_type = 'SavingsPlanUpfrontFee'
                or (line_type = 'Fee' and reservation_reservation_a_r_n is not null), billed, 0))
        from bill group by month
        """,
    )
    truth = read_truth(out)
    for month, gap in gaps:
        numbers = truth["months"][month]
        effective = Decimal(numbers["effective_total"])
        assert effective - Decimal(numbers["billed_total"]) == gap, month


def test_covered_and_negation_cancel(con: duckdb.DuckDBPyConnection) -> None:
    sums = query(
        con,
        """
        select sum(cost), sum(coalesce(net, 0)), count(distinct line_type), count(*)
        from bill
        where line_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
        group by month, line_item_usage_start_date, line_item_usage_account_id,
            savings_plan_savings_plan_a_r_n
        """,
    )
    assert sums
    assert {(cost, net, types) for cost, net, types, _ in sums} == {(0, 0, 2)}
    # one negation stands for many covered rows, and for no resource
    covered, negations, named = query(
        con,
        """
        select count(*) filter (line_type = 'SavingsPlanCoveredUsage'),
            count(*) filter (line_type = 'SavingsPlanNegation'),
            count(*) filter (line_type = 'SavingsPlanNegation' and line_item_resource_id <> '')
        from bill
        """,
    )[0]
    assert covered > negations > 0
    assert named == 0


def test_savings_plans_use_what_they_commit(con: duckdb.DuckDBPyConnection) -> None:
    plans = query(
        con,
        """
        with money as (
            select *,
                savings_plan_total_commitment_to_date::decimal(38, 10) as total,
                savings_plan_used_commitment::decimal(38, 10) as used,
                savings_plan_savings_plan_effective_cost::decimal(38, 10) as eff,
                savings_plan_net_savings_plan_effective_cost::decimal(38, 10) as net_eff,
                savings_plan_recurring_commitment_for_billing_period::decimal(38, 10)
                    + savings_plan_amortized_upfront_commitment_for_billing_period
                        ::decimal(38, 10) as owed,
                savings_plan_net_recurring_commitment_for_billing_period::decimal(38, 10)
                    + savings_plan_net_amortized_upfront_commitment_for_billing_period
                        ::decimal(38, 10) as net_owed
            from bill where savings_plan_savings_plan_a_r_n is not null
        )
        select savings_plan_payment_option, month, sum(total), sum(used), sum(eff), sum(owed),
            sum(net_owed), sum(net_eff), count(*) filter (used < total),
            count(*) filter (used = total and total > 0)
        from money group by all
        """,
    )
    assert {p[0] for p in plans} == {"No Upfront", "Partial Upfront"}
    for _, month, total, used, eff, owed, net_owed, net_eff, short, full in plans:
        assert used == eff
        assert owed == total
        assert short > 0
        assert full > 0
        if month in NET_MONTHS:
            # used and unused share one factor: both decimals are exact
            assert net_eff * total == used * net_owed


def test_reservations_use_what_they_cost(con: duckdb.DuckDBPyConnection) -> None:
    rows = query(
        con,
        """
        select reservation_reservation_a_r_n, month,
            sum(reservation_effective_cost::decimal(38, 10)),
            sum(reservation_unused_amortized_upfront_fee_for_billing_period::decimal(38, 10)
                + reservation_unused_recurring_fee::decimal(38, 10)),
            sum(reservation_amortized_upfront_fee_for_billing_period::decimal(38, 10))
                + sum(cost) filter (line_type = 'RIFee'),
            sum(reservation_net_effective_cost::decimal(38, 10)
                + reservation_net_unused_amortized_upfront_fee_for_billing_period::decimal(38, 10)
                + reservation_net_unused_recurring_fee::decimal(38, 10)),
            sum(reservation_net_amortized_upfront_fee_for_billing_period::decimal(38, 10))
                + sum(net) filter (line_type = 'RIFee')
        from bill where line_type in ('DiscountedUsage', 'RIFee') group by all
        """,
    )
    assert len({row[0] for row in rows}) == 3
    assert sum(unused for _, _, _, unused, *_ in rows) > 0
    for arn, _, used, unused, owed, net_sum, net_owed in rows:
        assert used + unused == owed, arn
        assert net_sum == net_owed, arn


def test_discount_is_a_map_and_net_is_the_bill(con: duckdb.DuckDBPyConnection) -> None:
    rows = query(
        con,
        """
        select month, sum(cost), sum(discount_total_discount::decimal(38, 10)), sum(net),
            sum(coalesce(discount['edp_discount'], 0)::decimal(38, 10)),
            count(*) filter (line_type like '%Discount'),
            count(*) filter (net <> cost and line_type in ('Tax', 'Credit', 'Refund'))
        from bill group by month
        """,
    )
    for month, cost, discount, net, in_map, discount_rows, wrong in rows:
        assert discount_rows == wrong == 0
        if month in NET_MONTHS:
            assert cost + discount == net
            assert in_map == discount < 0
        else:
            assert discount is None and net is None


KINDS = {
    "spot": "pricing_term = 'Spot' and line_item_usage_type like '%SpotUsage:%' and cost > 0"
    " and pricing_public_on_demand_cost = 0",
    "free tier": "line_type = 'Usage' and cost = 0 and line_item_usage_amount > 0"
    " and coalesce(line_item_operation, '') <> 'EKSPod-EC2'",
    "tiered storage": "line_item_product_code = 'AmazonS3'"
    " and pricing_public_on_demand_rate <> line_item_unblended_rate"
    " and line_item_usage_type like '%TimedStorage-ByteHrs'",
    "volume": "line_item_product_code = 'AmazonEC2' and line_item_usage_type like '%EBS:Volume%'",
    "snapshot": "line_item_product_code = 'AmazonEC2' and product_product_family = "
    "'Storage Snapshot'",
    "nat gateway": "line_item_usage_type like '%NatGateway-Bytes'",
    "data transfer": "product_servicecode = 'AWSDataTransfer'"
    " and line_item_product_code = 'AmazonEC2'",
    "tokens": "line_item_product_code = 'AmazonBedrock' and pricing_unit = '1K tokens'",
    "savings plan fee": "line_type = 'SavingsPlanRecurringFee'"
    " and savings_plan_used_commitment > 0",
    "savings plan upfront": "line_type = 'SavingsPlanUpfrontFee' and cost > 1000",
    "shared plan": "line_type = 'SavingsPlanCoveredUsage'"
    " and line_item_usage_account_id <> bill_payer_account_id",
    "fargate covered": "line_type = 'SavingsPlanCoveredUsage'"
    " and line_item_usage_type like '%Fargate%'",
    "reservation upfront": "line_type = 'Fee' and reservation_reservation_a_r_n is not null",
    "all upfront fee of 0": "line_type = 'RIFee' and cost = 0"
    " and pricing_purchase_option = 'All Upfront'",
    "support": "line_type = 'Fee' and line_item_product_code = 'AWSSupportBusiness'"
    " and cost > 5000",
    "domain": "line_type = 'Fee' and line_item_product_code = 'AmazonRegistrar'",
    "marketplace usage": "bill_billing_entity = 'AWS Marketplace' and line_type = 'Usage'"
    " and line_item_legal_entity not like 'Amazon%'",
    "marketplace contract": "bill_billing_entity = 'AWS Marketplace' and line_type = 'Fee'",
    "flat rate": "line_type = 'FlatRateSubscription'",
    "tax": "line_type = 'Tax' and line_item_tax_type = 'VAT'",
    "credit": "line_type = 'Credit' and cost < 0",
    "refund": "line_type = 'Refund' and bill_bill_type = 'Refund' and cost < 0",
    "correction": "line_type = 'Refund'"
    " and line_item_usage_start_date < bill_billing_period_start_date",
    "pods": "line_item_operation = 'EKSPod-EC2' and cost = 0 and split_line_item_split_cost > 0"
    " and split_line_item_parent_resource_id like 'i-%'",
    "owner key": "resource_tags['user_owner_team'] is not null",
    "cost category": "cost_category['business_unit'] = 'Commerce'",
    "leading zeros": "line_item_usage_account_id like '00%'",
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_occurs(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert query(con, f"select count(*) from bill where {KINDS[kind]}")[0][0] > 0


def test_company_looks_like_a_company(con: duckdb.DuckDBPyConnection) -> None:
    services, accounts, regions, names = query(
        con,
        """
        select count(distinct line_item_product_code), count(distinct line_item_usage_account_id),
            count(distinct product_region_code), list(distinct resource_tags['user_team'])
        from bill
        """,
    )[0]
    assert 55 <= services <= 70
    assert accounts == 10
    assert regions == 4
    assert {"Checkout", "checkout ", "check-out"} <= set(names)
    for month, rows, billed in query(
        con, "select month, count(*), sum(billed) from bill group by 1"
    ):
        assert 15_000 < rows < 33_000, month
        assert 240_000 < billed < 420_000, month
    untagged = query(
        con,
        """
        select sum(cost) filter (resource_tags['user_team'] is null
            and resource_tags['user_owner_team'] is null) / sum(cost)
        from bill where line_type in ('Usage', 'SavingsPlanCoveredUsage') and month <> '2026-08'
        """,
    )[0][0]
    assert 0.14 < untagged < 0.22


def test_weekends_are_quiet_and_four_days_are_not(con: duckdb.DuckDBPyConnection) -> None:
    week, weekend = query(
        con,
        """
        select avg(usd) filter (isodow(day) < 6), avg(usd) filter (isodow(day) > 5) from (
            select line_item_usage_start_date as day, sum(cost) as usd
            from bill where line_type = 'Usage' and month = '2026-09' group by day)
        """,
    )[0]
    assert weekend < 0.95 * week
    days = query(
        con,
        """
        select line_item_usage_start_date from bill
        where line_type = 'Usage' and line_item_product_code = 'AmazonSageMaker'
        group by line_item_usage_start_date having sum(cost) > 3000
        """,
    )
    assert len(days) == 4


def test_only_the_open_month_has_no_invoice(con: duckdb.DuckDBPyConnection) -> None:
    invoices = dict(query(con, "select month, list(distinct bill_invoice_id) from bill group by 1"))
    assert invoices.pop("2026-10") == [""]
    assert all("" not in ids and len(ids) >= 2 for ids in invoices.values())


def test_pods_add_up_to_their_node(con: duckdb.DuckDBPyConnection) -> None:
    nodes = query(
        con,
        """
        with pod as (
            select split_line_item_parent_resource_id as node, line_item_usage_start_date as day,
                sum(split_line_item_split_cost::decimal(38, 10)
                    + split_line_item_unused_cost::decimal(38, 10)) as usd
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
        """,
    )
    assert len(nodes) > 1000
    assert all(pods == node for pods, node in nodes)


def test_row_ids_are_unique_in_a_month(con: duckdb.DuckDBPyConnection) -> None:
    twice = "select count(*) - count(distinct identity_line_item_id) from bill group by month"
    assert {row[0] for row in query(con, twice)} == {0}


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


def test_restatement_changes_totals_and_keeps_the_old_version(
    con: duckdb.DuckDBPyConnection, out: Path
) -> None:
    # con is asked for so that its table is loaded from the first version
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
