"""What guards ask: three-valued, and never well because it is unknown."""

from __future__ import annotations

import pytest

from keelwatch.adapters.prometheus import Matrix, Missing, Sample, Vector
from keelwatch.safety.burn_words import burnt
from keelwatch.safety.questions import elapsed_below, elapsed_share, judge_burns, promql_holds
from keelwatch.workspace import SourceError
from keelwatch.workspace.reading import Answer, Reading, Unknown, Value
from slo.burn import NO_TRAFFIC

CALM, HOT = Value(0.4, 0.0), Value(20.0, 0.0)
IDLE, DARK = Unknown(NO_TRAFFIC, 0.0), Unknown("stale", 0.0)


@pytest.mark.parametrize(
    ("burns", "answer"),
    [
        ([CALM], Answer.YES),
        ([CALM, IDLE], Answer.YES),
        ([CALM, HOT], Answer.NO),
        ([DARK, HOT], Answer.NO),
        ([CALM, DARK], Answer.UNKNOWN),
        ([IDLE], Answer.UNKNOWN),
        ([], Answer.UNKNOWN),
    ],
)
def test_burns_are_judged_together(burns: list[Reading], answer: Answer) -> None:
    given: dict[tuple[str, str | None], Reading] = {
        (f"objective-{number}", "west"): one for number, one in enumerate(burns)
    }
    assert judge_burns(given, 14.4).answer is answer


@pytest.mark.parametrize(
    ("burns", "highest"),
    [([CALM], 0.4), ([CALM, HOT, Value(120.5, 0.0)], 120.5), ([HOT, CALM], 20.0), ([DARK, CALM], None)],
)
def test_a_face_reads_the_burn_and_its_limit_back_from_what_the_guard_said(
    burns: list[Reading], highest: float | None
) -> None:
    given: dict[tuple[str, str | None], Reading] = {
        (f"objective-{number}x", "west"): one for number, one in enumerate(burns)
    }

    found = burnt(judge_burns(given, 14.4).evidence)

    assert (found and (found.burn, found.most)) == (highest and (highest, 14.4))


class Told:
    """A source that answers one thing."""

    shown = "told"

    def __init__(self, *values: float | Missing, error: str = "") -> None:
        self._values = values
        self._error = error

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        if self._error:
            raise SourceError(self._error)
        return Vector(tuple(Sample({}, value) for value in self._values))

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        raise AssertionError


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (Told(1.0, 2.0), Answer.YES),
        (Told(1.0, 0.0), Answer.NO),
        (Told(), Answer.NO),
        (Told(1.0, Missing.NAN), Answer.UNKNOWN),
        (Told(error="no answer"), Answer.UNKNOWN),
    ],
)
def test_promql_is_true_when_every_number_is(source: Told, answer: Answer) -> None:
    assert promql_holds(source, "up == 1", 0.0).answer is answer


def test_time_runs_out_at_its_limit() -> None:
    assert elapsed_below(59.9, 60).answer is Answer.YES
    assert elapsed_below(60, 60).answer is Answer.NO


@pytest.mark.parametrize(("elapsed_s", "share"), [(0.0, 0.0), (38.0, 38 / 180), (185.0, 185 / 180)])
def test_how_much_time_is_over_is_read_from_what_the_guard_said(elapsed_s: float, share: float) -> None:
    assert elapsed_share(elapsed_below(elapsed_s, 180).evidence) == pytest.approx(share)


def test_words_of_another_limit_say_nothing_of_time() -> None:
    assert elapsed_share("login-availability (west) burns most, 2.1x; under 14.4x") is None
    assert elapsed_share("one of many") is None
