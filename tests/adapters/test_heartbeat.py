"""What a heartbeat tells of a failover: what is at stake, and how long nobody could write."""

from __future__ import annotations

import pytest

from keelwatch.adapters.heartbeat import Beat, at_stake, longest_gap_s

BEATS = (
    Beat(1, 10.0, "east"),
    Beat(2, 11.0, "west"),
    Beat(3, 12.0, "west"),
    Beat(4, 40.0, "east"),
    Beat(5, 40.5, "east"),
)


def test_what_was_lost_before_anybody_began_is_at_stake_but_not_what_an_earlier_primary_took() -> None:
    assert [beat.n for beat in at_stake(BEATS, began=30.0)] == [2, 3, 4, 5]
    assert [beat.n for beat in at_stake(BEATS, began=11.5)] == [2, 3, 4, 5]
    assert [beat.n for beat in at_stake(BEATS, began=5.0)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("began", "gap_s"), [(30.0, 28.0), (40.2, 0.5), (50.0, None)])
def test_the_gap_begins_with_the_last_write_before(began: float, gap_s: float | None) -> None:
    assert longest_gap_s(BEATS, began) == gap_s
