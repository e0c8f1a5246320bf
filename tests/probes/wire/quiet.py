"""For claims about milliseconds on a machine that others use too: what holds in one quiet moment holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

QUIET_WITHIN_S = 60.0


def in_a_quiet_moment(test: Callable[..., None]) -> Callable[..., None]:
    """Noise only ever adds: a test that is wrong fails every time, one that was disturbed passes again."""

    @wraps(test)
    def tried(*args: object, **more: object) -> None:
        deadline = time.monotonic() + QUIET_WITHIN_S
        while True:
            try:
                test(*args, **more)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    return tried
