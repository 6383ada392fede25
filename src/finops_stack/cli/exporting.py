"""An export as one step: written beside its place, compared, then put there whole."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from finops_stack.cli.format import month_text, plain_text
from finops_stack.errors import FinopsError, InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_stack.bill import BillKey
    from finops_stack.warehouse.export import Figures

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ExportPlan:
    """What is exported, and how. notes: what to know of bills that are not as delivered last."""

    folder: Path
    version: str
    kind: str
    lineage: bool
    bills: "Sequence[BillKey]"
    snapshot: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportedBill:
    """One bill's files, relative to the export's folder, and what they add up to."""

    bill: "BillKey"
    files: tuple[str, ...]
    figures: "Figures" = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Money as text, so that no reader makes a float of it."""
        return {
            "source": self.bill.source,
            "billing_period": self.bill.billing_period,
            "rows": self.figures.rows,
            "BilledCost": _texts(self.figures),
            "files": list(self.files),
        }


def require_place(folder: Path, *, overwrite: bool) -> None:
    """Raises InputError when files would be mixed with others, or cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = any(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
    if filled and not overwrite:
        raise InputError(
            f"{folder} is not empty", hint="give another folder, or --overwrite an earlier export"
        )


def write_export(
    plan: ExportPlan, connection: "DuckDBPyConnection", *, done: "Callable[[BillKey], None]"
) -> list[ExportedBill]:
    """Write every bill, then give the files their names; a failure leaves what was there."""
    staging = plan.folder / f".export-{uuid4().hex}"
    staging.mkdir()
    try:
        exported = []
        for bill in plan.bills:
            exported.append(_write_bill(plan, connection, bill, staging))
            done(bill)
        _remove_earlier(plan.folder)
        for path in sorted(staging.rglob("focus-*")):
            target = plan.folder / path.relative_to(staging)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    except OSError as error:
        raise FinopsError(f"the export was not written: {error}", hint="run it again") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _write_manifest(plan, exported)
    return exported


def _write_bill(
    plan: ExportPlan, connection: "DuckDBPyConnection", bill: "BillKey", staging: Path
) -> ExportedBill:
    from finops_stack.warehouse.export import (
        copy_bill,
        export_columns,
        figures_of_bill,
        figures_of_files,
        select_sql,
    )

    month = month_text(bill.billing_period_start)
    place = staging / f"focus_version={plan.version}" / f"billing_period={month}"
    place.mkdir(parents=True, exist_ok=True)
    select = select_sql(plan.version, bill, lineage=plan.lineage, as_csv=plan.kind == "csv")
    files = []
    for number, part in enumerate(
        copy_bill(connection, select, place / f"part-{bill.source}", plan.kind), start=1
    ):
        files.append(place / f"focus-{bill.source}-{number:05d}.{plan.kind}")
        part.replace(files[-1])
    names = [column.name for column in export_columns(plan.version, lineage=plan.lineage)]
    written = figures_of_files(connection, files, names, plan.kind)
    if written != figures_of_bill(connection, bill, plan.kind):
        raise FinopsError(
            f"{bill.source} {month}: the files do not add up to what is published",
            hint="nothing was exported; run it again",
        )
    return ExportedBill(bill, tuple(str(file.relative_to(staging)) for file in files), written)


def _remove_earlier(folder: Path) -> None:
    """The files an earlier export lists in its manifest, and nothing else."""
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["bills"]
        names = [str(name) for bill in listed for name in bill["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in names:
        path = folder / name
        if path.name.startswith("focus-") and path.resolve().is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
            for emptied in (path.parent, path.parent.parent):
                if emptied != folder and emptied.is_dir() and not any(emptied.iterdir()):
                    emptied.rmdir()


def _write_manifest(plan: ExportPlan, exported: Sequence[ExportedBill]) -> None:
    content = {
        "focus_version": plan.version,
        "format": plan.kind,
        "lineage": plan.lineage,
        "snapshot": plan.snapshot,
        "rows": sum(each.figures.rows for each in exported),
        "BilledCost": _texts(total([each.figures for each in exported])),
        "notes": list(plan.notes),
        "bills": [each.to_dict() for each in exported],
    }
    part = plan.folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(plan.folder / MANIFEST)


def total(figures: "Sequence[Figures]") -> "Figures":
    """All of them together, per currency."""
    from finops_stack.warehouse.export import Figures

    def add(left: Figures, right: Figures) -> Figures:
        currencies = sorted({*left.billed_cost, *right.billed_cost})
        return Figures(
            left.rows + right.rows,
            {c: left.cost_in(c) + right.cost_in(c) for c in currencies},
        )

    return reduce(add, figures, Figures(0, {}))


def _texts(figures: "Figures") -> dict[str, str]:
    return {currency: plain_text(cost) for currency, cost in figures.billed_cost.items()}
