"""Touch: Prometheus, and whatever else answers its query API.

Promises: every answer is typed (a finite number, or what it is instead), every request is bounded in
time, size and number in flight, every failure is a `SourceError` that says what to do. Never retries,
never follows a redirect, never shows a credential. The client loads with the first query.
"""

from keelwatch.adapters.prometheus.answer import Matrix, Missing, Sample, Series, Vector
from keelwatch.adapters.prometheus.client import Prometheus
from keelwatch.adapters.prometheus.config import Basic, Bearer, PrometheusConfig
from keelwatch.adapters.prometheus.failure import QueryRejected, QueryTimedOut, QueryTooHeavy

__all__ = [
    "Basic",
    "Bearer",
    "Matrix",
    "Missing",
    "Prometheus",
    "PrometheusConfig",
    "QueryRejected",
    "QueryTimedOut",
    "QueryTooHeavy",
    "Sample",
    "Series",
    "Vector",
]
