"""What Prometheus learns of the portal. Every label has a small, fixed set of values.

The series of real traffic exist from the start, at zero: the first failure of a series that was not yet
born would be lost to `increase()`.
"""

from __future__ import annotations

import prometheus_client as prom

from keelwatch.sandbox.portal.routes import CHANNELS, EVERY, ROUTES, UNKNOWN_SEGMENT, WISHING, audience
from keelwatch.sandbox.service.metering import new_registry

CODES = ("200", "500", "503")
FAILURES = ("500", "503")
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LABELS = ("region", "route", "method", "code", "version", "journey", "segment", "channel", "traffic")


class Metrics:
    """The metrics of one worker in `region`."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.registry = new_registry()
        self._requests = prom.Counter(
            "portal_requests", "Requests answered by the portal", LABELS, registry=self.registry
        )
        self._seconds = prom.Histogram(
            "portal_request_seconds",
            "Time to answer a request",
            ["region", "route", "version", "traffic"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._lookups = prom.Counter(
            "portal_cache_lookups",
            "Account look-ups in the cache",
            ["region", "result"],
            registry=self.registry,
        )
        self._lost_audits = prom.Counter(
            "portal_audit_lost", "Audit rows that could not be kept", ["region"], registry=self.registry
        )
        self._mails = prom.Counter(
            "portal_mails", "Mails of the portal", ["region", "result"], registry=self.registry
        )
        self._breakers = prom.Gauge(
            "portal_breaker_state",
            "Circuit breaker: 0 closed, 1 half-open, 2 open",
            ["region", "service"],
            registry=self.registry,
        )
        self._degraded = prom.Counter(
            "portal_degraded",
            "Requests answered without a service they wish for",
            ["region", "route"],
            registry=self.registry,
        )
        self._bear_all()

    def _bear_all(self) -> None:
        for name, route in ROUTES.items():
            self._seconds.labels(self.region, route.label, route.version, "real")
            for segment, channel in audience(route):
                self._bear(name, segment, channel, CODES)
            for channel in CHANNELS:
                self._bear(name, UNKNOWN_SEGMENT, channel, FAILURES)
        for result in ("hit", "miss", "error"):
            self._lookups.labels(self.region, result)
        self._lost_audits.labels(self.region)
        self._breakers.labels(self.region, "billing").set(0)
        for wishing in WISHING:
            self._degraded.labels(self.region, EVERY[wishing].label)
        for result in ("sent", "lost"):
            self._mails.labels(self.region, result)

    def _bear(self, route: str, segment: str, channel: str, codes: tuple[str, ...]) -> None:
        for code in codes:
            self._requests.labels(*self._values(route, code, segment, channel, "real"))

    def _values(self, route: str, code: str, segment: str, channel: str, traffic: str) -> tuple[str, ...]:
        """In the order of `LABELS`; method and journey come from the route table, never from a client."""
        row = EVERY[route]
        return (
            *(self.region, row.label, row.method, code, row.version),
            *(row.journey, segment, channel, traffic),
        )

    def count(
        self, route: str, *, code: int, segment: str, channel: str, traffic: str, took_s: float
    ) -> None:
        """`route` is a key of the route table; `segment` is unknown for a request that failed before its
        customer was known."""
        self._requests.labels(*self._values(route, str(code), segment, channel, traffic)).inc()
        row = EVERY[route]
        self._seconds.labels(self.region, row.label, row.version, traffic).observe(took_s)

    def count_cache(self, result: str) -> None:
        self._lookups.labels(self.region, result).inc()

    def count_lost_audits(self, rows: int) -> None:
        self._lost_audits.labels(self.region).inc(rows)

    def count_mail(self, result: str) -> None:
        """`result` is sent or lost."""
        self._mails.labels(self.region, result).inc()

    def show_breaker(self, service: str, state: int) -> None:
        self._breakers.labels(self.region, service).set(state)

    def count_degraded(self, route: str) -> None:
        """`route` is a key of the route table."""
        self._degraded.labels(self.region, EVERY[route].label).inc()

    def exposition(self) -> bytes:
        return prom.generate_latest(self.registry)
