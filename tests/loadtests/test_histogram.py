"""Latencies by bucket: quantiles within their error, sums that lose nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.histogram import ERROR, LEAST_MS, Histogram, bucket_of, from_json, merged, value_of

TIMES = st.floats(LEAST_MS, 3_600_000)


def of(values: list[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.record(value)
    return found


@given(TIMES)
def test_no_value_is_further_from_its_bucket_than_the_error(value: float) -> None:
    assert abs(value_of(bucket_of(value)) - value) <= value * ERROR * (1 + 1e-9)


@given(st.lists(TIMES, min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_is_that_of_the_sorted_values_within_the_error(values: list[float], share: float) -> None:
    import math

    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = of(values).quantile_ms(share)
    assert found is not None
    assert abs(found - exact) <= exact * ERROR * (1 + 1e-9)


@given(st.lists(st.lists(TIMES, max_size=30), max_size=6))
def test_parts_add_up_to_the_whole(parts: list[list[float]]) -> None:
    whole = of([one for part in parts for one in part])
    together = merged(from_json(json.loads(json.dumps(of(part).as_json()))) for part in parts)
    assert together.counts == whole.counts
    assert together.total_ms == pytest.approx(whole.total_ms)


def test_nothing_has_no_quantile() -> None:
    empty = Histogram()
    assert (empty.count, empty.mean_ms, empty.quantile_ms(0.5), empty.share_above(1.0)) == (
        0,
        None,
        None,
        None,
    )


def test_the_slow_are_told_from_the_quick() -> None:
    found = of([10.0] * 90 + [500.0] * 10)
    assert found.share_above(100.0) == pytest.approx(0.1)
    assert found.quantile_ms(0.90) == pytest.approx(10.0, rel=ERROR)
    assert found.quantile_ms(0.91) == pytest.approx(500.0, rel=ERROR)
    assert found.mean_ms == pytest.approx(59.0)


@pytest.mark.parametrize(
    "told", [{}, {"counts": 1, "ms": 1}, {"counts": {}, "ms": "x"}, {"counts": {"x": 1}, "ms": 0}]
)
def test_what_is_no_histogram_is_none(told: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no histogram|invalid literal"):
        from_json(told)
