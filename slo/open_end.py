"""Minutes of which buckets are too coarse or do not tell yet, counted finely: for dating what began in them.

Counts of windows of growing length that all end at the tick, or at the end of a bucket: their differences
are exact to a scrape, where many short windows would each lose the events between their samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from slo.ask import Answers, Source, instant
from slo.burn import Counted, shown
from slo.evaluate import PartOfTotal
from slo.history import FINE_S, Rings, boundary
from slo.objective import Stream, Tracked
from slo.plan import Increase, Term, pack, terms
from slo.snapshot import Counts

STEPS_S = (30, 60, 150, 300)
"""How far apart the windows are: each divides the shortest window of a pair, 5 minutes."""

MOST_QUERIES = 8
"""More than this, and the steps get coarser: who asks when everything burns must not make it worse."""

PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """What was counted before `at`. `moments` (seconds before it, rising) reach back to the newest bucket
    that was closed by then; the 5 minutes before each of them are counted to a scrape, not by a share of a
    bucket."""

    at: float
    moments: tuple[float, ...]
    answers: Answers
    rings: Rings

    def last(self, one: Tracked, length_s: float) -> Counts | None:
        """The events of the last `length_s` seconds: as asked up to 5 minutes before the moments, else from
        the buckets, of the oldest of which a share by time is taken. None when they were not counted."""
        found = PartOfTotal(self._counted(one.part, length_s), self._counted(one.total, length_s))
        return shown(found.bad(one.objective.ratio.part_is), found.total)

    def _counted(self, stream: Stream, length_s: float) -> Counted:
        open_s = _open_s(self.at)
        if length_s < open_s + FINE_S:
            return self.answers.counted(stream, Increase(float(length_s)), "minutes")
        tail = self.answers.counted(stream, Increase(open_s), "minutes")
        return self.rings.counted(stream, length_s, self.at, tail, "window")


def ask_open_end(source: Source, rings: Rings, tracked: Iterable[Tracked], at: float) -> OpenEnd:
    """Count the open end of these objectives, in at most `MOST_QUERIES` queries unless even the coarsest
    step takes more. Raises `SourceError` when the source gives nothing at all."""
    streams = list(dict.fromkeys(stream for one in tracked for stream in (one.part, one.total)))
    step_s, wanted = STEPS_S[-1], list[Term]()
    for step_s in STEPS_S:
        wanted = terms(streams, _questions(at, step_s))
        if len(list(pack(wanted))) <= MOST_QUERIES:
            break
    answers = instant(source, wanted, at, PATIENCE_S)
    open_s = _open_s(at)
    return OpenEnd(at, (*map(float, range(step_s, ceil(open_s), step_s)), open_s), answers, rings)


def _questions(at: float, step_s: int) -> list[Increase]:
    open_s = _open_s(at)
    lengths = {float(length_s) for length_s in range(step_s, int(open_s) + FINE_S + 1, step_s)}
    return [Increase(length_s) for length_s in sorted({*lengths, open_s})]


def _open_s(at: float) -> float:
    """How long the open end is, to the millisecond that a query's time has."""
    return round(at - boundary(at), 3)
