"""The engine: asks, sums and judges, once per tick. The only part of this room with a memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.reading import Value
from slo.ask import Answers, Source, instant
from slo.beginnings import Beginnings
from slo.buckets import BucketDoctor
from slo.burn import Absent, Count
from slo.crosscheck import CrossCheck
from slo.durations import spell
from slo.evaluate import PartOfTotal, evaluate, stale, unreachable, without_bucket
from slo.history import FINE_S, Rings, boundary
from slo.objective import Objective, Stream, Tracked, track
from slo.plan import Increase, Newest, ask, families, terms
from slo.reasons import Cause, causes, question
from slo.snapshot import ObjectiveReading, Snapshot, in_order
from slo.store import Store
from slo.why import Evidence, Why, why
from slo.windows import DAY_S, DIRECT_S, HOUR_S, lengths

STALE_AFTER_S = 150.0
PATIENCE_S = 6.0
SKEW_S = 5.0
RECENT_STEPS = 12
DIRECT_UP_TO_S = 6 * HOUR_S


class Engine:
    """Objectives against one source. `tick` may be called from any one thread at a time.

    `regions` are those of the environment; `component_regions` narrows them for single components.
    `store_path` keeps bucket counts between runs; without it every start asks for the whole history.
    Windows up to `direct_up_to_s` are asked directly, which is exact at any scrape interval but reads every
    sample of the window at every tick: with a scrape per second an hour is enough.
    """

    def __init__(
        self,
        source: Source,
        objectives: Sequence[Objective],
        *,
        regions: Sequence[str] = (),
        environment: str = "",
        store_path: Path | None = None,
        stale_after_s: float = STALE_AFTER_S,
        direct_up_to_s: float = DIRECT_UP_TO_S,
        component_regions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._source = source
        self._environment = environment
        self._stale_after_s = stale_after_s
        narrowed = component_regions or {}
        self.tracked = tuple(
            entry
            for objective in objectives
            for entry in track(objective, tuple(narrowed.get(objective.component, regions)))
        )
        self._streams = tuple(dict.fromkeys(s for one in self.tracked for s in (one.part, one.total)))
        self._families = families(self._streams)
        self._direct = {
            window: Increase(float(seconds))
            for window, seconds in DIRECT_S.items()
            if seconds <= direct_up_to_s
        }
        self._fixed = [
            *ask(self._families, list(self._direct.values())),
            *terms((one.total for one in self.tracked), [Newest()]),
        ]
        self._opening: str | None = None
        self._store = self._open(store_path)
        longest = max((one.period_s for one in objectives), default=30.0 * DAY_S)
        self._rings = Rings(longest, self._store, source.shown)
        self._doctor = BucketDoctor(source)
        self._check = CrossCheck(source)
        self._last_seen: dict[Stream, float] = {}
        self._beginnings = Beginnings(source, self._rings, self._last_seen)
        self._closed: dict[tuple[str, str | None], tuple[int, tuple[float | None, ...]]] = {}
        self._last: tuple[Snapshot, Evidence] | None = None
        self._lock = threading.Lock()

    def tick(self, at: float) -> Snapshot:
        """Every objective at `at`, all asked for that same moment. A dead source makes them unknown and
        is named in the snapshot; nothing is raised."""
        with self._lock:
            try:
                return self._measure(at)
            except SourceError as error:
                return self._unreachable(at, error)

    def why(self, name: str, region: str | None) -> Why | None:
        """What is behind the last reading of an objective; None before the first tick or for no such one."""
        with self._lock:
            if self._last is None:
                return None
            snapshot, evidence = self._last
        tracked = next((one for one in self.tracked if one.key == (name, region)), None)
        reading = next((one for one in snapshot.objectives if one.key == (name, region)), None)
        return why(tracked, reading, evidence) if tracked and reading else None

    def hourly(self, name: str, region: str | None, until: float) -> list[tuple[int, float, float]]:
        """(hour's end, bad, total) over the period, oldest first; hours without samples are left out."""
        tracked = next((one for one in self.tracked if one.key == (name, region)), None)
        if tracked is None:
            return []
        with self._lock:
            parts = dict(self._rings.hours(tracked.part, int(until)))
            totals = list(self._rings.hours(tracked.total, int(until)))
        good = tracked.objective.ratio.part_is == "good"
        found = []
        for at, total in totals:
            if at > until - tracked.objective.period_s and not isnan(total):
                part = 0.0 if isnan(parts.get(at, 0.0)) else parts.get(at, 0.0)
                found.append((at, max(0.0, total - part) if good else part, total))
        return found

    def causes(self, name: str, region: str | None, at: float) -> tuple[Cause, ...]:
        """What the bad events of the last 15 minutes share, largest first. Raises `SourceError`."""
        tracked = next((one for one in self.tracked if one.key == (name, region)), None)
        asked = question(tracked) if tracked else None
        if asked is None:
            return ()
        samples = self._source.query(asked, at).samples
        return causes((one.labels, one.value) for one in samples if isinstance(one.value, float))

    def close(self) -> None:
        if self._store:
            self._store.close()

    def _open(self, path: Path | None) -> Store | None:
        if path is None:
            return None
        try:
            return Store(path)
        except SourceError as error:
            self._opening = f"{error.message}; history is not kept"
            return None

    def _measure(self, at: float) -> Snapshot:
        # On a boundary the open end is 5 minutes long, and that is asked anyway.
        open_end = [] if _tail(at) in self._direct.values() else ask(self._families, [_tail(at)])
        answers = instant(self._source, [*self._fixed, *open_end], at, PATIENCE_S)
        self._rings.sync(self._source, self._streams, at)
        counted = {one.key: self._counts(one, answers, at) for one in self.tracked}
        found = [(one, self._read(one, counted[one.key], answers, at)) for one in self.tracked]
        readings = self._beginnings.date(found, at)
        self._check.maybe(at, self._streams, self._own_periods(answers, at))
        warnings = self._warnings(answers)
        ages = [reading.sample_age_s for reading in readings if reading.sample_age_s is not None]
        snapshot = Snapshot(
            at=at,
            environment=self._environment,
            source=self._source.shown,
            objectives=in_order(readings),
            warnings=warnings,
            fresh_s=min(ages, default=None),
        )
        drifts, drift_error = self._check.found()
        self._last = (
            snapshot,
            Evidence(at, answers, frozenset(self._direct), counted, drifts, drift_error, warnings),
        )
        return snapshot

    def _counts(self, one: Tracked, answers: Answers, at: float) -> dict[str, PartOfTotal]:
        """Both streams of an objective in every window; short ones as answered, long ones from the rings."""
        streams, tail = (one.part, one.total), _tail(at)
        tails = [answers.counted(stream, tail, "tail") for stream in streams]
        if any((stream, tail) in answers.spoiled for stream in streams):
            tails = [Absent("not a number"), Absent("not a number")]
        counted = {}
        for window, length_s in lengths(one.objective.period_s).items():
            question = Increase(length_s)
            spoiled = any((stream, question) in answers.spoiled for stream in streams)
            # Of a window that one sample has spoiled, the buckets know all but its few minutes.
            if window in self._direct and not (spoiled and length_s > tail.seconds):
                part, total = (answers.counted(stream, question, window) for stream in streams)
            else:
                part, total = (
                    self._rings.counted(stream, length_s, at, open_end, window)
                    for stream, open_end in zip(streams, tails, strict=True)
                )
            counted[window] = PartOfTotal(part, total)
        return counted

    def _read(
        self, one: Tracked, counted: Mapping[str, PartOfTotal], answers: Answers, at: float
    ) -> ObjectiveReading:
        if reason := self._doctor.missing(one, counted, at):
            counted = without_bucket(counted, reason)
        newest = self._newest(one.total, answers, at)
        if reason := self._staleness(one, counted, newest, at):
            counted = stale(counted, reason)
        age = None if newest is None else at - newest
        reading = evaluate(one, counted, at, self._source.shown, sample_age_s=age)
        return replace(reading, recent_burn=self._recent(one, reading, at))

    def _newest(self, stream: Stream, answers: Answers, at: float) -> float | None:
        """The newest sample there is; None when the source names none. Where a target died, its series have
        ended and others of the stream answer alone, like those that were loaded: the newest of these may be
        older than what was seen before."""
        answered = answers.newest(stream)
        if answered is None:
            return None
        seen = self._last_seen.get(stream, answered)
        newest = answered if seen > at else max(seen, answered)
        self._last_seen[stream] = newest
        return newest

    def _recent(self, one: Tracked, reading: ObjectiveReading, at: float) -> tuple[float | None, ...]:
        """The last hour in 5 minute steps: closed buckets, then the burn of the newest 5 minutes."""
        newest = boundary(at)
        known = self._closed.get(one.key)
        if known is None or known[0] != newest:
            ends = range(newest - (RECENT_STEPS - 2) * FINE_S, newest + 1, FINE_S)
            rates = (self._beginnings.burn_between(one, end - FINE_S, end) for end in ends)
            known = (newest, tuple(None if isnan(rate) else rate for rate in rates))
            self._closed[one.key] = known
        live = reading.burn["5m"]
        return (*known[1], live.value if isinstance(live, Value) else None)

    def _staleness(
        self, one: Tracked, counted: Mapping[str, PartOfTotal], newest: float | None, at: float
    ) -> str | None:
        """Why the short windows cannot be trusted, if so."""
        if newest is not None:
            age = at - newest
            limit_s = one.objective.stale_after_s(self._stale_after_s)
            return f"stale: last sample {spell(age)} ago" if age > limit_s else None
        counts = any(isinstance(counted[window].total, Count) for window in DIRECT_S)
        if one.total.newest is None or not counts:
            return None
        seen = self._last_seen.get(one.total)
        return f"stale: last sample {spell(at - seen)} ago" if seen else "stale: its series have ended"

    def _own_periods(self, answers: Answers, at: float) -> dict[tuple[Stream, float], float]:
        """What our own buckets say about each stream's period, for the cross-check."""
        if not self._check.due(at):
            return {}
        own = {}
        for one in self.tracked:
            period_s = one.objective.period_s
            for stream in (one.part, one.total):
                tail = answers.counted(stream, _tail(at), "tail")
                match self._rings.counted(stream, period_s, at, tail, "period"):
                    case Count(events=events):
                        own[stream, period_s] = events
        return own

    def _warnings(self, answers: Answers) -> tuple[str, ...]:
        found = [*answers.warnings, *self._rings.warnings]
        if self._opening:
            found.append(self._opening)
        far = {stream: drift for stream, drift in self._check.found()[0].items() if drift.far}
        if far:
            stream, drift = max(far.items(), key=lambda item: abs(item[1].ratio))
            found.append(f"the buckets of {stream.key} are {drift.ratio:+.0%} off the server's own count")
        if answers.ahead_s is not None and abs(answers.ahead_s) > SKEW_S:
            where = "ahead of" if answers.ahead_s > 0 else "behind"
            found.append(f"the clock of {self._source.shown} is {abs(answers.ahead_s):.0f} s {where} ours")
        return tuple(dict.fromkeys(found))

    def _unreachable(self, at: float, error: SourceError) -> Snapshot:
        found = [(one, unreachable(one, error.message, at, self._source.shown)) for one in self.tracked]
        readings = self._beginnings.date(found, at)
        text = f"{error.message}; {error.hint}" if error.hint else error.message
        return Snapshot(
            at=at,
            environment=self._environment,
            source=self._source.shown,
            objectives=in_order(readings),
            source_error=text,
        )


def _tail(at: float) -> Increase:
    """The open end of the buckets, to the millisecond that a query's time has."""
    return Increase(round(at - boundary(at), 3))
