"""Objectives and counts made up for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slo.burn import Absent, Count, Counted
from slo.evaluate import PartOfTotal, evaluate
from slo.objective import Objective, Ratio, Tracked, track
from slo.promql import Counter
from slo.selector import Matcher, Op, Selector
from slo.snapshot import ObjectiveReading
from slo.windows import DAY_S, lengths

MONTH_S = 30.0 * DAY_S


def selector(metric: str, **equal: str) -> Selector:
    return Selector(metric, tuple(sorted(Matcher(name, Op.EQUAL, value) for name, value in equal.items())))


def objective(
    name: str = "login-availability", target: float = 0.999, period_s: float = MONTH_S, part_is: str = "bad"
) -> Objective:
    ratio = Ratio(Counter(selector("part_total")), part_is, Counter(selector("events_total")))
    return Objective(name, name, "identity", target, period_s, ratio, "availability")


def tracked(name: str = "login-availability", target: float = 0.999, period_s: float = MONTH_S) -> Tracked:
    (one,) = track(objective(name, target, period_s), ())
    return one


def counted(bad: float | None, total: float | None) -> PartOfTotal:
    """Counts of one window; None is a series that is not there."""
    return PartOfTotal(_counted(bad), _counted(total))


def _counted(events: float | None) -> Counted:
    return Absent("no samples") if events is None else Count(events)


def always(bad: float | None, total: float | None) -> Callable[[float], tuple[float | None, float | None]]:
    """The same counts in every window, for `reading`."""
    return lambda _window_s: (bad, total)


def reading(
    of: Callable[[float], tuple[float | None, float | None]], target: float = 0.999
) -> ObjectiveReading:
    """The reading when `of(window_s)` says the bad and all events of each window."""
    windows: Mapping[str, PartOfTotal] = {
        window: counted(*of(length_s)) for window, length_s in lengths(MONTH_S).items()
    }
    return evaluate(tracked(target=target), windows, 0.0, "test")
