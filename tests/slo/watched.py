"""Objectives of the made-up world, and a source that remembers what it was asked about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelwatch.adapters.prometheus import Matrix, Prometheus, Vector
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.engine import Engine
from slo.objective import Objective, Ratio
from slo.promql import Counter, Query
from slo.snapshot import ObjectiveReading
from slo.windows import DAY_S
from tests.slo.made import selector
from tests.slo.world import END

WINDOW_S = {"1h": 3600.0, "2h": 7200.0, "6h": 21600.0, "1d": 86400.0}
CLOSE = 1e-3  # the server extrapolates to the edges of a window


def events(job: str, group_by: str | None = None, period_d: float = 30.0) -> Objective:
    """Errors of a job of the made-up world."""
    part, total = (Counter(selector(metric, job=job)) for metric in ("bad_total", "all_total"))
    return _objective(job, Ratio(part, "bad", total), group_by=group_by, period_d=period_d)


def within_a_second(job: str) -> Objective:
    def bucket(bound: str) -> Counter:
        return Counter(selector("seconds_bucket", job=job, le=bound))

    return _objective(job, Ratio(bucket("1"), "good", bucket("+Inf")), target=0.99)


def queried(name: str, part: Query, total: Query) -> Objective:
    return _objective(name, Ratio(part, "bad", total))


def _objective(
    name: str, ratio: Ratio, *, target: float = 0.999, period_d: float = 30.0, group_by: str | None = None
) -> Objective:
    return Objective(name, name, "portal", target, period_d * DAY_S, ratio, "availability", group_by=group_by)


@dataclass(slots=True)
class Watched:
    """A source that remembers what it was asked."""

    inner: Prometheus
    instants: list[tuple[str, float]] = field(default_factory=list)
    ranges: list[tuple[int, int, int]] = field(default_factory=list)
    down: bool = False

    @property
    def shown(self) -> str:
        return self.inner.shown

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        self._check()
        self.instants.append((promql, at))
        return self.inner.query(promql, at, read_s)

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        self._check()
        self.ranges.append((start, end, step_s))
        return self.inner.query_range(promql, start, end, step_s, read_s)

    def _check(self) -> None:
        if self.down:
            raise SourceError("it is gone", "bring it back")


def read(source: Watched, objective: Objective, at: float = END) -> ObjectiveReading:
    (reading,) = Engine(source, [objective]).tick(at).objectives
    return reading


def number(reading: Reading) -> float:
    assert isinstance(reading, Value), reading
    return reading.value


def reason(reading: Reading) -> str:
    assert isinstance(reading, Unknown), reading
    return reading.reason
