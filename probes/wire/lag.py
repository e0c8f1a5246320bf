"""How late our own event loop is. A late loop reads late, and what it reads then looks slow."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PERIOD_S = 0.005
NOTABLE_S = 0.001


@dataclass(frozen=True, slots=True)
class Late:
    """A timer that was due at one time and ran at another (monotonic s)."""

    due: float
    ran: float

    @property
    def lag_s(self) -> float:
        return self.ran - self.due


class LagMeter:
    """Samples the running loop every 5 ms, between `async with` and its end.

    It keeps only what can still be the worst since some moment, so it may run for months.
    """

    def __init__(self) -> None:
        self._worst: list[Late] = []  # later ones have less lag
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._sleep()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None

    def worst_ms(self, since: float) -> float:
        """The longest the loop was late between `since` (monotonic s) and now, in ms; a lag that began before
        counts from `since`. Also when the loop is late right now. 0 when nobody measures."""
        first = bisect_left(self._worst, since, key=lambda late: late.ran)
        lags = [late.ran - max(late.due, since) for late in self._worst[first : first + 2]]
        if self._timer is not None:
            lags.append(time.monotonic() - max(self._due, since))
        return max(0.0, *lags, 0.0) * 1000

    def _sleep(self) -> None:
        assert self._loop is not None
        self._due = time.monotonic() + PERIOD_S
        self._timer = self._loop.call_later(PERIOD_S, self._wake)

    def _wake(self) -> None:
        late = Late(self._due, time.monotonic())
        if late.lag_s >= NOTABLE_S:
            while self._worst and self._worst[-1].lag_s <= late.lag_s:
                self._worst.pop()
            self._worst.append(late)
        self._sleep()
