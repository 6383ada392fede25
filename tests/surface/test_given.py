"""finops add --given: what the bills leave out."""

import shutil
from importlib.resources import files

from workspaces import Workspace

BILLS = files("finops_stack") / "vendors/builtin/digitalocean/fixtures/invoice_csv/delivery"


def bills(workspace: Workspace) -> str:
    workspace.configure()
    shutil.copytree(str(BILLS), workspace.folder / "do-bills")
    return str(workspace.folder / "do-bills")


def test_what_is_given_is_written_and_used(workspace: Workspace) -> None:
    added = workspace.finops("add", "digitalocean", bills(workspace), "--given", "team=t-17")
    assert added.exit_code == 0, added.output
    assert "do not say" not in added.stderr
    assert workspace.finops("run", "--source", "digitalocean").exit_code == 0
    assert workspace.rows(
        "select distinct BillingAccountId from focus where x_SourceName = 'digitalocean'"
    ) == [("t-17",)]


def test_what_is_not_given_is_asked_for(workspace: Workspace) -> None:
    added = workspace.finops("add", "digitalocean", bills(workspace))
    assert added.exit_code == 0
    told = " ".join(added.stderr.split())
    assert "the bills do not say the team uuid" in told
    assert 'add given = { team = "…" }' in told


def test_what_no_bill_leaves_out_is_refused(workspace: Workspace) -> None:
    place = bills(workspace)
    for wrong in ("tame=t-17", "team", "team="):
        ended = workspace.finops("add", "digitalocean", place, "--given", wrong)
        assert ended.exit_code == 2
        assert "columns: team" in ended.stderr
    assert "do-bills" not in (workspace.folder / "finops.toml").read_text(encoding="utf-8")
