"""dbt's work folder as values: plan() says what every file holds, sync() makes it so.

The core project is copied, vendors' models and vocabulary join it, contracts and the views over
the vendors' tables are generated from one list of columns. Nothing here runs SQL.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from finops_stack.build.forms import models_left_out, with_forms
from finops_stack.build.in_lake import InLake
from finops_stack.build.mapped import mapped_models
from finops_stack.focus.spec import VERSIONS, canonical_columns, sql_type, version_select
from finops_stack.vendors.manifest import Vendor
from finops_stack.warehouse.sql import quote_name

CORE = Path(str(resources.files("finops_stack"))) / "dbt"
_KEYS = {"x_SourceName": "varchar", "x_DeliveryId": "varchar", "BillingPeriodStart": "timestamp"}
CONTROL = _KEYS | {
    "BillingAccountId": "varchar",
    "BillingCurrency": "varchar",
    "treatment": "varchar",
    "raw_rows": "bigint",
    "billed_total": "decimal(38,15)",
}
COMMITMENTS = _KEYS | {
    "CommitmentDiscountId": "varchar",
    "committed_cost": "decimal(38,15)",
    "is_closed": "boolean",
}
_EMPTY_NAMES = "account_id,account_name\n"


@dataclass(frozen=True)
class Bill:
    """One changed bill, as the models see it. `relation` is the SQL of bill_rows."""

    source: str
    period_start: str
    models: tuple[str, ...]
    relation: str


def plan(
    vendors: Sequence[Vendor],
    bills: Sequence[Bill],
    *,
    account_names: str | None = None,
    lake: InLake | None = None,
) -> dict[str, str]:
    """Path in the work folder → text, for the whole work folder.

    lake: what it holds. Tables of forms that never had a bill are left out; tables of vendors that
    are not among these stay in the views.
    """
    lake = lake or InLake()
    forms = lake.forms
    files = _core_files() | {
        "profiles.yml": _profile(),
        "bills.json": _bills_json(bills),
        "vocabulary/account_names.csv": account_names or _EMPTY_NAMES,
    }
    used = [vendor if forms is None else with_forms(vendor, forms) for vendor in vendors]
    for vendor, narrowed in zip(vendors, used, strict=True):
        files |= _vendor_files(vendor, narrowed)
    return files | _canonical_files(used, lake)


def sync(files: Mapping[str, str], work: Path) -> None:
    """Write what differs, delete what is not planned; dbt's own target/ and logs/ stay."""
    for name, text in files.items():
        path = work / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for folder in ("models", "macros", "vocabulary"):
        for path in (work / folder).rglob("*"):
            if path.is_file() and path.relative_to(work).as_posix() not in files:
                path.unlink()


