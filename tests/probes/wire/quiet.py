"""For claims about milliseconds on a machine that others use too: what holds in one quiet moment holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

TRIES = 6


def in_a_quiet_moment(test: Callable[..., None]) -> Callable[..., None]:
    """Noise only ever adds: a test that is wrong fails every time, one that was disturbed passes again."""

    @wraps(test)
    def tried(*args: object, **more: object) -> None:
        for number in range(1, TRIES + 1):
            try:
                test(*args, **more)
            except AssertionError:
                if number == TRIES:
                    raise
            else:
                return

    return tried
