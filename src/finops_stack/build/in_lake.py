"""What the lake holds already, for the views over it: published rows never leave a view because
their source, or their vendor's folder, is no longer set up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from finops_stack.focus.spec import LINEAGE, columns

# Every FOCUS table has these, whichever version of this package made it.
_OF_FOCUS = frozenset(column.name for column in (*columns("1.0"), *LINEAGE))


@dataclass(frozen=True)
class InLake:
    """forms: (vendor, form) that ever had a bill, None: take all; tables: name → its columns."""

    forms: Collection[tuple[str, str]] | None = None
    tables: Mapping[str, Collection[str]] = field(default_factory=dict)

    def focus_without_model(self, models: Collection[str]) -> list[str]:
        """Vendors' FOCUS tables that none of these models fills."""
        return self._without_model(models, _OF_FOCUS)

    def like_without_model(self, models: Collection[str], contract: Mapping[str, str]) -> list[str]:
        """Vendors' tables of this contract that none of these models fills."""
        return self._without_model(models, contract)

    def _without_model(self, models: Collection[str], names: Collection[str]) -> list[str]:
        return sorted(
            table
            for table, there in self.tables.items()
            if "__" in table and table not in models and set(names) <= set(there)
        )
