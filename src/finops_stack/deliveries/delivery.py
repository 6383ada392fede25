"""A delivery: one version of one month's bill, named by a manifest or by its files' names."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from finops_stack.deliveries.storage.base import ObjectInfo
from finops_stack.period import BillingPeriod


@dataclass(frozen=True)
class Part:
    """One part of a bill, such as its amortised costs: which delivery, which files.

    `rows`: how many rows its files have by its own word; None when it does not say.
    """

    name: str
    delivery_id: str
    keys: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True)
class Delivery:
    """What a manifest says, and the objects it names. Complete when nothing is missing.

    export: what tells exports of one kind apart; two of them in one source would be one bill.
    scope:  what it covers, where the layout says how to tell; two parts of a bill cover the same.
    parts:  what it is made of; one without a name where a bill is not delivered in parts.
    """

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
    export: str = field(default="", compare=False)
    scope: str = field(default="", compare=False)
    parts: tuple[Part, ...] = field(default=(), compare=False)

    @property
    def complete(self) -> bool:
        """Whether it can be loaded."""
        return not self.missing and not self.problem

    @property
    def size_bytes(self) -> int:
        """Sum of its files."""
        return sum(item.size_bytes for item in self.files)

    @property
    def part(self) -> str:
        """Which part of a bill it is; '' for a whole one, or one of several parts."""
        return self.parts[0].name if len(self.parts) == 1 else ""

    def part_of(self, key: str) -> str:
        """Which part the file of this key belongs to."""
        return next((part.name for part in self.parts if key in part.keys), "")

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


@dataclass(frozen=True)
class RememberedDelivery(Delivery):
    """A delivery as the register knows it: by its fingerprint, not by what lies in the source."""

    remembered: str = ""

    @property
    def fingerprint(self) -> str:
        """What it was when it landed."""
        return self.remembered


_ID = re.compile(r"(?:^|\+)([^=+]+)=")


def joined_id(parts: Sequence[Part]) -> str:
    """The id of a bill made of several parts: 'actual=7c3e…+amortised=90ab…'."""
    if len(parts) == 1:
        return parts[0].delivery_id
    return "+".join(f"{part.name}={part.delivery_id}" for part in parts)


def parts_in_id(delivery_id: str) -> frozenset[str]:
    """The parts such an id names; none for the id of one delivery."""
    found = frozenset(_ID.findall(delivery_id))
    return found if len(found) > 1 else frozenset()
