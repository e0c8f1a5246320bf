"""When a burning objective began to burn, told from its buckets after the fact. Pure."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

from slo import durations
from slo.history import FINE_S
from slo.snapshot import PairReading

Burn = Callable[[float, float], float]
"""The burn rate between two times; NaN when nothing is known."""


def onset(pair: PairReading, burn: Burn, newest: int, oldest: int) -> float:
    """The first 5 minute boundary of the unbroken run, up to `newest`, at which both windows of a pair that
    is critical now were over its factor.

    `newest` itself when they were not over there: it began in the minutes since. Not before `oldest`, the
    beginning of the buckets.
    """
    long_s, short_s = durations.parse(pair.long), durations.parse(pair.short)

    def critical(at: int) -> bool:
        sides = (burn(at - long_s, at), burn(at - short_s, at))
        return all(not isnan(side) and side > pair.factor for side in sides)

    at = newest
    while at > oldest and critical(at):
        at -= FINE_S
    return float(min(at + FINE_S, newest))
