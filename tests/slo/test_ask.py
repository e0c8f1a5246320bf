"""How questions are put to sources that refuse, tire, tell half the truth or hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan

import pytest

from keelwatch.adapters.prometheus import (
    Matrix,
    Missing,
    QueryRejected,
    QueryTimedOut,
    QueryTooHeavy,
    Sample,
    Series,
    Vector,
)
from keelwatch.workspace.errors import SourceError
from slo.ask import AT_ONCE, SMALLEST, Stretch, bucket_question, in_parallel, instant, stretch
from slo.burn import Absent, Count, Failed
from slo.objective import Stream
from slo.plan import TERM, Increase, terms
from slo.promql import Counter
from tests.slo.made import selector

FIVE = Increase(300.0)
DAY = Stretch(300, 300, 86_400)


def stream(metric: str, **equal: str) -> Stream:
    return Stream(Counter(selector(metric, **equal)))


@dataclass(slots=True)
class Moody:
    """Answers 1 to every term, unless `mood` says no."""

    mood: Callable[[str, int], SourceError | None] = lambda _text, _buckets: None
    value: float | Missing = 1.0
    warnings: tuple[str, ...] = ()
    asked: list[tuple[int, int]] = field(default_factory=list)
    shown: str = "moody"

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        if error := self.mood(promql, 1):
            raise error
        samples = tuple(Sample({TERM: str(n)}, self.value) for n in range(promql.count(TERM)))
        return Vector(samples, self.warnings)

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        buckets = range(start, end + 1, step_s)
        if error := self.mood(promql, len(buckets)):
            raise error
        self.asked.append((start, end))
        points = tuple((float(at), 1.0) for at in buckets)
        return Matrix(tuple(Series({TERM: str(n)}, points) for n in range(promql.count(TERM))), self.warnings)


def test_a_refused_term_fails_alone() -> None:
    streams = [stream(name) for name in ("a", "b", "broken", "c")]
    moody = Moody(lambda text, _: QueryRejected("no") if "broken" in text else None)
    answers = instant(moody, terms(streams, [FIVE]), 0.0, 5.0)
    found = [answers.counted(one, FIVE, "5m") for one in streams]
    assert found == [Count(1.0), Count(1.0), Failed("no"), Count(1.0)]


def test_a_source_too_tired_for_anything_is_a_dead_source() -> None:
    moody = Moody(lambda _text, _: QueryTooHeavy("too much"))
    with pytest.raises(QueryTooHeavy):
        instant(moody, terms([stream("a"), stream("b")], [FIVE]), 0.0, 5.0)


def test_patience_ends() -> None:
    asked: list[str] = []

    def slow(text: str, _: int) -> SourceError:
        asked.append(text)
        time.sleep(0.05)
        return QueryTooHeavy("too much")

    streams = [stream(f"metric_{number}") for number in range(64)]
    with pytest.raises(SourceError):
        instant(Moody(slow), terms(streams, [FIVE]), 0.0, 0.2)
    assert len(asked) < 30


def test_a_source_silent_to_the_smallest_question_is_asked_no_halves() -> None:
    asked: list[str] = []

    def frozen(text: str, _: int) -> SourceError:
        asked.append(text)
        return QueryTimedOut("no answer")

    wanted = terms([stream("a"), stream("b")], [FIVE])
    with pytest.raises(QueryTimedOut):
        instant(Moody(frozen), wanted, 0.0, 60.0)
    assert asked[1:] == [SMALLEST]
    asked.clear()
    with pytest.raises(QueryTimedOut):
        stretch(Moody(frozen), terms([stream("a")], [bucket_question(300)]), DAY, 1.0, 60.0)
    assert asked[1:] == [SMALLEST]


def test_a_source_that_is_only_slow_on_one_query_loses_that_one_alone() -> None:
    moody = Moody(lambda text, _: QueryTimedOut("no answer") if "slow" in text else None)
    streams = [stream("slow"), stream("a")]
    answers = instant(moody, terms(streams, [FIVE]), 0.0, 5.0)
    assert [answers.counted(one, FIVE, "5m") for one in streams] == [Failed("no answer"), Count(1.0)]


def test_a_gone_source_is_raised() -> None:
    with pytest.raises(SourceError, match="gone"):
        instant(Moody(lambda _text, _: SourceError("gone")), terms([stream("a")], [FIVE]), 0.0, 5.0)


def test_warnings_of_half_answers_reach_the_tick() -> None:
    answers = instant(Moody(warnings=("half of it",)), terms([stream("a")], [FIVE]), 0.0, 5.0)
    assert list(answers.warnings) == ["half of it"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(Missing.NAN, "NaN, which is no count"), (Missing.NATIVE_HISTOGRAM, "not supported yet")],
)
def test_what_is_no_number_fails_and_says_what_it_was(value: Missing, words: str) -> None:
    answers = instant(Moody(value=value), terms([stream("a")], [FIVE]), 0.0, 5.0)
    found = answers.counted(stream("a"), FIVE, "5m")
    assert isinstance(found, Failed)
    assert words in found.reason


def test_what_was_not_answered_is_absent_and_not_zero() -> None:
    answers = instant(Moody(), terms([stream("a")], [FIVE]), 0.0, 5.0)
    assert answers.counted(stream("b"), FIVE, "5m") == Absent("no samples in the last 5m")


def test_a_history_too_heavy_at_once_is_asked_in_pieces() -> None:
    moody = Moody(lambda _text, buckets: QueryTooHeavy("too many samples") if buckets > 40 else None)
    found = stretch(moody, terms([stream("a")], [bucket_question(300)]), DAY, 1.0, 5.0)
    assert len(moody.asked) > 4
    counts = found.found[stream("a")]
    assert len(counts) == 288
    assert list(counts) == pytest.approx([300 / 300.001] * 288)


def test_a_history_too_heavy_in_any_piece_fails_that_stream_alone() -> None:
    moody = Moody(lambda text, _: QueryTooHeavy("too many samples") if "heavy" in text else None)
    found = stretch(moody, terms([stream("heavy"), stream("a")], [bucket_question(300)]), DAY, 1.0, 5.0)
    assert found.failures == {stream("heavy"): "too many samples"}
    assert not any(isnan(count) for count in found.found[stream("a")])


def test_patience_with_a_history_ends_too() -> None:
    def slow(_text: str, _buckets: int) -> SourceError:
        time.sleep(0.05)
        return QueryTooHeavy("too much")

    began = time.monotonic()
    streams = [stream(f"metric_{number}") for number in range(8)]
    found = stretch(Moody(slow), terms(streams, [bucket_question(300)]), DAY, 1.0, 0.2)
    assert time.monotonic() - began < 2.0
    assert set(found.failures) == set(streams)


@pytest.mark.parametrize("most", [1, 12, 100, 287, 288, 1000])
def test_pieces_cover_a_stretch_once(most: int) -> None:
    buckets = [bucket for part in DAY.parts(most) for bucket in part.buckets]
    assert sorted(buckets) == list(DAY.buckets)


def test_at_most_four_are_asked_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def job() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return most

    assert len(in_parallel([job] * 20)) == 20
    assert 1 < most <= AT_ONCE


def test_the_first_failure_of_many_is_raised_after_all_have_ended() -> None:
    def fail() -> int:
        raise SourceError("gone")

    with pytest.raises(SourceError, match="gone"):
        in_parallel([lambda: 1, fail, lambda: 2])
