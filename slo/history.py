"""The rings of every stream: kept up to date from the source and the store, summed for long windows.

Closed buckets stay one bucket behind the clock, so that late samples and slow scrapes are in; the open
tail, 5 to 10 minutes long, is asked of the source at every tick.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from keelwatch.workspace.errors import SourceError
from slo.ask import Source, Stretch, bucket_question, stretch
from slo.burn import Absent, Count, Counted, Failed
from slo.objective import Stream
from slo.plan import terms
from slo.ring import ABSENT, Ring
from slo.store import Columns, Store
from slo.windows import DAY_S, HOUR_S

FINE_S = 300
FINE_SPAN_S = 3 * DAY_S
AGAIN = 3
"""How many buckets are asked again when a new one closes: samples arrive late, and get rewritten."""

BACKFILL_READ_S = 30.0
BACKFILL_PATIENCE_S = 60.0
REST_S = 900.0


def boundary(at: float, step_s: int = FINE_S) -> int:
    """The newest closed bucket at `at`, one fine bucket behind."""
    closed = int(at // FINE_S) * FINE_S - FINE_S
    return closed // step_s * step_s


class Rings:
    """A 5 minute and an hourly ring per stream. Not safe from several threads."""

    def __init__(self, longest_period_s: float, store: Store | None = None, origin: str = "") -> None:
        coarse = int(-(-longest_period_s // HOUR_S)) + 2
        # Between the newest full hour and the boundary stand up to 12 fine buckets.
        self._slots = {FINE_S: FINE_SPAN_S // FINE_S + 13, HOUR_S: coarse}
        self._rings: dict[int, dict[Stream, Ring]] = {FINE_S: {}, HOUR_S: {}}
        self._failures: dict[Stream, tuple[str, float]] = {}
        self._store = store
        self._origin = origin
        self._lost_store: str | None = None
        self._half: dict[str, None] = {}

    @property
    def warnings(self) -> list[str]:
        """What the source said of the newest buckets, and that the store is lost if it is."""
        return [*self._half, *([self._lost_store] if self._lost_store else [])]

    def sync(self, source: Source, streams: Iterable[Stream], at: float) -> None:
        """Bring every stream up to the boundary of `at`. Raises `SourceError` when the source is gone."""
        known = [stream for stream in dict.fromkeys(streams) if not self._resting(stream, at)]
        for step_s in (FINE_S, HOUR_S):
            self._adopt(step_s, known, at)
            gaps: defaultdict[Stretch, list[Stream]] = defaultdict(list)
            for stream in known:
                if gap := self._gap(self._rings[step_s][stream], boundary(at, step_s)):
                    gaps[gap].append(stream)
            for gap, behind in gaps.items():
                self._fetch(source, gap, behind, at)

    def counted(self, stream: Stream, length_s: float, at: float, tail: Counted, window: str) -> Counted:
        """The events of the last `length_s` seconds: hours, then 5 minutes, then the open tail."""
        if failure := self._failures.get(stream):
            return Failed(f"no history: {failure[0]}")
        if isinstance(tail, Failed):
            return tail
        since, fine_end = at - length_s, boundary(at)
        hour_end = boundary(at, HOUR_S) if length_s > FINE_SPAN_S else min(since, fine_end)
        events, seconds = 0.0, 0.0
        for step_s, start, end in ((HOUR_S, since, hour_end), (FINE_S, max(since, hour_end), fine_end)):
            ring = self._rings[step_s].get(stream)
            some, covered = ring.total(start, end) if ring else (0.0, 0.0)
            events, seconds = events + some, seconds + covered
        if isinstance(tail, Count):
            events, seconds = events + tail.events, seconds + (at - fine_end)
        if seconds == 0:
            return Absent(f"no samples in the last {window}")
        return Count(events, min(1.0, seconds / length_s))

    def fine(self, stream: Stream, since: float, until: float) -> tuple[float, float]:
        """The events between two times in closed 5 minute buckets, and the seconds with samples."""
        ring = self._rings[FINE_S].get(stream)
        return ring.total(since, until) if ring else (0.0, 0.0)

    def hours(self, stream: Stream, until: int) -> Iterator[tuple[int, float]]:
        """Every kept hourly bucket up to `until`, oldest first; absent ones are NaN."""
        ring = self._rings[HOUR_S].get(stream)
        if ring is not None and ring.end is not None:
            yield from ((at, ring.value(at)) for at in range(ring.start, min(until, ring.end) + 1, HOUR_S))

    def _resting(self, stream: Stream, at: float) -> bool:
        """Whether this stream's history was refused lately: a heavy query is not tried at every tick."""
        failure = self._failures.get(stream)
        return failure is not None and at < failure[1]

    def _adopt(self, step_s: int, streams: Iterable[Stream], at: float) -> None:
        """Make rings for new streams, filled from the store as far as it goes."""
        new = {self._key(one): one for one in streams if one not in self._rings[step_s]}
        if not new:
            return
        for stream in new.values():
            self._rings[step_s][stream] = Ring(step_s, self._slots[step_s])
        newest = boundary(at, step_s)
        oldest = newest - (self._slots[step_s] - 1) * step_s
        nothing: Columns = {}
        stored = self._stored(lambda store: store.load(step_s, oldest, newest, new), nothing)
        for key, (buckets, values) in stored.items():
            # Rows that do not reach back far enough, or with holes, are as good as none.
            if buckets[0] <= oldest + AGAIN * step_s and _unbroken(buckets, step_s):
                self._rings[step_s][new[key]].put(buckets[0], values)

    def _gap(self, ring: Ring, end: int) -> Stretch | None:
        """What must be asked to bring a ring to `end`."""
        whole = Stretch(ring.step_s, end - (ring.slots - 1) * ring.step_s, end)
        if ring.end is None:
            return whole
        if ring.end >= end:
            return None
        since = ring.end - (AGAIN - 1) * ring.step_s
        return Stretch(ring.step_s, since, end) if since > whole.start else whole

    def _fetch(self, source: Source, gap: Stretch, streams: list[Stream], at: float) -> None:
        questions = [bucket_question(gap.step_s)]
        history = stretch(source, terms(streams, questions), gap, BACKFILL_READ_S, BACKFILL_PATIENCE_S)
        self._half = history.warnings
        nothing = array("d", [ABSENT]) * len(gap.buckets)
        columns: dict[str, Sequence[float]] = {}
        for stream in streams:
            self._failures.pop(stream, None)
            if reason := history.failures.get(stream):
                self._failures[stream] = (reason, at + REST_S)
                continue
            counts = history.found.get(stream, nothing)
            self._rings[gap.step_s][stream].put(gap.start, counts)
            columns[self._key(stream)] = counts
        self._stored(lambda store: store.save(gap.step_s, gap.buckets, columns), None)
        oldest = gap.end - self._slots[gap.step_s] * gap.step_s
        self._stored(lambda store: store.prune(gap.step_s, oldest), None)

    def _key(self, stream: Stream) -> str:
        return f"{self._origin} {stream.key}"

    def _stored[ResultT](self, action: Callable[[Store], ResultT], otherwise: ResultT) -> ResultT:
        """Use the store, if there is one that works; its failure ends its use, never the tick."""
        if self._store is None:
            return otherwise
        try:
            return action(self._store)
        except SourceError as error:
            self._lost_store = f"{error.message}; history is not kept"
            self._store = None
            return otherwise


def _unbroken(buckets: Sequence[int], step_s: int) -> bool:
    return len(buckets) == (buckets[-1] - buckets[0]) // step_s + 1
