"""Sending planned questions to the source, a few at a time, and sorting the answers out.

A query that the source refuses is halved until the guilty part stands alone: one objective with a broken
query is unknown, its neighbours are not.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Protocol

from keelwatch.adapters.prometheus import Matrix, Missing, QueryRejected, QueryTimedOut, QueryTooHeavy, Vector
from keelwatch.workspace.errors import SourceError
from slo.burn import Absent, Count, Counted, Failed
from slo.objective import Stream
from slo.plan import Increase, Newest, Packed, Question, Term, events, pack, split
from slo.ring import ABSENT

AT_ONCE = 4
SMALLEST, SMALLEST_S = "vector(1)", 1.0
"""What any source that lives answers at once."""

FEWEST_BUCKETS = 12
MOST_POINTS = 200_000
"""Of one answer: decoded, that is some 40 MB for a moment."""


class Source(Protocol):
    """What is asked of `keelwatch.adapters.prometheus.Prometheus`."""

    @property
    def shown(self) -> str: ...

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector: ...

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix: ...


@dataclass(slots=True)
class Answers:
    """What came back: numbers by stream and question, and why some did not. One sample that is not a
    number makes the whole answer not a number; such answers are `spoiled`."""

    numbers: dict[tuple[Stream, Question], float] = field(default_factory=dict)
    failures: dict[tuple[Stream, Question], str] = field(default_factory=dict)
    spoiled: set[tuple[Stream, Question]] = field(default_factory=set)
    terms: dict[tuple[Stream, Question], Term] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    ahead_s: float | None = None
    queries: int = 0

    def counted(self, stream: Stream, question: Increase, window: str) -> Counted:
        key = (stream, question)
        if key in self.failures:
            return Failed(self.failures[key])
        if key in self.numbers:
            return Count(events(stream, question, self.numbers[key]))
        return Absent(f"no samples in the last {window}")

    def newest(self, stream: Stream) -> float | None:
        return self.numbers.get((stream, Newest()))


def instant(source: Source, terms: Iterable[Term], at: float, patience_s: float) -> Answers:
    """Ask every term at `at`. Raises `SourceError` when the source gives nothing at all.

    `patience_s` bounds how long refused queries are taken apart.
    """
    answers, lock = Answers(), threading.Lock()
    end = time.monotonic() + patience_s

    def ask(packed: Packed) -> SourceError | None:
        try:
            vector = source.query(packed.text, at)
        except QueryRejected as error:
            _give_up_on_the_silent(source, at, error)
            halves = split(packed)
            if halves and time.monotonic() < end:
                failures = [ask(half) for half in halves]
                return failures[0] if all(failures) else None
            with lock:
                _fail(answers, packed, error.message)
            return error
        with lock:
            _take(answers, packed, vector)
        return None

    outcomes = in_parallel([_bind(ask, packed) for packed in pack(terms)])
    heavy = [one for one in outcomes if isinstance(one, QueryTooHeavy)]
    if outcomes and len(heavy) == len(outcomes):
        raise heavy[0]  # not one query came through: the source is in trouble, not the queries
    return answers


def _give_up_on_the_silent(source: Source, at: float, error: QueryRejected) -> None:
    """Raises `error` when it is our patience that ended and the source does not answer the smallest question
    either: it is frozen, and every half of the query would only cost the same time again."""
    if not isinstance(error, QueryTimedOut):
        return
    try:
        source.query(SMALLEST, at, SMALLEST_S)
    except SourceError:
        raise error from None


def _bind[ArgumentT, ResultT](
    function: Callable[[ArgumentT], ResultT], argument: ArgumentT
) -> Callable[[], ResultT]:
    return lambda: function(argument)


def _fail(answers: Answers, packed: Packed, reason: str) -> None:
    answers.queries += 1
    for term in packed.terms:
        for stream in term.members.values():
            answers.terms[stream, term.question] = term
            answers.failures[stream, term.question] = reason


def _take(answers: Answers, packed: Packed, vector: Vector) -> None:
    answers.queries += 1
    answers.warnings |= dict.fromkeys(vector.warnings)
    answers.ahead_s = vector.ahead_s if vector.ahead_s is not None else answers.ahead_s
    for term in packed.terms:
        for stream in term.members.values():
            answers.terms[stream, term.question] = term
    for sample in vector.samples:
        found = packed.owner(sample.labels)
        if found is None:
            continue
        key = (found[1], found[0].question)
        match sample.value:
            case Missing() as what:
                answers.failures[key] = f"the source answered with {_unusable(what)}"
                if what is not Missing.NATIVE_HISTOGRAM:
                    answers.spoiled.add(key)
            case number:
                # Two spellings of one bucket bound are two rows of one stream.
                answers.numbers[key] = answers.numbers.get(key, 0.0) + number


def _unusable(what: Missing) -> str:
    if what is Missing.NATIVE_HISTOGRAM:
        return f"{what}, which is not supported yet: use the classic buckets"
    return f"{what}, which is no count"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Buckets of one length, from `start` to `end`, both included."""

    step_s: int
    start: int
    end: int

    @property
    def buckets(self) -> range:
        return range(self.start, self.end + 1, self.step_s)

    def parts(self, most: int) -> list[Stretch]:
        """Cut into pieces of at most `most` buckets, the newest first."""
        length_s = max(most, FEWEST_BUCKETS) * self.step_s
        return [
            Stretch(self.step_s, max(self.start, end - length_s + self.step_s), end)
            for end in range(self.end, self.start - 1, -length_s)
        ]

    def halves(self) -> list[Stretch]:
        """The newer and the older half; empty when too short to be worth it."""
        count = len(self.buckets)
        return self.parts(-(-count // 2)) if count >= 2 * FEWEST_BUCKETS else []


@dataclass(slots=True)
class History:
    """Counts of each stream, aligned with the buckets of the stretch; NaN where there is no series."""

    found: dict[Stream, array[float]] = field(default_factory=dict)
    failures: dict[Stream, str] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)


def bucket_question(step_s: int) -> Increase:
    """One bucket. The extra millisecond takes in the sample on the older edge where the server's ranges
    are left-open (Prometheus 3), or samples as far apart as the buckets would count as nothing."""
    return Increase(step_s + 0.001)


def stretch(
    source: Source, terms: Iterable[Term], wanted: Stretch, read_s: float, patience_s: float
) -> History:
    """Ask terms of one `bucket_question` for every bucket of a stretch, in pieces that the source can
    bear. Raises `SourceError` when the source is gone.

    `patience_s` bounds how long refused pieces are taken apart.
    """
    history, lock = History(), threading.Lock()
    end = time.monotonic() + patience_s

    def ask(packed: Packed, part: Stretch) -> None:
        try:
            matrix = source.query_range(packed.text, part.start, part.end, part.step_s, read_s)
        except QueryRejected as error:
            _give_up_on_the_silent(source, part.end, error)
            parts = _take_apart(packed, part, error) if time.monotonic() < end else []
            for smaller, shorter in parts:
                ask(smaller, shorter)
            if not parts:
                failed = [stream for term in packed.terms for stream in term.members.values()]
                with lock:
                    history.failures |= dict.fromkeys(failed, error.message)
            return
        with lock:
            _take_matrix(history, packed, matrix, wanted)

    def piece(job: tuple[Packed, Stretch]) -> None:
        ask(*job)

    jobs = []
    for packed in pack(terms):
        members = sum(len(term.members) for term in packed.terms)
        jobs += [_bind(piece, (packed, part)) for part in wanted.parts(MOST_POINTS // members)]
    in_parallel(jobs)
    return history


def _take_apart(packed: Packed, part: Stretch, error: QueryRejected) -> list[tuple[Packed, Stretch]]:
    """What to ask instead: less time if it was too heavy, else fewer terms; empty if neither is left."""
    if isinstance(error, QueryTooHeavy) and (shorter := part.halves()):
        return [(packed, half) for half in shorter]
    return [(some, part) for some in split(packed)]


def _take_matrix(history: History, packed: Packed, matrix: Matrix, wanted: Stretch) -> None:
    history.warnings |= dict.fromkeys(matrix.warnings)
    for series in matrix.series:
        owner = packed.owner(series.labels)
        if owner is None:
            continue
        term, stream = owner
        assert isinstance(term.question, Increase)
        unit = events(stream, term.question, 1.0) * wanted.step_s / term.question.seconds
        if stream not in history.found:
            history.found[stream] = array("d", [ABSENT]) * len(wanted.buckets)
        counts = history.found[stream]
        for at, value in series.points:
            index = (round(at) - wanted.start) // wanted.step_s
            before = counts[index]
            # Two spellings of one bucket bound are two series of one stream.
            counts[index] = value * unit if isnan(before) else before + value * unit


def in_parallel[ResultT](jobs: Sequence[Callable[[], ResultT]]) -> list[ResultT]:
    """Run jobs, at most `AT_ONCE` at a time, and return their results in order.

    Raises the first failure after all have ended. The threads are daemons: a source that hangs must not
    keep the program from ending.
    """
    if len(jobs) <= 1:
        return [job() for job in jobs]
    results: dict[int, ResultT] = {}
    errors: dict[int, BaseException] = {}
    numbers = iter(range(len(jobs)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
                if number is None or errors:
                    return
            try:
                results[number] = jobs[number]()
            except BaseException as error:  # noqa: BLE001  # carried to the caller's thread, whatever it is
                errors[number] = error

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(jobs))]