def _core_files() -> dict[str, str]:
    return {
        path.relative_to(CORE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(CORE.rglob("*"))
        if path.suffix in (".sql", ".yml") and path.is_file()
    }


def _profile() -> str:
    """No path, no secret: the plug-in beside it attaches the lake."""
    return _yaml(
        {
            "finops": {
                "target": "lake",
                "outputs": {
                    "lake": {
                        "type": "duckdb",
                        "path": ":memory:",
                        "schema": "main",
                        "threads": 1,
                        "plugins": [{"module": "finops_stack.build.duckdb_plugin"}],
                    }
                },
            }
        }
    )


def _bills_json(bills: Sequence[Bill]) -> str:
    rows = [
        {
            "source": bill.source,
            "billing_period_start": bill.period_start,
            "models": list(bill.models),
            "relation": bill.relation,
        }
        for bill in bills
    ]
    return json.dumps(rows, indent=1) + "\n"


def _vendor_files(vendor: Vendor, used: Vendor) -> dict[str, str]:
    folder = f"models/vendors/{vendor.name}"
    left_out = models_left_out(vendor, used)
    models = vendor.models() | mapped_models(vendor)
    files = {f"{folder}/{n}.sql": text for n, text in models.items() if n not in left_out}
    files |= {f"vocabulary/{vendor.name}/{n}": text for n, text in vendor.vocabulary().items()}
    files[f"{folder}/contracts.yml"] = _yaml({"models": _contracts(used)})
    return files


def _contracts(vendor: Vendor) -> list[dict[str, Any]]:
    models = []
    for form in vendor.forms:
        own = {name: column.type for name, column in vendor.x_columns.items()}
        focus = {column.name: sql_type(column) for column in canonical_columns()} | own
        models.append(_contract(form.focus, focus, f"One row per charge: {form.title} as FOCUS."))
        models.append(
            _contract(
                form.control,
                CONTROL,
                "One row per account, currency and treatment: what the raw bill adds up to.",
            )
        )
        if form.commitments:
            models.append(
                _contract(
                    form.commitments,
                    COMMITMENTS,
                    "One row per commitment: what it cost in the month, amortised.",
                )
            )
        models += [
            {"name": name, "description": "One row per raw row kept apart from the charges."}
            for name in form.side
        ]
    return models


def _contract(name: str, columns: Mapping[str, str], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "config": {"contract": {"enforced": True}},
        "columns": [
            {"name": column, "data_type": data_type, "quote": True}
            for column, data_type in columns.items()
        ],
    }


def _canonical_files(vendors: Sequence[Vendor], lake: InLake) -> dict[str, str]:
    """The views over all vendors' tables, and one view per FOCUS version."""
    forms = [form for vendor in vendors for form in vendor.forms]
    own = {n: c.type for vendor in vendors for n, c in vendor.x_columns.items()}
    focus = {column.name: sql_type(column) for column in canonical_columns()} | own
    charges, controls = [form.focus for form in forms], [form.control for form in forms]
    commitments = [form.commitments for form in forms if form.commitments]
    models = {model for form in forms for model in form.models}
    views = {
        "focus": _union(charges, focus, lake.focus_without_model(models)),
        "bill_controls": _union(controls, CONTROL, lake.like_without_model(models, CONTROL)),
        "commitment_controls": _union(
            commitments, COMMITMENTS, lake.like_without_model(models, COMMITMENTS)
        ),
    } | {f"focus_{v.replace('.', '_')}": _version(v) for v in VERSIONS}
    files = {f"models/canonical/{name}.sql": text for name, text in views.items()}
    files["models/canonical/views.yml"] = _yaml(
        {"models": [{"name": name, "description": _VIEWS.get(name, _CHARGE)} for name in views]}
    )
    return files


_CHARGE = "One row per charge, with the columns of that FOCUS version."
_VIEWS = {
    "focus": "One row per charge of every source, all columns.",
    "bill_controls": "One row per bill, account, currency and treatment.",
    "commitment_controls": "One row per bill and commitment.",
}
_VIEW_HEAD = "{{ config(materialized='view') }}\n\n"


def _union(models: Sequence[str], columns: Mapping[str, str], tables: Sequence[str]) -> str:
    """Every model's rows by name, after an empty row that says which columns there are.

    tables: those of the lake that no model fills any more.
    """
    nulls = ",\n    ".join(
        f"cast(null as {data_type}) as {quote_name(name)}" for name, data_type in columns.items()
    )
    parts = [f"select\n    {nulls}\nwhere false"]
    parts += [f"select * from {{{{ ref('{model}') }}}}" for model in models]
    parts += [f"select * from lake.main.{quote_name(table)}" for table in tables]
    return _VIEW_HEAD + "\nunion all by name\n".join(parts) + "\n"


def _version(version: str) -> str:
    columns = ",\n    ".join(
        f"{expression} as {quote_name(name)}" for name, expression in version_select(version)
    )
    return f"{_VIEW_HEAD}select\n    {columns}\nfrom {{{{ ref('focus') }}}}\n"


def _yaml(value: dict[str, Any]) -> str:
    """YAML through JSON, which is YAML: nothing can be mistaken for markup of another kind."""
    return json.dumps({"version": 2} | value if "models" in value else value, indent=1) + "\n"
