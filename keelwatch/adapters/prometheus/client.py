"""Asking a Prometheus. Blocking calls, safe from several threads; the console makes them off its loop."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelwatch.adapters.prometheus.answer import Matrix, Vector, matrix, vector
from keelwatch.adapters.prometheus.config import PrometheusConfig
from keelwatch.workspace.errors import SourceError

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

    from keelwatch.adapters.prometheus.session import MendedSession


class Prometheus:
    """One source. At most `config.max_in_flight` requests at a time, each bounded by its deadline."""

    def __init__(self, config: PrometheusConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._parts: tuple[PrometheusConnect, MendedSession] | None = None

    @property
    def shown(self) -> str:
        return self.config.shown

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        """The value of `promql` at `at`. Raises `SourceError`, `QueryRejected` if only this query is bad."""
        client, session = self._connected()
        patience = read_s or self.config.read_s
        client.custom_query(
            promql,
            params={"time": f"{at:.3f}", "timeout": f"{patience:g}s"},
            timeout=patience,  # type: ignore[arg-type]  # declared int, handed to requests as it is
        )
        return vector(session.last.document, session.last.ahead_s)

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        """The values of `promql` at `start`, `start + step_s`, ... up to `end`. Raises like `query`."""
        client, session = self._connected()
        patience = read_s or self.config.read_s
        client.custom_query_range(
            promql,
            start_time=datetime.fromtimestamp(start, UTC),
            end_time=datetime.fromtimestamp(end, UTC),
            step=f"{step_s}",
            params={"timeout": f"{patience:g}s"},
            timeout=patience,  # type: ignore[arg-type]  # as above
        )
        return matrix(session.last.document, session.last.ahead_s)

    def close(self) -> None:
        if self._parts:
            self._parts[0].close()

    def _connected(self) -> tuple[PrometheusConnect, MendedSession]:
        with self._lock:
            if self._parts is None:
                self._parts = _connect(self.config)
            return self._parts


def _connect(config: PrometheusConfig) -> tuple[PrometheusConnect, MendedSession]:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

    from keelwatch.adapters.prometheus.deadline import DeadlineAdapter
    from keelwatch.adapters.prometheus.session import MendedSession

    if config.ca and not config.ca.is_file():
        raise SourceError(f"the CA file {config.ca} is missing", "check `ca` in keelwatch.yaml")
    session = MendedSession(config)
    url = config.url.rstrip("/")
    client = PrometheusConnect(url=url, session=session, method="POST")
    session.mount(url, DeadlineAdapter(config.max_in_flight))  # the client has mounted one that retries
    return client, session
