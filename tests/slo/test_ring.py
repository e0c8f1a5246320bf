"""Sums over buckets are exact whatever came in, in whatever order, with whatever holes."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.ring import Ring

STEP_S = 300
SLOTS = 40
counts = st.one_of(st.just(nan), st.floats(0, 1e9, allow_nan=False))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Ring, dict[int, float]]:
    """A ring after several puts that overlap and jump, and what it must then hold."""
    ring, expected = Ring(STEP_S, SLOTS), dict[int, float]()
    first = 0
    for _ in range(draw(st.integers(1, 5))):
        first = max(0, first + draw(st.integers(-5, 60))) // 1
        values = draw(st.lists(counts, min_size=1, max_size=50))
        ring.put(first * STEP_S, values)
        expected |= {(first + index) * STEP_S: value for index, value in enumerate(values)}
        newest = max(expected)
        expected = {at: value for at, value in expected.items() if at > newest - SLOTS * STEP_S}
    return ring, expected


@given(histories(), st.integers(0, 20_000), st.integers(0, 60))
def test_a_window_is_the_sum_of_its_buckets_and_a_share_of_the_first(
    history: tuple[Ring, dict[int, float]], since_offset: int, ahead: int
) -> None:
    ring, expected = history
    assert ring.end == max(expected)
    until = ring.end - ahead * STEP_S
    since = until - since_offset
    events = seconds = 0.0
    for end, value in expected.items():
        overlap = max(0.0, min(end, until) - max(end - STEP_S, since))
        if not isnan(value):
            events += value * overlap / STEP_S
            seconds += overlap
    found = ring.total(since, until)
    assert found[0] == pytest.approx(events, rel=1e-9, abs=1e-3)
    assert found[1] == pytest.approx(seconds, rel=1e-9, abs=1e-6)


@given(histories())
def test_every_kept_bucket_reads_back(history: tuple[Ring, dict[int, float]]) -> None:
    ring, expected = history
    assert ring.end is not None
    for bucket in range(ring.start - STEP_S, ring.end + 2 * STEP_S, STEP_S):
        assert ring.value(bucket) == pytest.approx(expected.get(bucket, nan), nan_ok=True)


@given(histories(), st.integers(1, 39), st.integers(1, 39))
def test_neighbouring_windows_add_up(history: tuple[Ring, dict[int, float]], one: int, other: int) -> None:
    ring, _ = history
    assert ring.end is not None
    early, late = sorted((one, other))
    middle, start = ring.end - early * STEP_S, ring.end - late * STEP_S
    whole = ring.total(start, ring.end)[0]
    parts = ring.total(start, middle)[0] + ring.total(middle, ring.end)[0]
    assert whole == pytest.approx(parts, rel=1e-9, abs=1e-3)


def test_an_empty_ring_knows_nothing() -> None:
    assert Ring(STEP_S, SLOTS).total(0, 3000) == (0.0, 0.0)
