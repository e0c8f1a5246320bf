"""The feed over real sources: an environment's Prometheus, the ledger, the runs, the sandbox's endpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console import cache
from console.changes import recent_changes
from console.feed import Key, Look, world_of
from console.places import Place, place
from console.user import login_name
from console.view.why import why_lines
from keelwatch.adapters.prometheus import Basic, Bearer, Matrix, Prometheus, PrometheusConfig, Vector
from keelwatch.safety import role_of
from keelwatch.workspace import Clock, SourceError, SystemClock, endpoints_path, state_dir
from keelwatch.workspace.model import PrometheusSpec
from keelwatch.workspace.secret import resolve
from slo.budget import burn_down
from slo.engine import DIRECT_UP_TO_S, STALE_AFTER_S, Engine
from slo.load import load_folder
from slo.reasons import Cause
from slo.snapshot import Snapshot
from slo.why import Why

SANDBOX_STALE_AFTER_S = 15.0
SANDBOX_DIRECT_S = 3600.0  # at a scrape a second, asking 6 h directly costs the server half a second a tick


@dataclass(frozen=True, slots=True)
class Source:
    """Where an environment's metrics are at this moment."""

    config: PrometheusConfig
    stale_after_s: float
    direct_up_to_s: float = DIRECT_UP_TO_S
    backfill_until: float | None = None


class LiveFeed:
    """Looks at one environment. Not for several threads at once, except `burn_down` and `why`."""

    def __init__(self, where: Place, clock: Clock | None = None) -> None:
        self._place = where
        self._clock = clock or SystemClock()
        self._objectives = load_folder(where.workspace.folders["slo"])
        self._source: Source | None = None
        self._engine: Engine | None = None

    @classmethod
    def open(cls, workspace: Path | None, environment: str | None) -> LiveFeed:
        """Raises `UsageError` or `InputError` for a workspace that cannot be used."""
        return cls(place(workspace, environment))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(self._place.environment.regions)

    @property
    def _sandbox(self) -> str | None:
        spec = self._place.environment
        return spec.sandbox if spec.source == "sandbox" else None

    def look(self) -> Look:
        """One tick. A source that is gone is named in the snapshot, never raised."""
        now = self._clock.now()
        snapshot = self._tick(now)
        changes, running, left_open = recent_changes(now, self._place.name, self._sandbox)
        look = Look(
            snapshot=snapshot,
            regions=self.regions,
            source="prometheus",
            changes=changes,
            running=running,
            left_open=left_open,
            backfill_until=self._source.backfill_until if self._source else None,
            owners={name: one.owner for name, one in self._place.workspace.components.items()},
            user=f"{login_name()} ({role_of(self._place.environment.policy, login_name()).value})",
        )
        cache.remember(self._place.workspace.file, world_of(look, now))
        return look

    def _tick(self, now: float) -> Snapshot:
        try:
            self._connect()
        except SourceError as error:
            reason = f"{error.message}; {error.hint}" if error.hint else error.message
            return self._silent(now, reason)
        assert self._engine is not None
        return self._engine.tick(now)

    def _silent(self, now: float, reason: str) -> Snapshot:
        """No source to ask: every objective is unknown, and says why."""
        engine = Engine(
            _Nowhere(reason), self._objectives, regions=self.regions, environment=self._place.name
        )
        return engine.tick(now)

    def _connect(self) -> None:
        """The sandbox may have been started anew, elsewhere: its endpoints are read at every tick."""
        found = find_source(self._place)
        if found == self._source:
            return
        if self._engine is not None:
            self._engine.close()
        spec = self._place.workspace.components
        self._engine = Engine(
            Prometheus(found.config),
            self._objectives,
            regions=self.regions,
            environment=self._place.name,
            store_path=self._store_path(found),
            stale_after_s=found.stale_after_s,
            direct_up_to_s=found.direct_up_to_s,
            component_regions={name: one.regions for name, one in spec.items() if one.regions is not None},
        )
        self._source = found

    def _store_path(self, source: Source) -> Path | None:
        """Buckets belong to one source: a sandbox started anew has another past. None: no place for them."""
        identity = (
            f"{self._place.workspace.file}|{self._place.name}|{source.config.shown}|{source.backfill_until}"
        )
        try:
            folder = state_dir() / "cache"
            folder.mkdir(mode=0o700, exist_ok=True)
        except (OSError, SourceError):
            return None
        return folder / f"buckets-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.sqlite"

    def burn_down(self, key: Key) -> Sequence[float | None]:
        """The budget left after each hour of the period, oldest first; it starts whole."""
        objective = next((one for one in self._objectives if one.name == key[0]), None)
        if self._engine is None or objective is None:
            return ()
        return burn_down(self._engine.hourly(*key, self._clock.now()), objective.target)

    def causes(self, key: Key) -> Sequence[Cause]:
        """What the bad events of the last 15 minutes share. Raises `SourceError`."""
        return self._engine.causes(*key, self._clock.now()) if self._engine else ()

    def explain(self, key: Key) -> Why | None:
        """What is behind the last reading of an objective; None before there is one."""
        return self._engine.why(*key) if self._engine else None

    def why(self, key: Key) -> Sequence[str]:
        found = self.explain(key)
        return why_lines(found) if found else [f"{key[0]}: nothing has been asked yet"]


class _Nowhere:
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


def find_source(where: Place) -> Source:
    """Raises `SourceError` when the sandbox is not running or a secret cannot be had."""
    spec = where.environment
    if spec.prometheus is not None:
        stale = spec.prometheus.stale_after
        after = stale.total_seconds() if stale else STALE_AFTER_S
        return Source(prometheus_config(spec.prometheus, where.workspace.root), after)
    path = endpoints_path(spec.sandbox)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        url, until = str(document["urls"]["prometheus"]), float(document["backfill_until"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceError(f"the sandbox {spec.sandbox!r} is not running", "keelwatch sandbox up") from None
    return Source(PrometheusConfig(url), SANDBOX_STALE_AFTER_S, SANDBOX_DIRECT_S, until)


def prometheus_config(spec: PrometheusSpec, root: Path) -> PrometheusConfig:
    """The adapter's configuration, secrets resolved. Raises `SourceError` naming a secret that is missing."""
    auth: Basic | Bearer | None = None
    if spec.basic is not None:
        auth = Basic(spec.basic.username, resolve(spec.basic.password, root))
    elif spec.bearer is not None:
        auth = Bearer(resolve(spec.bearer, root))
    ca = root / spec.ca if spec.ca else None
    return PrometheusConfig(spec.url, ca=ca, auth=auth, tenant=spec.tenant)
