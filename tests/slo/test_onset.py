"""Since when it burns, told from buckets after the fact; and when our buckets are to be doubted."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.workspace.reading import Unknown, Value
from slo.onset import lately, onset
from slo.snapshot import PairReading, State
from slo.why import Drift

NOW = 100_000 * 300
HOUR_PAIR = PairReading("1h", "5m", 14.4, State.PAGE, 0.02, Value(20.0, 0.0), Value(20.0, 0.0), "critical")


def burning_since(began: float) -> float | None:
    """The onset that is found when everything fails from `began` on, at 99.9 %."""
    return onset(
        HOUR_PAIR, lambda start, end: 1000 * max(0.0, end - max(start, began)) / (end - start), NOW, 0
    )


@pytest.mark.parametrize(("ago_s", "boundaries"), [(3600, 11), (1800, 5), (400, 1), (320, 0), (60, 0)])
def test_the_first_boundary_at_which_both_windows_were_over(ago_s: float, boundaries: int) -> None:
    assert burning_since(NOW - ago_s) == NOW - boundaries * 300


@pytest.mark.parametrize("ago_s", [51, 30, 0, -90])
def test_what_the_closed_buckets_do_not_show_began_after_them(ago_s: float) -> None:
    assert burning_since(NOW - ago_s) is None


def test_no_further_back_than_the_buckets_reach() -> None:
    assert onset(HOUR_PAIR, lambda _start, _end: 20.0, NOW, NOW - 3000) == NOW - 2700


def test_what_is_not_known_did_not_burn() -> None:
    assert onset(HOUR_PAIR, lambda _start, _end: nan, NOW, 0) is None


@pytest.mark.parametrize("ago_s", [1, 98, 299, 300])
def test_when_everything_fails_the_open_end_tells_the_second(ago_s: float) -> None:
    assert lately(Value(ago_s / 300, NOW), NOW) == pytest.approx(NOW - ago_s, abs=1e-6)


@given(st.floats(0, 600), st.floats(0.001, 1))
def test_whatever_share_fails_the_open_end_never_predates_it(ago_s: float, share: float) -> None:
    ratio = share * min(ago_s, 300.0) / 300.0
    assert NOW - ago_s <= lately(Value(ratio, NOW), NOW) + 1e-6 <= NOW + 1e-6


def test_more_bad_events_than_events_began_no_earlier_than_the_five_minutes() -> None:
    assert lately(Value(1.7, NOW), NOW) == NOW - 300


def test_an_open_end_that_nobody_counted_is_seen_now() -> None:
    assert lately(Unknown("no traffic", NOW), NOW) == NOW


@pytest.mark.parametrize(
    ("ours", "theirs", "far"),
    [(1000, 1000, False), (1050, 1000, False), (1200, 1000, True), (2, 1, False), (5, 0, False)],
)
def test_buckets_are_doubted_when_they_are_far_off_a_count_worth_comparing(
    ours: float,
    theirs: float,
    far: bool,  # noqa: FBT001  # the expectation of the row
) -> None:
    assert Drift(0.0, ours, theirs).far is far
