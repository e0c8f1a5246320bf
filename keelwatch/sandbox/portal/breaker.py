"""A circuit breaker: who calls a service that fails is told so at once, and the service is left in peace.

    closed       calls go through; enough trouble in a row opens it
    open         none goes through, for a rest
    half-open    one probe goes through, and no customer waits for it; closed when it succeeds, else open

Ours, and not a library's: those for asyncio let a customer's request be the probe, which then waits out a
timeout for everybody else's sake. Times are monotonic seconds; nothing here looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """The numbers are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """`most_trouble`: how much of it in a row opens. A failure that comes at once is little of it (1), one
    that a customer had to wait for is `slow_trouble`. `rest_s`: how long it stays open before a probe."""

    most_trouble: int = 10
    slow_trouble: int = 4
    rest_s: float = 0.5


class Breaker:
    def __init__(self, limits: Limits = Limits()) -> None:
        self.state = State.CLOSED
        self._limits = limits
        self._trouble = 0
        self._probe_at = 0.0

    @property
    def lets_through(self) -> bool:
        return self.state is State.CLOSED

    def succeeded(self) -> None:
        """A call came through. One that began before it opened closes nothing: the probe does."""
        if self.state is State.CLOSED:
            self._trouble = 0

    def failed(self, now: float, *, was_slow: bool) -> None:
        if self.state is not State.CLOSED:
            return
        self._trouble += self._limits.slow_trouble if was_slow else 1
        if self._trouble >= self._limits.most_trouble:
            self._open(now)

    def rest_left_s(self, now: float) -> float:
        """Until the next probe is due."""
        return max(0.0, self._probe_at - now)

    def begin_probe(self, now: float) -> bool:
        """Whether the caller is to probe now; it tells by `end_probe` what came of it."""
        if self.state is not State.OPEN or self.rest_left_s(now) > 0:
            return False
        self.state = State.HALF_OPEN
        return True

    def end_probe(self, now: float, *, succeeded: bool) -> None:
        if succeeded:
            self.state, self._trouble = State.CLOSED, 0
        else:
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = State.OPEN
        self._probe_at = now + self._limits.rest_s
