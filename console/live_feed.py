"""The feed over real sources: an environment's Prometheus, the ledger, the runs, the sandbox's endpoints."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console import cache
from console.changes import changes_before, recent_changes
from console.feed import Key, Look, world_of
from console.journeys import JourneyBook, left_behind
from console.places import Place, place
from console.questions import PATIENCE_S, ask_p95, split, split_question
from console.user import login_name
from console.view.board import tally
from console.view.overview import suspect
from console.view.why import why_lines
from console.view.world import Causes, RegionFacts, Tally, Workers
from keelwatch.adapters import sandbox
from keelwatch.adapters.prometheus import Prometheus
from keelwatch.safety import role_of
from keelwatch.workspace import Clock, KeelwatchError, SourceError, SystemClock, state_dir
from keelwatch.workspace.reading import Unknown
from slo.budget import burn_down
from slo.engine import STALE_AFTER_S, Engine
from slo.load import load_folder
from slo.snapshot import ObjectiveReading, Snapshot, State
from slo.source import NotAsked, Nowhere, Source, find_source
from slo.store import forget_unused
from slo.why import Why

if TYPE_CHECKING:
    from console.chaos_book import ChaosBook
    from console.load_book import LoadBook
    from console.runbook_book import RunbookBook

SERVING = "portal"  # the component whose processes are the workers of a region
NO_COUNT = "nothing here counts the workers of this environment: only a sandbox's supervisor does so far"
NO_PAST_COUNT = "who was up at a moment in the past is not recorded"
NO_PAST_PROBES = "how journeys went then is in their objectives; only their last results are kept"
NO_RUN = "no journey has run here yet: keelwatch probe run --all"


class LiveFeed:
    """Looks at one environment. `look` and `look_at` are for one thread each; the rest is for any."""

    def __init__(self, where: Place, clock: Clock | None = None) -> None:
        self._place = where
        self._clock = clock or SystemClock()
        self._objectives = load_folder(where.workspace.folders["slo"])
        self._source: Source | None = None
        self._prometheus: Prometheus | None = None
        self._engine: Engine | None = None
        self._past: tuple[float, Engine] | None = None
        self._book = JourneyBook(where)
        self._runbooks: RunbookBook | None = None
        self._loads: LoadBook | None = None
        self._chaos: ChaosBook | None = None
        self._failover: str | None = None

    @classmethod
    def open(cls, workspace: Path | None, environment: str | None) -> LiveFeed:
        """Raises `UsageError` or `InputError` for a workspace that cannot be used."""
        return cls(place(workspace, environment))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(self._place.environment.regions)

    def look(self) -> Look:
        """One tick. A source that is gone is named in the snapshot, never raised."""
        now = self._clock.now()
        snapshot, asked = self._tick(now)
        watched = self._book.watched()
        if unwatched := watched is False and not snapshot.source_error:
            snapshot = _unwatched(snapshot, self._book.remedy)
        changes, running, left_open = recent_changes(now, self._place.name, self._place.sandbox)
        left = left_behind() if left_open else ()
        look = Look(
            snapshot=snapshot,
            regions=self.regions,
            source="prometheus",
            changes=changes,
            running=running,
            left=left,
            backfill_until=self._source.backfill_until if self._source else None,
            owners=self._owners,
            facts=self._facts(now, silent=bool(snapshot.source_error), watched=watched),
            asked=asked,
            failover=self._failover_for(snapshot),
            watched=watched,
            unwatched=self._book.remedy if unwatched and self._place.sandbox else "",
            user=f"{login_name()} ({role_of(self._place.environment.policy, login_name()).value})",
        )
        cache.remember(self._place.workspace.file, world_of(look, now))
        return look

    @property
    def _owners(self) -> dict[str, str]:
        return {name: one.owner for name, one in self._place.workspace.components.items()}

    def look_at(self, at: float) -> Look:
        """The world at a moment in the past, evaluated anew: from the source, and the buckets kept of it.

        What only the present knows (workers, living runs) is unknown or left out.
        """
        try:
            found = find_source(self._place.environment, self._place.workspace.root)
        except SourceError as error:
            nothing = Unknown(error.message, at)
            facts = dict.fromkeys(self.regions, RegionFacts(nothing, nothing, Unknown(NO_PAST_PROBES, at)))
            asked = not isinstance(error, NotAsked)
            silent = self._silent(at, _in_full(error))
            return Look(silent, self.regions, "prometheus", facts=facts, asked=asked)
        # An engine remembers since when things are so: one that knows the present would date the past by it.
        client, engine = self._engine_for(found, at)
        before, self._past = self._past, (at, engine)
        if before is not None:
            before[1].close()
        return Look(
            snapshot=engine.tick(at),
            regions=self.regions,
            asked=bool(self._objectives),
            source="prometheus",
            changes=changes_before(at, self._place.name, self._place.sandbox),
            backfill_until=found.backfill_until,
            owners=self._owners,
            facts=self._with_p95(
                dict.fromkeys(self.regions, Unknown(NO_PAST_COUNT, at)),
                dict.fromkeys(self.regions, Unknown(NO_PAST_PROBES, at)),
                client,
                at,
            ),
        )

    def _tick(self, now: float) -> tuple[Snapshot, bool]:
        """And whether the source was asked."""
        try:
            self._connect()
        except NotAsked as error:
            return self._silent(now, _in_full(error)), False
        except SourceError as error:
            return self._silent(now, _in_full(error)), True
        assert self._engine is not None
        return self._engine.tick(now), bool(self._objectives)

    def _silent(self, now: float, reason: str) -> Snapshot:
        """No source to ask: every objective is unknown, and says why."""
        engine = Engine(Nowhere(reason), self._objectives, regions=self.regions, environment=self._place.name)
        return engine.tick(now)

    def _connect(self) -> None:
        """The sandbox may have been started anew, elsewhere: its endpoints are read at every tick."""
        found = find_source(self._place.environment, self._place.workspace.root)
        if found == self._source:
            return
        if self._engine is not None:
            self._engine.close()
        self._prometheus, self._engine = self._engine_for(found, None)
        self._source = found
        if (kept := self._store_path(found)) is not None:
            forget_unused(kept.parent, self._clock.now(), keep=kept)

    def _engine_for(self, found: Source, at: float | None) -> tuple[Prometheus, Engine]:
        spec = self._place.workspace.components
        loaded = at is not None and found.backfill_until is not None and at < found.backfill_until
        known = self._prometheus if found == self._source else None
        client = known or Prometheus(found.config)
        engine = Engine(
            client,
            self._objectives,
            regions=self.regions,
            environment=self._place.name,
            store_path=self._store_path(found),
            # Loaded history has a coarser step than what is scraped now.
            stale_after_s=max(found.stale_after_s, STALE_AFTER_S) if loaded else found.stale_after_s,
            direct_up_to_s=found.direct_up_to_s,
            component_regions={name: one.regions for name, one in spec.items() if one.regions is not None},
        )
        return client, engine

    def _facts(self, now: float, *, silent: bool, watched: bool | None) -> dict[str, RegionFacts]:
        """Of each region the workers that are up, the 95th percentile, and how its journeys went last; what
        cannot be had says why."""
        client = None if silent else self._prometheus  # who waited for it once does not wait again
        return self._with_p95(self._workers(now), self._probes(now, watched=watched), client, now)

    def _probes(self, now: float, *, watched: bool | None) -> Mapping[str, Tally | Unknown]:
        try:
            # Elsewhere than in a sandbox journeys may run without a watch, say from a scheduler.
            unwatched = watched is False and self._place.sandbox is not None
            found = tally(self._book.rows(), now, unwatched=unwatched)
        except KeelwatchError as error:
            return dict.fromkeys(self.regions, Unknown(error.message, now))
        return {region: found.get(region, Unknown(NO_RUN, now)) for region in self.regions}

    def _workers(self, now: float) -> dict[str, Workers | Unknown]:
        if self._place.sandbox is None:
            return dict.fromkeys(self.regions, Unknown(NO_COUNT, now))
        try:
            servers = sandbox.status(self._place.sandbox, PATIENCE_S).servers
        except SourceError as error:
            return dict.fromkeys(self.regions, Unknown(error.message, now))
        states: defaultdict[str | None, list[bool]] = defaultdict(list)
        for one in servers:
            if one.component == SERVING:
                states[one.region].append(one.state == "ready")
        return {region: Workers(sum(states[region]), len(states[region])) for region in self.regions}

    def _with_p95(
        self,
        workers: Mapping[str, Workers | Unknown],
        probes: Mapping[str, Tally | Unknown],
        client: Prometheus | None,
        at: float,
    ) -> dict[str, RegionFacts]:
        p95 = ask_p95(client, self._objectives, at)
        nothing = Unknown("no requests in the last 5 minutes", at)
        return {
            region: RegionFacts(
                workers[region], p95 if isinstance(p95, Unknown) else p95.get(region, nothing), probes[region]
            )
            for region in self.regions
        }

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

    def _engine_at(self, at: float | None) -> tuple[float, Engine] | None:
        """The engine that knows the moment `at` (None: now); None when there is none."""
        if at is None:
            return (self._clock.now(), self._engine) if self._engine else None
        return self._past if self._past and self._past[0] == at else None

    def burn_down(self, key: Key, at: float | None = None) -> Sequence[float | None]:
        """The budget left after each hour of the period, oldest first; it starts whole."""
        objective = next((one for one in self._objectives if one.name == key[0]), None)
        asked = self._engine_at(at)
        if asked is None or objective is None:
            return ()
        moment, engine = asked
        return burn_down(engine.hourly(*key, moment), objective.target)

    def causes(self, key: Key, at: float | None = None) -> Causes:
        """What the bad events of the last 15 minutes share, and how they split. Raises `SourceError`."""
        asked, client = self._engine_at(at), self._prometheus
        if asked is None or client is None:
            return Causes()
        moment, engine = asked
        tracked = next((one for one in engine.tracked if one.key == key), None)
        question = split_question(tracked) if tracked else None
        if question is None:
            return Causes(engine.causes(*key, moment))
        samples = client.query(question, moment).samples
        groups = [(one.labels, one.value) for one in samples if isinstance(one.value, float)]
        return Causes(engine.causes(*key, moment), split(groups))

    def explain(self, key: Key, at: float | None = None) -> Why | None:
        """What is behind the last reading of an objective; None before there is one."""
        asked = self._engine_at(at)
        return asked[1].why(*key) if asked else None

    def why(self, key: Key, at: float | None = None) -> Sequence[str]:
        found = self.explain(key, at)
        return why_lines(found) if found else [f"{key[0]}: nothing has been asked yet"]

    def journeys(self) -> JourneyBook:
        return self._book

    def loads(self) -> LoadBook:
        """Made when it is first wanted, as the other one."""
        if self._loads is None:
            from console.load_book import LoadBook

            self._loads = LoadBook(self._place)
        return self._loads

    def chaos(self) -> ChaosBook:
        """Made when it is first wanted, as the others."""
        if self._chaos is None:
            from console.chaos_book import ChaosBook

            self._chaos = ChaosBook(self._place)
        return self._chaos

    def runbooks(self) -> RunbookBook:
        """Made when it is first wanted: what it stands on loads slowly."""
        if self._runbooks is None:
            from console.runbook_book import RunbookBook

            self._runbooks = RunbookBook(self._place)
        return self._runbooks

    def _failover_for(self, snapshot: Snapshot) -> str:
        """The runbook that leads from one region to another, when one region pages and another does not."""
        if not suspect(snapshot, self.regions):
            return ""
        if self._failover is None:
            self._failover = self.runbooks().failover()
        return self._failover


def _unwatched(snapshot: Snapshot, remedy: str) -> Snapshot:
    """Objectives on journeys that are unknown say first that nobody here watches, and what would help."""

    def told(one: ObjectiveReading) -> ObjectiveReading:
        if one.stratum != "probe" or one.state is not State.UNKNOWN:
            return one
        return replace(one, unknown_reason=f"the journeys are not watched: {remedy} ({one.unknown_reason})")

    return replace(snapshot, objectives=tuple(told(one) for one in snapshot.objectives))


def _in_full(error: SourceError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message
