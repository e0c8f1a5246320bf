"""When a burning objective began to burn, told from its buckets after the fact. Pure."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

from keelwatch.workspace.reading import Reading, Unknown, Value
from slo import durations
from slo.history import FINE_S
from slo.snapshot import PairReading

Burn = Callable[[float, float], float]
"""The burn rate between two times; NaN when nothing is known."""


def onset(pair: PairReading, burn: Burn, newest: int, oldest: int) -> float | None:
    """The first 5 minute boundary of the unbroken run, up to `newest`, at which both windows of a pair that
    is critical now were over its factor. To five minutes: it began within the bucket that ends there.

    None when they were not over at `newest`: it began in the minutes since (`lately`). Not before
    `oldest`, the beginning of the buckets.
    """
    long_s, short_s = durations.parse(pair.long), durations.parse(pair.short)

    def critical(at: int) -> bool:
        sides = (burn(at - long_s, at), burn(at - short_s, at))
        return all(not isnan(side) and side > pair.factor for side in sides)

    at = newest
    while at > oldest and critical(at):
        at -= FINE_S
    return None if at == newest else float(at + FINE_S)


def lately(error_ratio_5m: Reading, at: float) -> float:
    """When that began which no closed bucket shows yet: the last moment at which it can have begun.

    The bad events of the last 5 minutes take that share of them at least, with traffic as even as it is
    assumed to be: exact when everything fails, and otherwise late rather than before the trouble, by less
    than the 5 to 10 minutes that are open. `at` itself when the 5 minutes are unknown.
    """
    match error_ratio_5m:
        case Value(value=ratio):
            return at - FINE_S * min(1.0, ratio)
        case Unknown():
            return at
