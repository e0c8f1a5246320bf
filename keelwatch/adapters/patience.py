"""One deadline over all that a call of a verb does, however many questions it asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at`: on the monotonic clock (s)."""

    at: float

    @classmethod
    def within(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        return max(0.0, self.at - time.monotonic())

    def sooner(self, seconds: float) -> Deadline:
        """This one, or `seconds` from now when that is sooner."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    def until(self, claim: Callable[[], bool], pause_s: float = PAUSE_S) -> bool:
        """Whether `claim` came true in time. It is asked at least once."""
        while not claim():
            if self.left_s <= 0:
                return False
            time.sleep(min(pause_s, self.left_s))
        return True
