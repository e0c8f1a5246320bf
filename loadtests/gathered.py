"""A load as its follower sees it, put together from what its generators told second by second. Pure.

The run judges by it, and every face shows it: there is no second way to compute a percentile.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import mapping, number, whole
from loadtests.histogram import Histogram, from_json

SETTLING_S = 3
"""Seconds after a change of the level in which users come and go, and are not counted as missing."""
BUSY_S = 5
LATE_MS = 1000.0
"""An arrival that begins later than this after it was due is one of another moment."""
TOLD_S = 2
"""From the beginning of a second until all have told of it."""


@dataclass(slots=True)
class Times:
    """Of one name, or of a second. `failed` are among those counted."""

    service: Histogram = field(default_factory=Histogram)
    response: Histogram = field(default_factory=Histogram)
    failed: int = 0

    @property
    def count(self) -> int:
        return self.service.count

    def add(self, told: JsonObject) -> None:
        service = from_json(mapping(told, "service"))
        self.service.add(service)
        self.response.add(from_json(mapping(told, "response")) if "response" in told else service)
        self.failed += whole(told, "failed")


@dataclass(slots=True)
class Second:
    """`users` and `level` (wanted: users, or arrivals per second) of all generators together; `cpu` is the
    busiest one's share of a core. `workers` told of this second."""

    times: Times = field(default_factory=Times)
    users: int = 0
    level: float = 0.0
    cpu: float = 0.0
    due: int = 0
    dropped: int = 0
    no_account: int = 0
    idle: int = 0
    raised: int = 0
    in_flight: int = 0
    late_ms: float = 0.0
    workers: int = 0


@dataclass(slots=True)
class Gathered:
    """`seconds` count from the start, the warm-up too; `requests` and `journeys` are without it."""

    warm_up_s: float = 0.0
    seconds: dict[int, Second] = field(default_factory=dict)
    requests: dict[str, Times] = field(default_factory=dict)
    journeys: dict[str, Times] = field(default_factory=dict)
    all: Times = field(default_factory=Times)
    errors: Counter[str] = field(default_factory=Counter)

    def take(self, told: JsonObject) -> None:
        """What a generator told. Raises `ValueError` for what none tells."""
        at = whole(told, "second")
        second = self.seconds.setdefault(at, Second())
        second.workers += 1
        second.users += whole(told, "users")
        second.level = max(second.level, number(told, "level"))
        second.cpu = max(second.cpu, number(told, "cpu"))
        second.late_ms = max(second.late_ms, number(told, "late_ms"))
        for name in ("due", "dropped", "no_account", "idle", "raised", "in_flight"):
            setattr(second, name, getattr(second, name) + whole(told, name))
        counts = at >= self.warm_up_s
        for one in _each(told, "requests"):
            second.times.add(one[1])
            if counts:
                self.all.add(one[1])
                self.requests.setdefault(one[0], Times()).add(one[1])
        if counts:
            for name, times in _each(told, "journeys"):
                self.journeys.setdefault(name, Times()).add(times)
            self.errors.update(
                {text: whole(mapping(told, "errors"), text) for text in mapping(told, "errors")}
            )

    @property
    def told_s(self) -> int:
        """How many seconds all generators have told of, the warm-up left out. What is going on now is told
        up to a second later."""
        most = max((one.workers for one in self.seconds.values()), default=0)
        return sum(one.workers == most for at, one in self.seconds.items() if at >= self.warm_up_s)

    def quiet_s(self, workers: int, until_s: float = math.inf) -> int:
        """For how many seconds on end, of those before `until_s`, not all `workers` told anything. A second
        that a busy one skips is none."""
        end = min(max(self.seconds, default=0) + 1, until_s) - TOLD_S
        longest = lasting = 0
        for at in range(math.floor(end) + 1):
            there = self.seconds[at].workers if at in self.seconds else 0
            lasting = lasting + 1 if there < workers else 0
            longest = max(longest, lasting)
        return longest

    @property
    def late_s(self) -> int:
        """For how many seconds on end, of those that were told, arrivals began too late."""
        longest = lasting = 0
        for _, second in sorted(self.seconds.items()):
            lasting = lasting + 1 if second.late_ms > LATE_MS else 0
            longest = max(longest, lasting)
        return longest

    @property
    def due(self) -> int:
        return sum(one.due for one in self.seconds.values())

    @property
    def dropped(self) -> int:
        return sum(one.dropped for one in self.seconds.values())

    @property
    def no_account(self) -> int:
        return sum(one.no_account for one in self.seconds.values())

    @property
    def idle(self) -> int:
        return sum(one.idle for one in self.seconds.values())

    @property
    def raised(self) -> int:
        return sum(one.raised for one in self.seconds.values())

    @property
    def cpu(self) -> float | None:
        """The busiest generator's share of a core in its busiest seconds, `BUSY_S` of them; the first, in
        which it starts, is none of them."""
        used = [one.cpu for at, one in sorted(self.seconds.items()) if at > 0]
        return max((sum(part) / len(part) for part in _runs(used, BUSY_S)), default=None)

    @property
    def warmed(self) -> int:
        """Requests of the warm-up."""
        return sum(one.times.count for at, one in self.seconds.items() if at < self.warm_up_s)

    def least_users(self, until_s: float = math.inf) -> float | None:
        """The smallest share (0..1) of the users wanted in a second that all generators told of; None where
        there was none. From `until_s` on users were sent away: a second is told a moment after it."""
        most = max((one.workers for one in self.seconds.values()), default=0)
        shares = [
            one.users / wanted
            for at, one in self.seconds.items()
            if one.workers == most and at + TOLD_S <= until_s and (wanted := self._wanted(at)) >= 1
        ]
        return min(shares, default=None)

    def _wanted(self, at: int) -> int:
        """Users in second `at`: the fewest of the seconds around it, for to come or go takes a while; 0 if
        one of those was not told. The last second is cut short, so it is none either."""
        around = [self.seconds.get(other) for other in range(at - SETTLING_S, at + 2)]
        return math.floor(min((one.level if one is not None else 0.0) for one in around))


def _each(told: JsonObject, key: str) -> list[tuple[str, JsonObject]]:
    found = mapping(told, key)
    return [(name, one) for name, one in found.items() if isinstance(one, Mapping)]


def _runs(values: list[float], length: int) -> list[list[float]]:
    """All of `length` neighbours; all of them where there are fewer."""
    if not values:
        return []
    return [values[at : at + length] for at in range(max(1, len(values) - length + 1))]
