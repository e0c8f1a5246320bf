"""How old the newest sample is, where a target that died leaves other series of its stream behind."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from keelwatch.adapters.prometheus import Matrix, Sample, Vector
from slo.engine import Engine
from slo.plan import TERM
from slo.snapshot import ObjectiveReading
from tests.slo.watched import events

NOW = 1_790_000_000.0


@dataclass(slots=True)
class Answering:
    """One event in every window, and the newest sample at `newest`."""

    newest: float
    shown: str = "answering"

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        terms = promql.split(" or ")
        values = [self.newest if "timestamp(" in term else 1.0 for term in terms]
        return Vector(tuple(Sample({TERM: str(n)}, value) for n, value in enumerate(values)))

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        return Matrix(())


def test_when_only_loaded_series_are_left_the_age_is_that_of_the_last_live_sample() -> None:
    source = Answering(newest=NOW)
    engine = Engine(source, [events("journey")], stale_after_s=15.0)
    engine.tick(NOW)

    source.newest = NOW - 171  # the live series ended; those that were loaded ended long before
    (found,) = engine.tick(NOW + 30).objectives

    assert found.unknown_reason == "stale: last sample 30s ago"
    assert found.sample_age_s == pytest.approx(30)


def test_a_target_that_comes_back_is_fresh_again() -> None:
    source = Answering(newest=NOW)
    engine = Engine(source, [events("journey")], stale_after_s=15.0)

    def look(at: float) -> ObjectiveReading:
        return engine.tick(at).objectives[0]

    look(NOW)
    source.newest = NOW - 171
    assert look(NOW + 30).sample_age_s == pytest.approx(30)
    source.newest = NOW + 58
    assert look(NOW + 60).sample_age_s == pytest.approx(2)
