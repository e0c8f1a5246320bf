"""Guards: what trips them, when, and under which name."""

from __future__ import annotations

import pytest

from keelwatch.safety import Limit, Trip, Watch, judge
from keelwatch.workspace import Condition

BURN, LAG = Limit("burn", grace_s=10), Limit("lag", grace_s=2)
YES, NO, UNKNOWN = Condition.yes("fine"), Condition.no("14.9 over 14.4"), Condition.unknown("no data")


def followed(*moments: tuple[float, dict[str, Condition]]) -> list[tuple[str, ...]]:
    """Which limits tripped at each moment."""
    watch, tripped = Watch(), []
    for now_s, found in moments:
        watch, trips = judge([BURN, LAG], found, watch, now_s)
        tripped.append(tuple(trip.limit for trip in trips))
    return tripped


@pytest.mark.parametrize(
    ("moments", "tripped"),
    [
        pytest.param([(0, {"burn": YES, "lag": YES})], [()], id="all well"),
        pytest.param([(0, {"burn": NO, "lag": YES})], [("burn",)], id="no trips at once"),
        pytest.param([(0, {"burn": NO, "lag": NO})], [("burn", "lag")], id="all that trip are named"),
        pytest.param(
            [(0, {"burn": UNKNOWN, "lag": YES}), (10, {"burn": UNKNOWN, "lag": YES})],
            [(), ()],
            id="unknown as long as its grace",
        ),
        pytest.param(
            [(0, {"burn": UNKNOWN, "lag": YES}), (10.1, {"burn": UNKNOWN, "lag": YES})],
            [(), ("burn",)],
            id="unknown beyond its grace",
        ),
        pytest.param(
            [(0, {"burn": UNKNOWN, "lag": UNKNOWN}), (3, {"burn": UNKNOWN, "lag": UNKNOWN})],
            [(), ("lag",)],
            id="each has its own grace",
        ),
        pytest.param(
            [(n, {"burn": YES, "lag": UNKNOWN if n % 2 else YES}) for n in range(8)],
            [()] * 8,
            id="an answer in between begins the grace anew",
        ),
        pytest.param([(0, {"lag": YES}), (11, {"lag": YES})], [(), ("burn",)], id="nobody asked"),
        pytest.param([(0, {}), (11, {})], [(), ("burn", "lag")], id="nothing was asked"),
        pytest.param(
            [(5, {"burn": UNKNOWN, "lag": YES}), (0, {"burn": UNKNOWN, "lag": YES}), (11, {"lag": YES})],
            [(), (), ("burn",)],
            id="a clock that went back gives no more time",
        ),
    ],
)
def test_what_trips(
    moments: list[tuple[float, dict[str, Condition]]], tripped: list[tuple[str, ...]]
) -> None:
    assert followed(*moments) == tripped


def test_a_trip_says_what_and_why() -> None:
    _, trips = judge([BURN], {"burn": NO}, Watch(), 0)
    assert [str(trip) for trip in trips] == ["14.9 over 14.4 (must hold: burn)"]

    _, trips = judge([LAG], {"lag": UNKNOWN}, Watch({"lag": 0}), 7)
    assert trips == (Trip("lag", "unknown for 7 s: no data"),)


def test_a_guard_without_limits_never_trips() -> None:
    assert judge([], {"burn": NO}, Watch(), 0) == (Watch(), ())
