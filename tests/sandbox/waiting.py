"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable


def until[T](question: Callable[[], T], within_s: float = 15.0, *, every_s: float = 0.05) -> T:
    """The first true answer of `question`; fails when there is none `within_s`."""
    deadline = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline, f"{question} not true within {within_s} s: {answer!r}"
        time.sleep(every_s)
    return answer
