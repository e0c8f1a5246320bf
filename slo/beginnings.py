"""Since when an objective is what it is, and each of its pairs critical. Remembers from tick to tick."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan

from keelwatch.workspace.errors import SourceError
from slo.ask import Source
from slo.burn import LEAST_EVENTS
from slo.durations import parse
from slo.history import FINE_S, FINE_SPAN_S, Rings, boundary
from slo.objective import Stream, Tracked
from slo.onset import lately_s, onset
from slo.open_end import ask_open_end
from slo.snapshot import ObjectiveReading, Outcome, PairReading, State

Found = tuple[Tracked, ObjectiveReading]
Key = tuple[str, str | None]
PairKey = tuple[Key, str]

MOST_ENDS = 6
"""So many buckets are counted anew at most, the newest first: what began earlier keeps the bucket's end."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A pair has been critical since `began`, and was last seen so at `seen`."""

    began: float
    seen: float


@dataclass(frozen=True, slots=True)
class Known:
    """The last state of an objective that was not unknown: since when, and the last tick that saw it."""

    state: State
    since: float | None
    seen: float


class Beginnings:
    """What changes while we look is dated by the tick that saw it. What was there at our first look is dated
    from the closed buckets, and to half a minute from one more look at the minutes in which it began.

    A source that falls silent ends nothing: what is critical before and after it goes on, unless a closed
    bucket shows that it had stopped, and what has begun meanwhile is dated as at a first look.

    `last_seen` is the time of the newest sample of each stream, kept by the engine.
    """

    def __init__(self, source: Source, rings: Rings, last_seen: Mapping[Stream, float]) -> None:
        self._source = source
        self._rings = rings
        self._last_seen = last_seen
        self._states: dict[Key, tuple[State, float | None]] = {}
        self._known: dict[Key, Known] = {}
        self._outcomes: dict[PairKey, Outcome] = {}
        self._spells: dict[PairKey, Spell] = {}

    def date(self, found: Sequence[Found], at: float) -> tuple[ObjectiveReading, ...]:
        """The readings of one tick, with the time since when each is not ok, and since when each of its
        pairs is critical. Asks the source at first looks and after a silence alone."""
        began = self._at_first_look(self._unseen(found, at), at)
        return tuple(self._dated(one, reading, began, at) for one, reading in found)

    def burn_between(self, one: Tracked, start: float, end: float) -> float:
        """The burn rate between two times out of closed buckets; NaN when they know nothing."""
        total, covered_s = self._rings.fine(one.total, start, end)
        if covered_s == 0 or total < LEAST_EVENTS:
            return nan
        part, _ = self._rings.fine(one.part, start, end)
        bad = total - part if one.objective.ratio.part_is == "good" else part
        return bad / total / one.objective.budget

    def _dated(
        self, one: Tracked, reading: ObjectiveReading, began: Mapping[PairKey, float], at: float
    ) -> ObjectiveReading:
        pairs = tuple(self._dated_pair(one, pair, began, at) for pair in reading.pairs)
        reading = replace(reading, pairs=pairs)
        since = self._since(one, reading, at)
        self._states[one.key] = (reading.state, since)
        if reading.state is not State.UNKNOWN:
            self._known[one.key] = Known(reading.state, since, at)
        return replace(reading, since=since)

    def _since(self, one: Tracked, reading: ObjectiveReading, at: float) -> float | None:
        if reading.state is State.OK:
            return None
        before, since = self._states.get(one.key, (None, None))
        if before is reading.state:
            return since
        if before is None and reading.state is State.UNKNOWN:
            return self._last_seen.get(one.total)
        return self._began(one, reading) if before in {None, State.UNKNOWN} else at

    def _began(self, one: Tracked, reading: ObjectiveReading) -> float | None:
        """Since when, for a state that was there when we looked first, or again: as long as one of its pairs.
        It goes on from before if that pair does; a new one cannot be older than the last that was known."""
        dates = [
            pair.since
            for pair in reading.pairs
            if pair.severity is reading.state and pair.outcome == "critical" and pair.since is not None
        ]
        began, known = min(dates, default=None), self._known.get(one.key)
        if known is None or began is None:
            return began
        if known.state is reading.state:
            return known.since if began <= known.seen else began
        return max(began, known.seen)

    def _dated_pair(
        self, one: Tracked, pair: PairReading, began: Mapping[PairKey, float], at: float
    ) -> PairReading:
        key = (one.key, pair.long)
        self._outcomes[key] = pair.outcome
        match pair.outcome:
            case "critical":
                before = self._spells.get(key)
                since = began.get(key, before.began if before else at)
                self._spells[key] = Spell(since, at)
                return replace(pair, since=since)
            case "clear":
                self._spells.pop(key, None)
        return pair

    def _unseen(self, found: Sequence[Found], at: float) -> list[tuple[Tracked, PairReading]]:
        """The pairs that are critical, were not decided at the last tick, and do not go on from before."""
        return [
            (one, pair)
            for one, reading in found
            for pair in reading.pairs
            if pair.outcome == "critical"
            and self._outcomes.get((one.key, pair.long), "undecided") == "undecided"
            and not self._goes_on(one, pair, at)
        ]

    def _goes_on(self, one: Tracked, pair: PairReading, at: float) -> bool:
        """Whether a pair was critical when last seen, and no bucket that closed since then clears it."""
        spell = self._spells.get((one.key, pair.long))
        if spell is None:
            return False
        newest = boundary(at)
        first = (int(max(spell.seen, at - FINE_SPAN_S)) // FINE_S + 1) * FINE_S
        return not any(self._clears(pair, one, end) for end in range(first, newest + 1, FINE_S))

    def _clears(self, pair: PairReading, one: Tracked, end: int) -> bool:
        """As in `slo.state`: a value at or under the factor does, NaN does not."""
        burns = (self.burn_between(one, end - parse(window), end) for window in (pair.long, pair.short))
        return any(burn <= pair.factor for burn in burns)

    def _at_first_look(
        self, unseen: Sequence[tuple[Tracked, PairReading]], at: float
    ) -> dict[PairKey, float]:
        """Since when each pair is critical that we had not seen so."""
        newest = boundary(at)
        by_end: defaultdict[float, list[tuple[Tracked, PairReading]]] = defaultdict(list)
        for one, pair in unseen:
            since = onset(pair, partial(self.burn_between, one), newest, newest - FINE_SPAN_S)
            by_end[at if since is None else since].append((one, pair))
        began: dict[PairKey, float] = {}
        for end in sorted(by_end, reverse=True)[:MOST_ENDS]:
            began |= self._within(by_end.pop(end), end)
        return began | {(one.key, pair.long): end for end, pairs in by_end.items() for one, pair in pairs}

    def _within(self, pairs: Sequence[tuple[Tracked, PairReading]], at: float) -> dict[PairKey, float]:
        """Since when, for pairs that became critical in the minutes up to `at` that no earlier bucket shows;
        `at` itself, if the source will not say: up to 10 minutes late, and never before the first bad event
        by more than a scrape."""
        try:
            end = ask_open_end(self._source, self._rings, (one for one, _ in pairs), at)
        except SourceError:
            return {(one.key, pair.long): at for one, pair in pairs}
        return {
            (one.key, pair.long): at
            - lately_s(pair, one.objective.budget, partial(end.last, one), end.moments)
            for one, pair in pairs
        }
