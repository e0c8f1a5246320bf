"""The accounts of a load: each to one customer at a time, and none again before its next one-time code."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from probes.one_time_code import STEP_S

if TYPE_CHECKING:
    from keelwatch.workspace.entrance import Account

SPARE_S = 0.5
"""Left of a one-time code when it is sent. A probe that waits for the next one harms nobody; a load that does
makes a crowd of the arrivals of three seconds."""


class Pool:
    """For one thread. `last_step` tells which one-time code an account used last, in a run before; `clock` is
    Unix time, by which codes go. An account without them is free once it is back."""

    def __init__(
        self,
        accounts: Sequence[Account],
        last_step: Callable[[str], int] = lambda _: 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        used = [(last_step(one.name), one) for one in accounts]
        self._free = deque(sorted(used, key=lambda each: each[0]))
        self._used: dict[str, int] = {}

    def lend(self) -> Account | None:
        """The account that waited the longest; None when none may log in now."""
        step = int((self._clock() + SPARE_S) // STEP_S)
        if not self._free:
            return None
        last, account = self._free[0]
        if last >= step and account.has_codes:
            return None
        self._free.popleft()
        self._used[account.name] = step
        return account

    def give_back(self, account: Account) -> None:
        self._free.append((self._used.pop(account.name, 0), account))
