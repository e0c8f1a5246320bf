"""From counted events to burn rates. Pure: sums come in, readings go out; the division is the last step.

error ratio = bad / total; budget = 1 - target; burn = error ratio / budget;
remaining = 1 - bad / (total * budget), that is 1 - burn over the period, negative when overspent.
"""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.snapshot import Counts

NO_TRAFFIC = "no traffic"
LEAST_EVENTS = 1e-6
"""Less is the dust of rounding, not traffic, and dividing by it would give an infinite burn."""


@dataclass(frozen=True, slots=True)
class Count:
    """Events of one stream in one window. `covered` is the share (0..1) of it with samples behind it."""

    events: float
    covered: float = 1.0


@dataclass(frozen=True, slots=True)
class Absent:
    """The source has no such series in this window. Of bad events that means none."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be counted, and why: query refused, samples stale, histogram bucket missing."""

    reason: str


Counted = Count | Absent | Failed

FULL = 0.99
"""A window covered at least this far counts as whole: a missed scrape is not a short history."""


def bad_of_good(good: Counted, total: Counted) -> Counted:
    """Bad events from good ones: total - good, summed before it is subtracted.

    No good series while there are events means that every event was bad. Extrapolation may count a
    fraction more good than total; that is no negative error.
    """
    match good, total:
        case Failed(), _:
            return good
        case _, Absent() | Failed():
            return total
        case Absent(), Count():
            return total
        case Count() as some, Count() as all_:
            return Count(max(0.0, all_.events - some.events), min(some.covered, all_.covered))
        case _:
            raise AssertionError((good, total))


def error_ratio(bad: Counted, total: Counted, at: float, source: str = "") -> Reading:
    """bad / total of one window. Absent bad is 0 bad; absent total or a total of 0 is unknown."""
    match total, bad:
        case (Absent(reason) | Failed(reason), _) | (Count(), Failed(reason)):
            return Unknown(reason, at, source)
        case Count(events=events), _ if events < LEAST_EVENTS:
            return Unknown(NO_TRAFFIC, at, source)
        case Count(events=events, covered=covered), Count(events=wrong):
            return Value(wrong / events, at, source, partial=covered < FULL)
        case Count(covered=covered), _:
            return Value(0.0, at, source, partial=covered < FULL)
        case _:
            raise AssertionError((bad, total))


def burn_rate(ratio: Reading, target: float) -> Reading:
    """How many times faster than evenly the budget is being spent. `target` in (0, 1)."""
    match ratio:
        case Unknown():
            return ratio
        case Value(value, at, source, partial):
            return Value(value / (1.0 - target), at, source, partial)


def budget_remaining(period_burn: Reading) -> Reading:
    """The share of the budget left, 1 when untouched, negative when overspent."""
    match period_burn:
        case Unknown():
            return period_burn
        case Value(value, at, source, partial):
            return Value(1.0 - value, at, source, partial)


def empty_in_s(remaining: Reading, basis_burn: Reading, period_s: float) -> float | None:
    """Seconds until the budget is empty if it goes on burning like the basis window.

    None when unknown, or when the basis burns no faster than the period refills; 0 when already empty.
    """
    match remaining, basis_burn:
        case Value(value=left), _ if left <= 0:
            return 0.0
        case Value(value=left), Value(value=rate) if rate > 1.0:
            return left * period_s / rate
        case _:
            return None


def consumed(burn: float, window_s: float, period_s: float) -> float:
    """The share of the period's budget that `burn` spends in a window."""
    return burn * window_s / period_s


def shown(bad: Counted, total: Counted) -> Counts | None:
    """The counts behind a reading, for the why view."""
    if not isinstance(total, Count) or isinstance(bad, Failed):
        return None
    return Counts(bad.events if isinstance(bad, Count) else 0.0, total.events)
