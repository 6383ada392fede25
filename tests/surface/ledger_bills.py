"""Bills of the test vendor Ledger: each line says its category, class and invoice itself."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from acme_bills import OWN_VENDORS
from workspaces import Workspace

VENDOR = """
[vendor]
title = "Ledger Cloud"

[[layouts]]
name = "months"
title = "a file a month"
data_files = '(?P<period>\\d{4}-\\d{2})\\.csv$'

[[forms]]
name = "lines"
title = "Lines"
recognised_by = ["account", "category", "amount"]
one_cost = true

[forms.columns]
text = ["account", "currency", "invoice", "category", "class"]
money = ["amount"]

[forms.mapping]
BilledCost = "amount"
BillingAccountId = "account"
BillingCurrency = "currency"
InvoiceId = "invoice"
ChargeCategory = "category"
ChargeClass = "class"
ServiceName = "'Machines'"
SkuId = "case when category = 'Usage' then 'vm' end"
PricingQuantity = "case when category = 'Usage' and class is null then 1 end"
PricingUnit = "case when category = 'Usage' and class is null then 'Hours' end"

[[forms.leave_out]]
rule = "subtotal"
when = "category = 'Subtotal'"

[forms.total]
account = "account"
currency = "currency"
billed = "case when category = 'Subtotal' then 0 else amount end"
"""
COLUMNS = ("account", "currency", "invoice", "category", "class", "amount")
HEADER = "invoice_id,month,currency,amount,tax,source,billing_account_id,kind,note"

# account, currency, invoice, category, class, amount
AUGUST = [
    ("A-1", "EUR", "R-1", "Usage", "", "100.00"),
    ("A-1", "EUR", "R-1", "Usage", "", "20.50"),
    ("A-1", "EUR", "R-2", "Usage", "", "50.00"),
    ("A-1", "EUR", "R-2", "Tax", "", "9.50"),
    ("A-1", "EUR", "R-3", "Usage", "", "150.00"),
    ("A-1", "EUR", "R-3", "Credit", "", "-50.00"),
    ("A-1", "EUR", "R-3", "Usage", "Correction", "-7.00"),
    ("A-1", "USD", "R-1", "Usage", "", "10.005"),
    ("A-1", "EUR", "", "Subtotal", "", "330.00"),
]
SEPTEMBER = [
    ("A-1", "EUR", "S-1", "Usage", "", "70.00"),
    ("A-1", "EUR", "", "Usage", "", "3.20"),
    ("A-2", "EUR", "", "Usage", "", "40.00"),
    ("A-2", "EUR", "", "Usage", "", "2.345"),
    ("A-3", "EUR", "S-9", "Usage", "", "11.00"),
    ("A-4", "EUR", "S-9", "Usage", "", "22.00"),
]
# A month that is not over, whenever the tests run.
LATER = [("A-1", "EUR", "", "Usage", "", "5.00"), ("A-1", "EUR", "L-1", "Usage", "", "6.00")]


def build(workspace: Workspace) -> None:
    """Three months of Ledger and one of Acme, published."""
    write_vendor(workspace)
    for month, lines in (("2026-08", AUGUST), ("2026-09", SEPTEMBER), ("2099-01", LATER)):
        write_month(workspace, month, lines)
    workspace.deliver("2026-09")
    ended = workspace.finops("run")
    assert ended.exit_code == 0, ended.output


def write_vendor(workspace: Workspace) -> None:
    folder = workspace.folder / "vendors" / "ledger"
    folder.mkdir(parents=True)
    (folder / "vendor.toml").write_text(VENDOR, encoding="utf-8")
    (workspace.folder / "ledger").mkdir()
    configure(workspace)


def configure(workspace: Workspace, *, rounding: str = "0", invoices: str = "invoices.csv") -> None:
    folders = json.dumps([str(OWN_VENDORS), "vendors"])
    (workspace.folder / "finops.toml").write_text(
        f"""vendor_folders = {folders}
        [reconcile]
        invoices = "{invoices}"
        rounding = {rounding}
        [[sources]]
        name = "acme"
        vendor = "acme"
        location = "bills"
        [[sources]]
        name = "ledger"
        vendor = "ledger"
        location = "ledger"
        """,
        encoding="utf-8",
    )


def write_month(workspace: Workspace, month: str, lines: Sequence[Sequence[str]]) -> Path:
    path = workspace.folder / "ledger" / f"{month}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(lines)
    return path


def write_invoices(workspace: Workspace, *rows: str, header: str = HEADER) -> None:
    text = "\n".join([header, *rows]) + "\n"
    (workspace.folder / "invoices.csv").write_text(text, encoding="utf-8")
