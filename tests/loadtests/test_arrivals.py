"""The schedule of an open-loop load: as many as wanted, spread as wanted, the same for a seed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arrivals import Process, Stage, due_times, length_s, level_at, within

STEADY = [Stage(100, 100, 60)]
RAMP = [Stage(0, 100, 20), Stage(100, 100, 10), Stage(100, 20, 20)]


def test_paced_arrivals_are_evenly_spread() -> None:
    times = list(due_times(STEADY, Process.PACED, 1))
    assert len(times) == 6000
    assert times[0] == pytest.approx(0.005)
    assert all(later - earlier == pytest.approx(0.01) for earlier, later in pairwise(times))


def test_poisson_arrivals_have_the_rate_and_the_spread_of_their_kind() -> None:
    times = list(due_times(STEADY, Process.POISSON, 7))
    assert len(times) == pytest.approx(6000, abs=4 * 6000**0.5)  # 4 sigma
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.06)
    assert variance**0.5 == pytest.approx(mean, rel=0.08)  # of an exponential they are equal


@pytest.mark.parametrize("process", Process)
def test_a_ramp_has_as_many_as_the_area_under_it(process: Process) -> None:
    times = list(due_times(RAMP, process, 3))
    wanted = 1000 + 1000 + 1200
    assert len(times) == pytest.approx(wanted, abs=1 if process is Process.PACED else 4 * wanted**0.5)
    early = sum(one < 10 for one in times)
    assert early == pytest.approx(250, abs=1 if process is Process.PACED else 4 * 250**0.5)
    assert times == sorted(times)
    assert times[-1] < length_s(RAMP)


def test_a_seed_makes_the_same_schedule_again() -> None:
    first = list(due_times(RAMP, Process.POISSON, 11))
    assert first == list(due_times(RAMP, Process.POISSON, 11))
    assert first != list(due_times(RAMP, Process.POISSON, 12))


@given(st.floats(1, 2000), st.floats(1, 2000), st.floats(0.1, 600), st.floats(0.001, 0.999))
def test_the_time_of_an_area_is_the_time_at_which_it_is_reached(
    begin: float, end: float, for_s: float, share: float
) -> None:
    stage = Stage(begin, end, for_s)
    at = stage.time_of(share * stage.area)
    reached = (begin + stage.level_at(at)) / 2 * at
    assert reached == pytest.approx(share * stage.area, rel=1e-6)


def test_a_load_is_cut_off_or_held() -> None:
    assert within(RAMP, 10) == [Stage(0, 50, 10)]
    assert within(RAMP, 25) == [Stage(0, 100, 20), Stage(100, 100, 5)]
    assert within(RAMP, 60) == [*RAMP, Stage(20, 20, 10)]
    assert length_s(within(RAMP, 60)) == 60


def test_the_level_at_a_time() -> None:
    assert [level_at(RAMP, at) for at in (0, 10, 25, 40, 50)] == [0, 50, 100, 60, 0]
