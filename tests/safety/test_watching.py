"""A guard in threads: each limit on its own, and content only when all of them are."""

from __future__ import annotations

import threading
import time

from keelwatch.safety import Watching
from keelwatch.workspace import Condition, Refused
from tests.runs.conftest import until

WELL = Condition.yes("well")


def test_one_that_hangs_keeps_no_other_from_tripping() -> None:
    gate = threading.Event()

    def hangs() -> Condition:
        gate.wait(60)
        return WELL

    with Watching({"slow": hangs, "burn": lambda: Condition.no("20x")}) as guard:
        until(lambda: bool(guard.trips), 5, "a trip")
        gate.set()
    assert [str(one) for one in guard.trips] == ["20x (must hold: burn)"]


def test_what_cannot_be_asked_is_unknown_and_trips_after_its_grace() -> None:
    def refuses() -> Condition:
        raise Refused("nobody may look")

    def breaks() -> Condition:
        raise ZeroDivisionError("a bug")

    with Watching({"refused": refuses, "bug": breaks}, grace_s=0.5) as guard:
        until(lambda: len(guard.trips) == 2, 10, "both")
    told = sorted(str(one) for one in guard.trips)
    assert "ZeroDivisionError: a bug" in told[0]
    assert "nobody may look" in told[1]


def test_it_is_clear_only_once_every_limit_has_been_looked_at_since() -> None:
    gate = threading.Event()

    def later() -> Condition:
        gate.wait(60)
        return WELL

    with Watching({"now": lambda: WELL, "later": later}) as guard:
        until(lambda: "now" in guard.answers, 5, "the first answer")
        assert not guard.is_clear_after(0.0)
        gate.set()
        moment = time.monotonic()
        until(lambda: guard.is_clear_after(moment), 10, "a look of both")
    assert guard.trips == ()


def test_without_limits_it_is_content() -> None:
    with Watching({}) as guard:
        assert guard.is_clear_after(time.monotonic())
