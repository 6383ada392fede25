"""What lies in the lake of these tests: three months, one restated, one delivery held back."""

from datetime import UTC, datetime

from acme_bills import acme_row
from workspaces import Workspace

MONTHS = ("2026-07", "2026-08", "2026-09")


def bill_rows(month: str, *, more: int = 0, currency: str = "USD") -> list[dict[str, str]]:
    """Six lines and `more` of them, in three currencies; texts try to be formulas and escapes."""
    rows = [
        acme_row(month, service="VM small", amount="1.50", quantity="3", currency="EUR"),
        acme_row(month, service="VM large", amount="40.123456789012345", quantity="1"),
        acme_row(month, service="=1+2", amount="-1.5", quantity="-3", account="@home"),
        acme_row(month, service="Disk", amount="10", quantity="4", currency=currency),
        acme_row(month, service="Disk", amount="0.25", quantity="1", currency=currency),
        acme_row(month, service="\x1b[31mred", amount="700", quantity="7", currency="JPY"),
    ]
    for number, row in enumerate(rows):
        row["tag:team"] = ("red", "blue", "+3", "", "red", "-")[number]
        row['tag:it\'s "x"]'] = "yes" if number == 0 else ""
    return rows + [acme_row(month, service="VM small", amount="2", quantity="2")] * more


def build(workspace: Workspace) -> datetime:
    """Two runs; gives the moment between them."""
    for month in MONTHS:
        workspace.deliver(month, rows=bill_rows(month), delivery_id=f"{month}-first")
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended.output
    between = datetime.now(UTC).replace(tzinfo=None)
    workspace.deliver("2026-09", rows=bill_rows("2026-09", more=2), delivery_id="2026-09-second")
    workspace.deliver(
        "2026-08", rows=bill_rows("2026-08", currency="usd"), delivery_id="2026-08-second"
    )
    ended = workspace.finops("run")
    assert ended.exit_code == 3, ended.output
    return between
