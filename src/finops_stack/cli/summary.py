"""What a run did, bill by bill."""

from dataclasses import dataclass, field

from finops_stack.cli.planning import SourcePlan, actions
from finops_stack.deliveries.ledger import Action, PlannedBill
from finops_stack.errors import EXIT_DONE, EXIT_FAILED, EXIT_HELD, EXIT_INPUT, FinopsError
from finops_stack.findings import CheckResult
from finops_stack.ingest.landed import Landed
from finops_stack.warehouse.source_ages import SourceAge


@dataclass(frozen=True)
class Force:
    """Somebody's word that a bill is to be published although checks hold it back."""

    by: str
    reason: str

    @property
    def outcome_reason(self) -> str:
        """As it stands beside the published bill."""
        return f"published by force: {self.reason}"


@dataclass
class RunSummary:
    """What a run did, bill by bill.

    force: of the one bill that is published by force; stale: sources whose deliveries or charges
    are old.
    """

    run_id: str
    plans: list[SourcePlan] = field(default_factory=list)
    landed: list[Landed] = field(default_factory=list)
    refused: list[tuple[PlannedBill, FinopsError]] = field(default_factory=list)
    failed: list[tuple[Landed, str]] = field(default_factory=list)
    held: list[tuple[Landed, list[CheckResult]]] = field(default_factory=list)
    published: list[Landed] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    ages: tuple[SourceAge, ...] = ()
    stale: list[CheckResult] = field(default_factory=list)
    recording: bool = False
    new_rates: bool = False
    force: Force | None = None

    @property
    def overridden(self) -> list[CheckResult]:
        """What would have held the bill back."""
        return [result for result in self.results if result.overridden]

    @property
    def exit_code(self) -> int:
        """1 failed, 2 input wrong, 3 held back, 0 done; the first that applies."""
        errors = [plan.error for plan in self.plans if plan.error] + [e for _, e in self.refused]
        if self.failed or any(error.exit_code == EXIT_FAILED for error in errors):
            return EXIT_FAILED
        if errors or actions(self.plans, Action.INCOMPLETE, Action.OLDER):
            return EXIT_INPUT
        stale = any(result.holds_back for result in self.stale)
        if self.held or stale or actions(self.plans, Action.HELD):
            return EXIT_HELD
        return EXIT_DONE
