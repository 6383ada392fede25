"""S1: columns that come and go between deliveries are said by run, check and status."""

import json

from acme_bills import acme_row, acme_rows
from finops_stack.warehouse.lake import LAKE


def rows_with(month="2026-10", **more):
    return [row | more for row in acme_rows(month)]


def column_checks(workspace):
    ended = workspace.finops("check", "--format", "json", "--all")
    return {
        (bill["billing_period"], check["check_id"]): check
        for bill in json.loads(ended.stdout)
        for check in bill["checks"]
        if check["unit"] == "column"
    }


def test_a_new_column_and_one_that_went(workspace):
    workspace.deliver("2026-09")
    assert "columns" not in workspace.finops("run").output
    rows = [{k: v for k, v in row.items() if k != "quantity"} for row in rows_with(carbon="3")]
    workspace.deliver("2026-10", rows=rows)

    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended
    told = ended.stderr.replace("\n", " ")
    assert "acme 2026-10, columns-new: carbon (compared with 2026-09 d1)" in told
    assert "acme 2026-10, columns-gone: quantity (compared with 2026-09 d1)" in told
    checks = column_checks(workspace)
    new, gone = checks["2026-10", "columns-new"], checks["2026-10", "columns-gone"]
    assert (new["severity"], new["failed_rows"]) == ("warn", 1)
    assert new["samples"] == [{"file": "2026-10/d1-1.csv", "column": "carbon", "type": "VARCHAR"}]
    assert gone["samples"] == [{"column": "quantity", "type": "VARCHAR", "read": "yes, now empty"}]
    shown = workspace.finops("check").stdout
    assert "warn  columns-new: " in shown and "1 column\n" in shown
    assert "2026-10/d1-1.csv: column=carbon, type=VARCHAR" in shown
    assert " warnings" in workspace.finops("status").stdout
    # kept raw, read by no model
    assert workspace.rows("select count(*) from focus where Tags['carbon'] is not null") == [(0,)]
    (file,) = [f for f in (workspace.folder / "lake/raw/acme").glob("2026-10*.parquet")]
    with workspace.lake.engine.connect() as connection:
        assert connection.execute(f"select distinct carbon from '{file}'").fetchall() == [("3",)]


def test_once_known_it_is_said_no_more_and_the_same_bill_again_neither(workspace):
    workspace.deliver("2026-09")
    workspace.deliver("2026-10", rows=rows_with(carbon="3"))
    workspace.deliver("2026-11", rows=rows_with("2026-11", carbon="3"))
    first = workspace.finops("run")
    assert first.output.count("columns-new") == 1
    workspace.deliver("2026-11", rows=rows_with("2026-11", carbon="4"), delivery_id="d2")
    assert "columns-" not in workspace.finops("run").output
    assert {c["failed_rows"] for c in column_checks(workspace).values()} == {0}


def test_tags_and_spellings_are_no_news(workspace):
    workspace.deliver("2026-09")
    rows = [
        {"tag:team": "red", "tag:owner": "ann"}
        | {k.upper(): v for k, v in row.items() if ":" not in k}
        for row in acme_rows("2026-10")
    ]
    workspace.deliver("2026-10", rows=rows)
    ended = workspace.finops("run")
    assert (ended.exit_code, "columns-" in ended.output) == (0, False)


def test_many_new_columns_are_counted(workspace):
    workspace.deliver("2026-09")
    more = {f"new{number}": "x" for number in range(8)}
    workspace.deliver("2026-10", rows=[acme_row("2026-10", **more)])
    told = workspace.finops("run").stderr.replace("\n", " ")
    assert "columns-new: new0, new1, new2, new3, new4, 3 more" in told


def test_a_user_may_gate_or_ignore_them(workspace):
    workspace.deliver("2026-09")
    workspace.finops("run")
    workspace.deliver("2026-10", rows=rows_with(carbon="3"))
    workspace.configure(more='[checks]\ncolumns-new = "gate"')
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended
    assert "held back by its checks: columns-new (1)" in ended.stderr.replace("\n", " ")
    workspace.configure(more='[checks]\ncolumns-new = "ignore"')
    ended = workspace.finops("run")
    assert (ended.exit_code, "columns-" in ended.output) == (0, False)


def test_an_older_lakes_results_are_still_shown(workspace):
    """Before there was another unit, recorded results did not say theirs."""
    workspace.deliver()
    workspace.finops("run")
    with workspace.lake.open() as connection:
        connection.execute(
            f"update {LAKE}.ops.check_results set result = replace(result, ?, '')",
            [', "unit": "row"'],
        )
    report = json.loads(workspace.finops("check", "--format", "json", "--all").stdout)
    assert {"row", "column"} <= {check["unit"] for bill in report for check in bill["checks"]}
