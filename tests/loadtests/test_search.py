"""The search for capacity: few steps, an interval around the truth, confirmed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from loadtests.search import PRECISION, PROOF, Interval, Next, Tried, next_step, rest_s


def searched(true: float, first: float = 1.0, most: float = 1000.0) -> tuple[Interval, list[Tried]]:
    """A server that bears exactly `true` per second."""
    tried: list[Tried] = []
    while isinstance(step := next_step(tried, first, most), Next):
        held = step.rate <= true
        tried.append(Tried(step.rate, held, "" if held else "late", is_proof=step.is_proof))
        assert len(tried) < 40
    return step, tried


@pytest.mark.parametrize("true", [0.3, 1.0, 7.0, 143.0, 200.0, 999.0])
def test_the_truth_lies_in_the_interval_and_it_is_narrow(true: float) -> None:
    found, tried = searched(true)
    assert found.first_breach is not None
    assert found.last_ok <= true < found.first_breach
    assert (found.first_breach - found.last_ok) / found.first_breach <= PRECISION
    assert [one.rate for one in tried if one.is_proof] == [found.first_breach, found.last_ok]


def test_steps_are_few() -> None:
    assert len(searched(200.0, first=50.0)[1]) <= 10


def test_what_bears_everything_has_no_breach() -> None:
    found, _ = searched(1e9, most=50.0)
    assert found == Interval(50.0)


def test_a_rate_that_cannot_be_pushed_is_an_end_and_the_search_goes_on_below_it() -> None:
    tried: list[Tried] = []
    while isinstance(step := next_step(tried, 1.0, 1000.0), Next):
        assert len(tried) < 40
        can = step.rate <= 21.0
        tried.append(Tried(step.rate, can, "" if can else "behind", step.is_proof, is_pushed=can))
    assert step == Interval(20.0, out_of_reach=22.0, why="behind")
    assert [one.rate for one in tried if one.is_proof] == [22.0, 20.0], "both ends are confirmed"


def test_a_generator_that_fell_behind_by_bad_luck_is_no_end() -> None:
    behind = Tried(20.0, held=False, reason="behind", is_pushed=False)
    tried = [_held(10), behind, _held(15), _held(17.5), _held(18.75)]
    assert next_step(tried, 10, 100) == _doubted(20)
    assert next_step([*tried, _proven(_held(20))], 10, 100) == Next(40)


def test_what_does_not_hold_below_what_cannot_be_pushed_is_the_answer() -> None:
    behind = Tried(40.0, held=False, reason="behind", is_pushed=False)
    tried = [_held(20), behind, _held(30), _failed(32), _proven(_failed(32)), _proven(_held(30))]
    assert next_step(tried, 20, 100) == Interval(30, first_breach=32, why="late")


def test_what_bears_nothing_is_said_so() -> None:
    found, tried = searched(0.0)
    assert found.last_ok == 0.0
    assert found.first_breach == min(one.rate for one in tried) < 0.2
    assert [one.rate for one in tried].count(found.first_breach) == 2, "once may be a moment's bad luck"


def test_one_bad_moment_at_the_lowest_rate_is_not_the_end() -> None:
    assert next_step([_failed(0.16)], 0.16, 100) == _doubted(0.16)
    for held in (_held(0.16), _proven(_held(0.16))):  # so few come that they may prove nothing
        assert next_step([_failed(0.16), held], 0.16, 100) == Next(0.32)
    assert next_step([_failed(0.16), _proven(_failed(0.16))], 0.16, 100) == Interval(0.0, 0.16, why="late")


def test_a_confirmation_that_fails_leads_further_down() -> None:
    tried = [_held(10), _failed(20), _held(15), _failed(17.5), _held(16.25), _failed(16.9)]
    tried += [_proven(_failed(16.9))]
    assert next_step(tried, 10, 100) == Next(16.25, is_proof=True)
    assert next_step([*tried, _proven(_failed(16.25))], 10, 100) == Next(15, is_proof=True)


def test_one_bad_moment_is_no_breach() -> None:
    tried = [_held(40), _failed(80), _held(60), _failed(70), _held(65), _failed(67.5)]
    assert next_step(tried, 40, 1000) == _doubted(67.5)
    assert next_step([*tried, _proven(_failed(67.5))], 40, 1000) == Next(65, is_proof=True)
    assert next_step([*tried, _proven(_held(67.5))], 40, 1000) == _doubted(70), (
        "that was all; the next above it is asked again"
    )
    assert next_step([*tried, _proven(_held(67.5)), _proven(_held(70))], 40, 1000) == Next(75)


class Desk:
    """One desk that serves one in a unit of time, arrivals at random: the 95th percentile of the time in the
    system reaches 8 at a rate of 0.809 (as `tests/bench/load_capacity.py` computes it)."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def tried(self, step: Next) -> Tried:
        """As many arrivals as a short step of the benchmark has, or one that confirms."""
        wait, bad, count = 0.0, 0, int(1000 * PROOF) if step.is_proof else 1000
        for at in range(-250, count):
            wait = max(0.0, wait + 1 - self.chance.expovariate(step.rate))
            bad += at >= 0 and wait + 1 > 8
        held = bad <= 0.05 * count
        return Tried(step.rate, held, "" if held else "late", step.is_proof)


def test_chance_does_not_lead_the_search_away() -> None:
    """Short steps are wrong about rates near the limit as often as not."""
    found = [_searched(Desk(seed)) for seed in range(60)]
    middles = [(one.last_ok + one.first_breach) / 2 for one in found if one.first_breach is not None]
    assert len(middles) == 60
    assert len([middle for middle in middles if abs(middle - 0.809) > 0.1 * 0.809]) <= 1


def _searched(desk: Desk) -> Interval:
    tried: list[Tried] = []
    while isinstance(step := next_step(tried, 0.16, 10.0), Next):
        tried.append(desk.tried(step))
    return step


def _held(rate: float) -> Tried:
    return Tried(rate, held=True, reason="")


def _failed(rate: float) -> Tried:
    return Tried(rate, held=False, reason="late")


def _doubted(rate: float) -> Next:
    return Next(rate, is_proof=True, is_doubt=True)


def _proven(one: Tried) -> Tried:
    return replace(one, is_proof=True)


def test_a_step_that_held_leaves_no_queue_and_one_that_did_not_is_given_time_to_drain() -> None:
    held, above, far = (
        Tried(16.0, held=True, reason=""),
        Tried(20.0, held=False, reason="late"),
        Tried(32.0, held=False, reason="late"),
    )
    assert rest_s([held], 12.0) == 0.0
    assert rest_s([held, above], 12.0) == 1.0 + 12.0 * 4 / 16
    assert rest_s([held, far], 12.0) == 1.0 + 12.0
    assert rest_s([far], 60.0) == 20.0
