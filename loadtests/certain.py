"""Whether a load that still goes on has missed a threshold for certain: nobody need push to the end then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loadtests.gathered import Gathered, Times
from loadtests.thresholds import limits_ms, name_of

if TYPE_CHECKING:
    from loadtests.spec import Threshold

SURE = 1.2
"""So many times more than may be bad of all that will come, by the rate so far."""
LEAST = 50
SEEN_S = 2
"""Before that nobody can tell whether it is the generators that are behind."""


def breached(thresholds: Sequence[Threshold], gathered: Gathered, whole_s: float) -> str:
    """Why, or an empty text. The load lasts `whole_s`, the warm-up left out."""
    passed_s = gathered.told_s
    if passed_s < SEEN_S or gathered.late_s:
        return ""  # a generator that is behind answers itself late too: it catches up, or does not keep up
    if gathered.dropped:
        return f"arrivals-dropped: {gathered.dropped}"
    for one in thresholds:
        times = gathered.all if one.request is None else gathered.requests.get(one.request)
        if times is None or times.count < LEAST:
            continue
        bad, may = _bad_of(one, times)
        to_come = times.count * whole_s / passed_s
        if may is not None and bad > to_come * may * SURE:
            return f"{name_of(one)}: {bad:.0f} of {times.count} are too many already"
    return ""


def _bad_of(one: Threshold, times: Times) -> tuple[float, float | None]:
    """How many are bad, and which part (0..1) may be; None for a threshold that the source is asked of. What
    only began late is not bad: that is no limit of the server."""
    if one.percentile is not None and one.below is not None:
        limit_ms, own_ms = limits_ms(one)
        wanted = times.response if one.of == "response" else times.service
        above = min(wanted.share_above(limit_ms) or 0.0, times.service.share_above(own_ms) or 0.0)
        return above * times.count, 1 - one.percentile / 100
    if one.failures_below is not None:
        return float(times.failed), one.failures_below / 100
    return 0.0, None
