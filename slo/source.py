"""Where an environment's metrics are at this moment, and what answers when they are nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.adapters.prometheus import Basic, Bearer, Matrix, PrometheusConfig, Vector
from keelwatch.workspace import SourceError, endpoints_path
from keelwatch.workspace.secret import Secret, resolve
from slo.engine import DIRECT_UP_TO_S, STALE_AFTER_S

if TYPE_CHECKING:
    from keelwatch.workspace.model import EnvironmentSpec, PrometheusSpec

SANDBOX_STALE_AFTER_S = 15.0
SANDBOX_DIRECT_S = 3600.0  # at a scrape a second, asking 6 h directly costs the server half a second a tick


@dataclass(frozen=True, slots=True)
class Source:
    """Where an environment's metrics are at this moment."""

    config: PrometheusConfig
    stale_after_s: float
    direct_up_to_s: float = DIRECT_UP_TO_S
    backfill_until: float | None = None


class NotAsked(SourceError):
    """What is needed to ask cannot be had here: nothing is known of the source itself, up or down."""


class Nowhere:
    """A source that answers every question with the reason why there is none."""

    shown = "no source"

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:  # noqa: ARG002 - as Prometheus
        raise SourceError(self._reason)

    def query_range(
        self,
        promql: str,  # noqa: ARG002 - as Prometheus
        start: int,  # noqa: ARG002 - as Prometheus
        end: int,  # noqa: ARG002 - as Prometheus
        step_s: int,  # noqa: ARG002 - as Prometheus
        read_s: float | None = None,  # noqa: ARG002 - as Prometheus
    ) -> Matrix:
        raise SourceError(self._reason)


def find_source(spec: EnvironmentSpec, root: Path) -> Source:
    """Of an environment whose workspace is in the folder `root`.

    Raises `SourceError` when the sandbox is not running, `NotAsked` when a secret is no good.
    """
    if spec.prometheus is not None:
        stale = spec.prometheus.stale_after
        after = stale.total_seconds() if stale else STALE_AFTER_S
        return Source(prometheus_config(spec.prometheus, root), after)
    path = endpoints_path(spec.sandbox)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        url, until = str(document["urls"]["prometheus"]), float(document["backfill_until"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceError(f"the sandbox {spec.sandbox!r} is not running", "keelwatch sandbox up") from None
    return Source(PrometheusConfig(url), SANDBOX_STALE_AFTER_S, SANDBOX_DIRECT_S, until)


def prometheus_config(spec: PrometheusSpec, root: Path) -> PrometheusConfig:
    """The adapter's configuration, secrets resolved. Raises `NotAsked` naming a secret that is missing or
    that no request can carry."""
    auth: Basic | Bearer | None = None
    if spec.basic is not None:
        auth = Basic(spec.basic.username, _secret(spec.basic.password, root))
    elif spec.bearer is not None:
        auth = Bearer(_sendable(spec.bearer, _secret(spec.bearer, root)))
    ca = root / spec.ca if spec.ca else None
    return PrometheusConfig(spec.url, ca=ca, auth=auth, tenant=spec.tenant)


def _secret(reference: str, root: Path) -> Secret:
    try:
        return resolve(reference, root)
    except SourceError as error:
        raise NotAsked(error.message, error.hint) from None


def _sendable(reference: str, token: Secret) -> Secret:
    """A token goes into a header as it is; sent with a blank or a line break it would be another header."""
    if not all("!" <= character <= "~" for character in token.reveal()):
        raise NotAsked(
            f"secret {reference} has characters that no HTTP header can carry",
            "a token is one word of ASCII: look for blanks, quotes and line breaks in it",
        )
    return token
