"""A delivery: one version of one month's bill, named by one manifest."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from finops_stack.deliveries.storage.base import ObjectInfo
from finops_stack.period import BillingPeriod


@dataclass(frozen=True)
class Delivery:
    """What a manifest says, and the objects it names. Complete when nothing is missing."""

    source: str
    vendor: str
    period: BillingPeriod
    delivery_id: str
    layout: str
    manifest: str
    manifest_version: str
    delivered_at: datetime
    files: tuple[ObjectInfo, ...]
    missing: tuple[str, ...] = ()
    problem: str = ""
    order: str = field(default="", compare=False)

    @property
    def complete(self) -> bool:
        """Whether it can be loaded."""
        return not self.missing and not self.problem

    @property
    def size_bytes(self) -> int:
        """Sum of its files."""
        return sum(item.size_bytes for item in self.files)

    @property
    def fingerprint(self) -> str:
        """Differs as soon as the id, the manifest or any file does."""
        parts = [self.delivery_id, self.manifest_version]
        parts += [f"{item.key}\x00{item.size_bytes}\x00{item.version}" for item in self.files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def why_not(self) -> str:
        """Why it cannot be loaded, in the user's words."""
        if self.problem:
            return self.problem
        names = ", ".join(self.missing[:5])
        more = f" and {len(self.missing) - 5} more" if len(self.missing) > 5 else ""
        return f"{len(self.missing)} of its files are not there: {names}{more}"
