"""When a burning objective began to burn, told after the fact from what was counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isnan

from slo import durations
from slo.burn import LEAST_EVENTS
from slo.history import FINE_S
from slo.snapshot import Counts, PairReading

Burn = Callable[[float, float], float]
"""The burn rate between two times; NaN when nothing is known."""

Last = Callable[[float], Counts | None]
"""The events of the last so many seconds before the tick; None when they were not counted."""


def onset(pair: PairReading, burn: Burn, newest: int, oldest: int) -> float | None:
    """The first 5 minute boundary of the unbroken run, up to `newest`, at which both windows of a pair that
    is critical now were over its factor. It began within the bucket that ends there; `lately_s` tells when,
    if its minutes are counted anew.

    None when they were not over at `newest`: it began in the minutes since (`lately_s`). Not before
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


def lately_s(pair: PairReading, budget: float, last: Last, moments: Iterable[float]) -> float:
    """For how many seconds both windows of a pair that is critical now have been over its factor without a
    break, as far as `moments` (seconds before now, rising) tell.

    It became so between two moments: one at which both were over, as at every counted one since, and the
    next that was counted, at which they were not. The answer is the latter, so it is never too late; but
    the former (0.0 for now) where no bad event had been counted by then, so that trouble is never dated
    before its first. A window is the difference of two counts that end now, however uneven the traffic. A
    moment that was not counted neither breaks a run nor begins one; with next to no events in a window, it
    breaks.
    """
    began_s = 0.0
    for ago_s in moments:
        match _critical(pair, budget, last, ago_s):
            case True:
                began_s = float(ago_s)
            case False:
                return float(ago_s) if _bad_before(pair, last, ago_s) else began_s
    return began_s


def _bad_before(pair: PairReading, last: Last, ago_s: float) -> bool:
    """Whether bad events were counted in the long window that ended `ago_s` seconds ago."""
    until, since = last(ago_s), last(ago_s + durations.parse(pair.long))
    return until is not None and since is not None and since.bad - until.bad > 0


def _critical(pair: PairReading, budget: float, last: Last, ago_s: float) -> bool | None:
    """Whether both windows that ended `ago_s` seconds ago were over; None when one was not counted."""
    until = last(ago_s)
    sides = [last(ago_s + durations.parse(window)) for window in (pair.short, pair.long)]
    if until is None or None in sides:
        return None
    return all(_over(side, until, pair.factor * budget) for side in sides if side)


def _over(since: Counts, until: Counts, ratio: float) -> bool:
    total = since.total - until.total
    return total >= LEAST_EVENTS and since.bad - until.bad > ratio * total
