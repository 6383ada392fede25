"""What is exported can be loaded again: an export is a bill for another lake."""

from pathlib import Path

import pytest

from workspaces import Workspace

TOTALS = """
select strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, ChargeCategory, count(*),
    sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost)
from focus group by all order by all
"""


@pytest.mark.parametrize(
    ("version", "file_format"), [("1.0", "csv"), ("1.2", "parquet"), ("1.4", "csv")]
)
def test_an_export_is_loaded_to_the_same_totals(
    lake, finops, workspace: Workspace, tmp_path: Path, version: str, file_format: str
) -> None:
    export = tmp_path / "export"
    finops("export", "--to", str(export), "--focus-version", version, "--format", file_format)
    (workspace.folder / "finops.toml").unlink()
    assert workspace.finops("init").exit_code == 0
    assert workspace.finops("add", "focus", str(export)).exit_code == 0
    ran = workspace.finops("run")
    assert ran.exit_code == 0, ran.output
    assert workspace.rows(TOTALS) == lake.workspace.rows(TOTALS)
