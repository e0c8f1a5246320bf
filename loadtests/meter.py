"""What one generator's process sees in a second: counted while it acts, taken and told once a second."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelwatch.ledger import JsonObject
from loadtests.histogram import Histogram

MOST_NAMES = 200
"""A generator whose requests all have names of their own would grow without end (locust#297)."""
MOST_ERRORS = 20
THE_REST = "(other names)"
LONGEST_ERROR = 160


@dataclass(slots=True)
class Tally:
    """Of one name. `response` counts from when it was due: `service` itself until something was late."""

    service: Histogram = field(default_factory=Histogram)
    response: Histogram | None = None
    failed: int = 0

    def add(self, service_ms: float, late_ms: float, *, ok: bool) -> None:
        if late_ms and self.response is None:
            self.response = Histogram(dict(self.service.counts), self.service.total_ms)
        self.service.record(service_ms)
        if self.response is not None:
            self.response.record(service_ms + late_ms)
        self.failed += not ok

    def as_json(self) -> JsonObject:
        found: JsonObject = {"service": self.service.as_json(), "failed": self.failed}
        return found if self.response is None else {**found, "response": self.response.as_json()}


@dataclass(slots=True)
class Meter:
    """`due`, `dropped`: arrivals of an open load; `no_account`: of any, those who found none to log in with;
    `idle`: arrivals that raised before they asked anything; `raised`: tasks, and starts of users, of a
    locustfile that did, whatever they had asked; `late_ms`: how late the latest of them began."""

    requests: dict[str, Tally] = field(default_factory=dict)
    journeys: dict[str, Tally] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    due: int = 0
    dropped: int = 0
    no_account: int = 0
    idle: int = 0
    raised: int = 0
    late_ms: float = 0.0

    def request(self, name: str, service_ms: float, late_ms: float = 0.0, error: str = "") -> None:
        tally = self.requests.get(name)
        if tally is None:
            tally = _tally(self.requests, name)
        tally.add(service_ms, late_ms, ok=not error)
        if error:
            self.error(f"{name}: {error}")

    def journey(
        self, name: str, service_ms: float, late_ms: float = 0.0, error: str = "", *, is_told: bool = False
    ) -> None:
        """`is_told`: the request that failed it has told its error already."""
        _tally(self.journeys, name).add(service_ms, late_ms, ok=not error)
        if error and not is_told:
            self.error(f"{name}: {error}")

    def error(self, text: str) -> None:
        key = text[:LONGEST_ERROR]
        if key in self.errors or len(self.errors) < MOST_ERRORS:
            self.errors[key] = self.errors.get(key, 0) + 1

    def take(self) -> JsonObject:
        """What was counted since it was last taken; counting begins anew."""
        told: JsonObject = {
            "requests": {name: one.as_json() for name, one in self.requests.items()},
            "journeys": {name: one.as_json() for name, one in self.journeys.items()},
            "errors": dict(self.errors),
            "due": self.due,
            "dropped": self.dropped,
            "no_account": self.no_account,
            "idle": self.idle,
            "raised": self.raised,
            "late_ms": self.late_ms,
        }
        self.requests, self.journeys, self.errors = {}, {}, {}
        self.due = self.dropped = self.no_account = self.idle = self.raised = 0
        self.late_ms = 0.0
        return told


def _tally(tallies: dict[str, Tally], name: str) -> Tally:
    if name not in tallies and len(tallies) >= MOST_NAMES:
        name = THE_REST
    return tallies.setdefault(name, Tally())
