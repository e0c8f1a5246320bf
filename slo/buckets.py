"""Telling a histogram bound that nobody exports from one that counted nothing."""

from __future__ import annotations

from collections.abc import Mapping

from keelwatch.workspace.errors import SourceError
from slo.ask import Source
from slo.burn import Absent, Count
from slo.evaluate import PartOfTotal
from slo.objective import Stream, Tracked
from slo.promql import Counter
from slo.windows import DIRECT_S

AGAIN_S = 300.0
MOST_PER_TICK = 5
SHOWN = 20


class BucketDoctor:
    """Asks which bounds a histogram has: at most every 5 minutes per stream, and a few streams per tick."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._asked: dict[Stream, tuple[float, str]] = {}

    def missing(self, one: Tracked, counted: Mapping[str, PartOfTotal], at: float) -> str | None:
        """The reason, if the stream's bound has no series in any short window where there are events."""
        if one.part.bucket is None:
            return None
        short = [counted[window] for window in DIRECT_S]
        if not any(isinstance(pair.total, Count) for pair in short):
            return None
        if not all(isinstance(pair.part, Absent) for pair in short):
            return None
        before = self._asked.get(one.part)
        if before is not None and at - before[0] <= AGAIN_S:
            return before[1]
        if sum(asked_at == at for asked_at, _ in self._asked.values()) >= MOST_PER_TICK:
            return before[1] if before else f"no bucket le={one.part.bucket}"
        self._asked[one.part] = (at, self._ask(one.part, at))
        return self._asked[one.part][1]

    def _ask(self, stream: Stream, at: float) -> str:
        assert isinstance(stream.query, Counter)
        bound = f"no bucket le={stream.bucket}"
        every = stream.query.selector.without("le")
        try:
            vector = self._source.query(f"count by (le) ({every})", at)
        except SourceError:
            return bound
        bounds = sorted((sample.labels.get("le", "") for sample in vector.samples), key=_as_number)
        return f"{bound}; there are {', '.join(bounds[:SHOWN])}" if bounds else bound


def _as_number(bound: str) -> float:
    try:
        return float(bound)
    except ValueError:
        return float("inf")
