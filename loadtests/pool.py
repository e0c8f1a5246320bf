"""The accounts of a load: each to one customer at a time, and none again before its next one-time code."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from probes.one_time_code import STEP_S

if TYPE_CHECKING:
    from keelwatch.workspace.entrance import Account

SPARE_S = 0.5
"""As `loadtests.worker.visit` has it: later in a step, the next step's code is sent."""


class Pools:
    """`clock` is Unix time: one-time codes go by it. An account without them is free once it is back."""

    def __init__(
        self, accounts: Mapping[str, Sequence[Account]], clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._has_code = {one.name: one.has_codes for ones in accounts.values() for one in ones}
        self._free = {pool: deque((0, one.name) for one in ones) for pool, ones in accounts.items()}
        self._used: dict[str, int] = {}

    def lend(self, pool: str) -> str:
        """The account that waited the longest; an empty text when none may log in now."""
        now = self._clock() + SPARE_S
        step = int(now // STEP_S)
        with self._mutex:
            free = self._free.get(pool)
            if not free:
                return ""
            last, name = free[0]
            if last >= step and self._has_code[name]:
                return ""
            free.popleft()
            self._used[name] = step
            return name

    def give_back(self, pool: str, name: str) -> None:
        with self._mutex:
            self._free[pool].append((self._used.pop(name, 0), name))
