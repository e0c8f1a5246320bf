"""What `probe watch` tells Prometheus of its executions.

An execution that passed only after a retry counts as `fail`: an SLI counts first attempts, for retries hide
(5 % of real failures with two retries read as 0.0125 %). Times of tainted executions are not observed.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, start_http_server
from prometheus_client.registry import Collector

from probes.record import Execution, Result, StepRecord, StepState

BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
WHERE = ("journey", "region")


class ProbeMetrics:
    """In a registry of its own, exposed on loopback."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._runs = self._made(
            Counter("keelwatch_probe_runs", "Executions by result", (*WHERE, "result"), registry=None)
        )
        self._seconds = self._made(
            Histogram(
                "keelwatch_probe_seconds", "Time of an execution", WHERE, buckets=BUCKETS, registry=None
            )
        )
        self._steps = self._made(
            Summary(
                "keelwatch_probe_step_seconds",
                "Time of a phase of a step, all hops together",
                (*WHERE, "step", "phase"),
                registry=None,
            )
        )
        self._failures = self._made(
            Counter("keelwatch_probe_failures", "Failures by cause", (*WHERE, "step", "cause"), registry=None)
        )
        self._lag = self._made(
            Gauge(
                "keelwatch_probe_lag_seconds",
                "How long an effect took to show, at least and at most",
                (*WHERE, "name", "bound"),
                registry=None,
            )
        )
        self._slip = self._made(
            Gauge("keelwatch_probe_slip_seconds", "How late an execution began", WHERE, registry=None)
        )
        self._missed = self._made(
            Counter(
                "keelwatch_probe_missed",
                "Executions left out: one still ran, or there was no sandbox",
                WHERE,
                registry=None,
            )
        )
        self._quarantined = self._made(
            Gauge("keelwatch_probe_quarantined", "Accounts with an undo that failed", registry=None)
        )
        self._loop = self._made(
            Gauge(
                "keelwatch_probe_loop_lag_seconds", "How late our own event loop was, at worst", registry=None
            )
        )

    def _made[Metric: Collector](self, metric: Metric) -> Metric:
        self._registry.register(metric)
        return metric

    def serve(self, port: int) -> Server:
        """Raises `OSError` when the port is taken."""
        server, thread = start_http_server(port, addr="127.0.0.1", registry=self._registry)
        return Server(server, thread)

    def expect(self, journey: str, region: str) -> None:
        """Show the series of an instance before its first execution: an absent one looks like no failure."""
        for result in (Result.PASS, Result.FAIL):
            self._runs.labels(journey, region, result.value)
        self._seconds.labels(journey, region)
        self._missed.labels(journey, region)

    def count(self, execution: Execution) -> None:
        where = (execution.journey, execution.region)
        result = execution.result
        if result is Result.PASS and not execution.first_try:
            result = Result.FAIL
        self._runs.labels(*where, result.value).inc()
        self._slip.labels(*where).set(execution.slip_s)
        self._loop.set(execution.lag_ms / 1000)
        if execution.result is Result.PASS and not execution.tainted:
            self._seconds.labels(*where).observe(execution.took_s)
        for step in execution.steps:
            self._count_step(where, step)

    def _count_step(self, where: tuple[str, str], step: StepRecord) -> None:
        if step.state is StepState.FAILED and step.cause is not None:
            self._failures.labels(*where, step.name, step.cause.value).inc()
        if step.lag is not None:
            self._lag.labels(*where, step.lag.name, "lower").set(step.lag.lower_s)
            self._lag.labels(*where, step.lag.name, "upper").set(step.lag.upper_s)
        phases: dict[str, float] = {}
        for hop in step.hops:
            if not hop.tainted:
                for phase, took_ms in hop.phases.items():
                    phases[phase] = phases.get(phase, 0.0) + took_ms
        for phase, took_ms in phases.items():
            self._steps.labels(*where, step.name, phase).observe(took_ms / 1000)

    def miss(self, journey: str, region: str, count: int) -> None:
        self._missed.labels(journey, region).inc(count)

    def quarantine(self, accounts: int) -> None:
        self._quarantined.set(accounts)


class Server:
    """Serves until closed; the port is free then."""

    def __init__(self, server: object, thread: object) -> None:
        self._server, self._thread = server, thread

    def close(self) -> None:
        self._server.shutdown()  # type: ignore[attr-defined]
        self._server.server_close()  # type: ignore[attr-defined]
        self._thread.join()  # type: ignore[attr-defined]
