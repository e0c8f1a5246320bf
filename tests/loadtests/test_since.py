"""From when on a load is measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

import pytest

from loadtests.broker import Broker
from loadtests.gathered import Gathered
from loadtests.run import measured_since


@dataclass
class Began:
    """What is asked of a broker here."""

    began: float | None


@pytest.mark.parametrize(("ago_s", "warm_up_s", "since_s"), [(30.0, 5.0, 25.0), (30.0, 0.0, 30.0)])
def test_a_load_is_measured_from_its_first_arrivals_on_without_the_warm_up(
    ago_s: float, warm_up_s: float, since_s: float
) -> None:
    broker = cast("Broker", Began(time.monotonic() - ago_s))
    found = measured_since(broker, Gathered(warm_up_s))
    assert time.time() - found == pytest.approx(since_s, abs=0.5)


def test_a_load_that_never_began_is_measured_from_now_on() -> None:
    assert time.time() - measured_since(cast("Broker", Began(None)), Gathered(5.0)) < 0.5
