"""Every model there is: the core's, each vendor folder's, those made from a mapping."""

from pathlib import Path

from finops_stack.build.mapped import mapped_models
from finops_stack.build.plan import CORE, plan
from finops_stack.vendors.catalog import load_vendors

OWN = Path(__file__).parent.parent / "own_vendors"
BUILT_IN = CORE.parent / "vendors" / "builtin"
# Views over all vendors' tables. They are unions by name, so that a table that lacks a column
# does no harm; an engine without that has them written by the target itself.
UNIONS = ("focus", "bill_controls", "commitment_controls")


def all_models() -> dict[str, str]:
    """Model name → text; of a folder still without vendor.toml what is there."""
    folders = (CORE / "models", BUILT_IN, OWN)
    models = {p.stem: p.read_text(encoding="utf-8") for f in folders for p in f.rglob("*.sql")}
    vendors = list(load_vendors([OWN]).values())
    for vendor in vendors:
        models |= mapped_models(vendor)
    views = {n: t for n, t in plan(vendors, []).items() if n.startswith("models/canonical/")}
    return models | {Path(n).stem: t for n, t in views.items() if n.endswith(".sql")}


MODELS = all_models()
