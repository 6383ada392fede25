"""What passes by itself is tried again, with one budget for every kind of storage."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

T = TypeVar("T")
Judge = Callable[[BaseException], bool]

# Long enough for a throttled or restarting service, short enough for a nightly job to end.
RETRY_BUDGET_S = 300.0
# A server that was never reached is more often misspelt than restarting.
UNREACHED_BUDGET_S = 60.0
# Bytes damaged on the way are right the next time; a wrong checksum at the source stays wrong.
DAMAGED_ATTEMPTS = 3


class DamagedError(Exception):
    """What arrived is not what the storage says it holds."""


def keep_trying(call: Callable[[], T], *, passes: Judge, unreached: Judge) -> T:
    """The call's answer; its last error once the budget is spent or the error is a lasting one."""

    def spent(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, DamagedError):
            return state.attempt_number >= DAMAGED_ATTEMPTS
        far = error is not None and unreached(error)
        budget = min(RETRY_BUDGET_S, UNREACHED_BUDGET_S) if far else RETRY_BUDGET_S
        return (state.seconds_since_start or 0) >= budget

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, DamagedError) or passes(error)),
        wait=wait_random_exponential(multiplier=0.5, max=20),
        stop=spent,
        reraise=True,
    )
    return retrying(call)
