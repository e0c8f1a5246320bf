"""What was found of a threshold: met, missed, or too little to tell."""

from __future__ import annotations

import pytest

from keelwatch.workspace.reading import Unknown
from loadtests.certain import breached
from loadtests.gathered import Gathered, Second, Times
from loadtests.spec import Threshold
from loadtests.thresholds import Events, findings, of_load
from slo.objective import Objective, Ratio
from slo.promql import Counter, Expression
from slo.selector import Matcher, Op, Selector

OBJECTIVE = Threshold.model_validate({"objective": "one"})


@pytest.mark.parametrize(
    ("bad", "total", "found"),
    [
        (0, 300, "met"),  # the rule of three: at 1 %, 300 are enough
        (0, 299, "unknown"),
        (3, 300, "met"),
        (4, 300, "missed"),
        (5, 20, "missed"),  # a quarter of twenty is no accident
        (1, 20, "unknown"),
        (0, 0, "unknown"),
    ],
)
def test_a_few_requests_prove_nothing_unless_it_is_glaring(bad: float, total: float, found: str) -> None:
    (one,) = findings([OBJECTIVE], Gathered(), {"one": Events(bad, total, 0.99)})
    assert ("unknown" if one.value is None else "met" if one.met else "missed") == found


def test_a_source_that_does_not_answer_is_no_green() -> None:
    (one,) = findings([OBJECTIVE], Gathered(), {"one": Unknown("no answer", 0.0)})
    assert (one.value, one.met, one.reason) == (None, False, "no answer")


def times_of(values: list[float], failed: int = 0) -> Times:
    times = Times(failed=failed)
    for value in values:
        times.service.record(value)
        times.response.record(value * 10)
    return times


def test_a_percentile_is_of_the_time_that_was_named() -> None:
    gathered = Gathered(all=times_of([10.0] * 200))
    wanted = [
        Threshold.model_validate({"percentile": 95, "below": "50ms", "of": "service"}),
        Threshold.model_validate({"percentile": 95, "below": "50ms"}),
    ]
    service, response = findings(wanted, gathered, {})
    assert (service.met, service.name) == (True, "p95 service time < 50 ms")
    assert (response.met, response.value, response.late) == (False, "100 ms", "10 ms")


@pytest.mark.parametrize(("service_ms", "late"), [(79.0, "79 ms"), (82.0, ""), (120.0, "")])
def test_a_percentile_is_missed_by_the_server_where_its_own_time_comes_near_the_limit(
    service_ms: float, late: str
) -> None:
    gathered = Gathered(all=times_of([service_ms] * 200))  # each began so late that it took ten times that
    (found,) = findings([Threshold.model_validate({"percentile": 95, "below": "100ms"})], gathered, {})
    assert (found.met, found.late) == (False, late)


@pytest.mark.parametrize(
    ("failed", "journeys", "value"),
    [
        (0, 0, "0.00%"),
        (4, 20, "0.00%"),  # a fifth may
        (24, 24, "100.00% of journeys"),
        (5, 20, "25.00% of journeys"),
        (3, 12, None),  # too few to tell, and not few enough to be green
    ],
)
def test_journeys_that_fail_count_though_their_requests_went_well(
    failed: int, journeys: int, value: str | None
) -> None:
    gathered = Gathered(all=times_of([10.0] * 264), journeys={"waits": times_of([10.0] * journeys, failed)})
    (one,) = findings([Threshold.model_validate({"failures_below": 20})], gathered, {})
    assert (one.value, one.met) == (value, value == "0.00%")


def test_what_is_missed_for_certain_names_its_threshold() -> None:
    seconds = {at: Second(workers=1) for at in range(8)}
    gathered = Gathered(seconds=seconds, all=times_of([10.0] * 86 + [100.0] * 53))
    wanted = [Threshold.model_validate({"percentile": 95, "below": "50ms", "of": "service"})]
    assert breached(wanted, gathered, 10) == "p95 service time < 50 ms: 53 of 139 are too many already"
    assert breached(wanted, gathered, 100) == ""


@pytest.mark.parametrize(("service_ms", "told"), [(79.0, False), (82.0, True), (120.0, True)])
def test_what_only_began_late_is_no_certain_miss(service_ms: float, told: bool) -> None:  # noqa: FBT001
    seconds = {at: Second(workers=1) for at in range(3)}
    gathered = Gathered(seconds=seconds, all=times_of([service_ms] * 139))  # ten times that from when due
    wanted = [Threshold.model_validate({"percentile": 95, "below": "100ms"})]
    assert bool(breached(wanted, gathered, 10)) is told
    gathered.seconds[2].late_ms = 1500.0
    assert breached(wanted, gathered, 10) == "", "what is behind may answer itself late"


def test_a_percentile_of_a_few_is_unknown() -> None:
    gathered = Gathered(all=times_of([10.0] * 99))
    (one,) = findings([Threshold.model_validate({"percentile": 95, "below": "50ms"})], gathered, {})
    assert (one.value, one.reason) == (None, "99 requests; 100 are the least")


def test_a_request_that_nobody_made_is_unknown() -> None:
    wanted = Threshold.model_validate({"failures_below": 1, "request": "a"})
    (one,) = findings([wanted], Gathered(), {})
    assert one.reason == "no request is named 'a'"


def objective(part: Counter | Expression, total: Counter | Expression) -> Objective:
    return Objective("one", "One", "portal", 0.99, 2592000.0, Ratio(part, "bad", total), "availability")


def counter(traffic: str) -> Counter:
    matchers = (Matcher("traffic", Op.EQUAL, traffic),) if traffic else ()
    return Counter(Selector("requests_total", matchers))


def test_an_objective_is_asked_of_load_s_traffic_where_it_tells_traffic_apart() -> None:
    found = of_load(objective(counter("real"), counter("real")))
    assert found is not None
    assert str(found.ratio.total) == str(counter("load"))
    assert of_load(objective(counter(""), counter("real"))) is None
