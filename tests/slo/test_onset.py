"""Since when it burns, told from buckets after the fact; and when our buckets are to be doubted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.workspace.reading import Value
from slo.burn import LEAST_EVENTS
from slo.onset import lately_s, onset
from slo.snapshot import Counts, PairReading, State
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


Known = Callable[[float], Counts]

Event = tuple[float, float, float]
"""Seconds ago, bad events, all events."""

MOMENTS = range(30, 600, 30)


def counted(happened: Iterable[Event]) -> Known:
    """The events of the last so many seconds of what happened."""
    known = list(happened)

    def last(seconds: float) -> Counts:
        inside = [one for one in known if one[0] < seconds]
        return Counts(sum(bad for _, bad, _ in inside), sum(total for _, _, total in inside))

    return last


def evenly(per_s: float, since_s: int, until_s: int = 0, bad: float = 0.0) -> list[Event]:
    return [(ago + 0.5, per_s * bad, per_s) for ago in range(until_s, since_s)]


def burst() -> st.SearchStrategy[list[Event]]:
    """Up to 40 crowds of any size at any time of 75 minutes, upon a trickle or upon nothing."""
    crowds = st.lists(st.tuples(st.floats(0, 4500), st.just(0.0), st.floats(0.01, 1e5)), max_size=40)
    return st.builds(lambda some, trickle: some + evenly(trickle, 4500), crowds, st.sampled_from([0.0, 0.05]))


def over(last: Known, ago_s: float) -> bool:
    """Whether both windows that ended then were over, told the plain way."""
    sides = [(last(ago_s + window), last(ago_s)) for window in (300, 3600)]
    return all(
        (total := old.total - new.total) > LEAST_EVENTS and (old.bad - new.bad) / total > 14.4 * 0.001
        for old, new in sides
    )


@pytest.mark.parametrize("ago_s", [65, 98, 299, 500])
def test_when_everything_fails_the_open_end_tells_the_half_minute(ago_s: int) -> None:
    last = counted(evenly(1.0, 4500, ago_s) + evenly(1.0, ago_s, bad=1.0))
    over_s = ago_s - 0.0144 * 3600  # 52 s of failure are 1.44 % of an hour
    assert over_s <= lately_s(HOUR_PAIR, 0.001, last, MOMENTS) <= over_s + 30


def test_traffic_that_has_just_begun_does_not_predate_its_trouble() -> None:
    last = counted(evenly(0.05, 4500, 120) + evenly(5.0, 120, 65) + evenly(5.0, 65, bad=1.0))
    assert lately_s(HOUR_PAIR, 0.001, last, MOMENTS) == 60


@given(burst(), st.floats(0, 600), st.floats(0.001, 1))
def test_however_uneven_the_traffic_no_trouble_is_dated_before_its_first_bad_event(
    happened: list[Event], ago_s: float, share: float
) -> None:
    failing = [(ago, total * share if ago < ago_s else 0.0, total) for ago, _, total in happened]
    first = max((ago for ago, bad, _ in failing if bad), default=0.0)
    assert lately_s(HOUR_PAIR, 0.001, counted(failing), MOMENTS) <= first


@given(burst(), st.floats(0, 600), st.floats(0.001, 1))
def test_the_answer_is_the_moment_before_both_were_over_or_the_next_when_nothing_was_bad_by_then(
    happened: list[Event], ago_s: float, share: float
) -> None:
    last = counted((ago, total * share if ago < ago_s else 0.0, total) for ago, _, total in happened)
    found = lately_s(HOUR_PAIR, 0.001, last, MOMENTS)
    assert all(over(last, ago) for ago in MOMENTS if ago < found)
    if found and not over(last, found):
        assert last(found + 3600).bad > last(found).bad
    else:
        first = next((ago for ago in MOMENTS if ago > found), 4500)
        assert first == 4500 or not over(last, first)


def test_a_moment_that_nobody_counted_breaks_no_run_and_begins_none() -> None:
    last = counted(evenly(1.0, 4500, 300) + evenly(1.0, 300, bad=1.0))

    def slow(seconds: float) -> Counts | None:
        return last(seconds) if seconds % 60 == 0 else None

    assert lately_s(HOUR_PAIR, 0.001, slow, MOMENTS) == 240  # at 300 it was not over, nor had any failed
    assert lately_s(HOUR_PAIR, 0.001, lambda _seconds: None, MOMENTS) == 0


def test_an_hour_without_events_is_not_over() -> None:
    assert lately_s(HOUR_PAIR, 0.001, counted([]), MOMENTS) == 0


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
