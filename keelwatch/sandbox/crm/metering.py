"""What Prometheus learns of events on their way."""

from __future__ import annotations

import prometheus_client as prom

from keelwatch.sandbox.service.metering import new_registry

BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Meters:
    def __init__(self) -> None:
        self.registry = new_registry()
        self.pending = prom.Gauge(
            "portal_outbox_pending", "Events not yet on the stream", registry=self.registry
        )
        self.lag = prom.Histogram(
            "portal_event_lag_seconds",
            "From a change to the CRM's knowing it",
            registry=self.registry,
            buckets=BUCKETS,
        )
