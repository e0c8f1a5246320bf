"""The analytic trace: constant traffic, 99.9 %, exactly 15 % errors for exactly 10 minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keelwatch.workspace.reading import Value
from slo.snapshot import ObjectiveReading, State, Trend
from tests.slo.made import MONTH_S, reading

BAD_S = 600.0
ERRORS = 0.15


def at(seconds: float) -> ObjectiveReading:
    """The reading `seconds` after the onset, one request per second all the time."""

    def counts(window_s: float) -> tuple[float, float]:
        overlap = max(0.0, min(seconds, BAD_S) - max(0.0, seconds - window_s))
        return ERRORS * overlap, window_s

    return reading(counts)


def first(holds: Callable[[ObjectiveReading], bool], since: float, until: float) -> float:
    """When `holds` turns true between two times, to the microsecond."""
    assert not holds(at(since))
    assert holds(at(until))
    while until - since > 1e-7:
        middle = (since + until) / 2
        since, until = (since, middle) if holds(at(middle)) else (middle, until)
    return until


def over(window: str) -> Callable[[ObjectiveReading], bool]:
    def holds(one: ObjectiveReading) -> bool:
        burn = one.burn[window]
        assert isinstance(burn, Value)
        return burn.value > 14.4

    return holds


def pages(one: ObjectiveReading) -> bool:
    return one.state is State.PAGE


def test_the_five_minute_window_crosses_after_28_8_seconds() -> None:
    assert first(over("5m"), 0, 300) == pytest.approx(28.8, abs=1e-5)


def test_the_hour_crosses_and_the_page_begins_after_5_76_minutes() -> None:
    assert first(over("1h"), 0, 600) == pytest.approx(5.76 * 60, abs=1e-5)
    assert first(pages, 0, 600) == pytest.approx(5.76 * 60, abs=1e-5)


def test_the_page_ends_with_the_short_window_long_before_the_hour_clears() -> None:
    assert first(lambda one: not pages(one), 600, 1200) == pytest.approx(14.52 * 60, abs=1e-5)
    assert first(lambda one: not over("1h")(one), 900, 4200) == pytest.approx(64.24 * 60, abs=1e-5)


def test_the_six_hour_pair_stays_silent() -> None:
    for minute in range(120):
        six_hours = at(minute * 60.0).pairs[1]
        assert six_hours.outcome == "clear", minute


def test_ten_such_minutes_use_3_47_percent_of_the_budget() -> None:
    remaining = at(BAD_S).budget_remaining
    assert isinstance(remaining, Value)
    assert 1 - remaining.value == pytest.approx(ERRORS * BAD_S / (MONTH_S * 0.001), rel=1e-9)
    assert 1 - remaining.value == pytest.approx(0.0347, abs=5e-5)


def test_the_trend_is_told_before_during_and_after() -> None:
    assert at(60).trend is Trend.INCREASING
    assert at(590).trend is Trend.INCREASING  # 5m far above 1h while it pages
    assert at(1200).trend is Trend.RECOVERING
    assert at(8000).trend is Trend.STEADY  # though 6h still remembers
