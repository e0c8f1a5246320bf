"""Every few minutes the server counts a whole period itself, to be held against the sum of our buckets."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from keelwatch.workspace.errors import SourceError
from slo.ask import Source
from slo.objective import Stream
from slo.plan import Increase, Packed, events, pack, terms
from slo.why import Drift

EVERY_S = 420.0
READ_S = 30.0


class CrossCheck:
    """One query at a time, in a thread of its own: nobody waits for it. The packed queries take turns."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._next_at: float | None = None
        self._turn = 0
        self._lock = threading.Lock()
        self._drifts: dict[Stream, Drift] = {}
        self._error: str | None = None
        self._thread: threading.Thread | None = None

    def due(self, at: float) -> bool:
        """Not at the first tick: a command that ends after it would pay for nothing."""
        if self._next_at is None:
            self._next_at = at + 2.0
        return at >= self._next_at and not (self._thread and self._thread.is_alive())

    def maybe(self, at: float, streams: Sequence[Stream], own: Mapping[tuple[Stream, float], float]) -> None:
        """Start a check if one is due and there is something to hold it against."""
        if not own:
            return
        self._next_at = at + EVERY_S
        periods = sorted({period for _, period in own})
        queries = [
            packed
            for period in periods
            for packed in pack(terms((s for s in streams if (s, period) in own), [Increase(period)]))
        ]
        packed = queries[self._turn % len(queries)]
        self._turn += 1
        self._thread = threading.Thread(target=self._run, args=(packed, at, dict(own)), daemon=True)
        self._thread.start()

    def found(self) -> tuple[Mapping[Stream, Drift], str | None]:
        """The drifts known so far, and why the last check failed if it did."""
        with self._lock:
            return dict(self._drifts), self._error

    def wait(self, seconds: float) -> None:
        """For the end of a running check."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self, packed: Packed, at: float, own: Mapping[tuple[Stream, float], float]) -> None:
        try:
            vector = self._source.query(packed.text, at, READ_S)
        except SourceError as error:
            with self._lock:
                self._error = error.message
            return
        counted: dict[tuple[Stream, float], float] = {}
        for sample in vector.samples:
            owner = packed.owner(sample.labels)
            if owner is None or not isinstance(sample.value, float):
                continue
            term, stream = owner
            assert isinstance(term.question, Increase)
            key = (stream, term.question.seconds)
            counted[key] = counted.get(key, 0.0) + events(stream, term.question, sample.value)
        with self._lock:
            self._error = None
            self._drifts |= {
                stream: Drift(at, own[stream, period], theirs)
                for (stream, period), theirs in counted.items()
                if (stream, period) in own
            }
