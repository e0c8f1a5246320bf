"""What generators tell adds up, and what is missing shows."""

from __future__ import annotations

import pytest

from keelwatch.ledger import JsonObject
from loadtests.certain import breached
from loadtests.gathered import Gathered
from loadtests.meter import MOST_NAMES, THE_REST, Meter
from loadtests.spec import Threshold


def told(second: int, meter: Meter, worker: int = 0, **more: float) -> JsonObject:
    return {"second": second, "worker": worker, "users": 2, "level": 4, "cpu": 0.1, **meter.take(), **more}


def test_two_generators_are_one_load() -> None:
    gathered = Gathered()
    for worker in (0, 1):
        meter = Meter()
        for value in range(1, 51):
            meter.request("GET /", float(value + 50 * worker))
        meter.request("GET /", 500.0, error="500")
        gathered.take(told(3, meter, worker))
    times = gathered.requests["GET /"]
    assert (times.count, times.failed) == (102, 2)
    assert 49 <= (times.service.quantile_ms(0.5) or 0) <= 53
    assert (gathered.seconds[3].users, gathered.seconds[3].level) == (4, 4)
    assert gathered.errors == {"GET /: 500": 2}


def test_what_began_late_is_late_and_its_service_is_not() -> None:
    meter, gathered = Meter(), Gathered()
    meter.request("a", 10.0)
    meter.request("a", 10.0, late_ms=990.0)
    gathered.take(told(0, meter))
    times = gathered.requests["a"]
    assert (times.service.count, times.response.count) == (2, 2)
    assert 990 < (times.response.quantile_ms(1.0) or 0) < 1010
    assert (times.service.quantile_ms(1.0) or 0) < 11


def test_a_generator_that_is_late_for_long_is_told_from_one_that_stumbles() -> None:
    gathered = Gathered()
    late = {
        2: 1500.0,
        3: 700.0,
        6: 1200.0,
        7: 1900.0,
        9: 2600.0,
        10: 900.0,
    }  # it was too busy to tell of the 8th
    for second in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10):
        gathered.take({**told(second, Meter()), "late_ms": late.get(second, 0.4)})
    assert gathered.late_s == 3


def test_the_warm_up_is_shown_and_not_counted() -> None:
    gathered = Gathered(warm_up_s=2)
    for second in range(4):
        meter = Meter()
        meter.request("a", 10.0)
        gathered.take(told(second, meter))
    assert (len(gathered.seconds), gathered.all.count) == (4, 2)


def test_missing_users_show_once_the_level_has_been_the_same_for_a_while() -> None:
    gathered = Gathered()
    for second in range(12):
        gathered.take(told(second, Meter(), users=4 if second > 1 else second, level=4))
    assert gathered.least_users() == 1.0
    gathered.take(told(12, Meter(), users=1, level=4))
    gathered.take(told(13, Meter(), users=4, level=4))
    assert gathered.least_users() == 0.25


def test_users_missing_while_the_level_rises_show_too() -> None:
    """Of the seconds around, the lowest level counts: whoever has just been asked for may still be coming."""
    gathered = Gathered()
    for second in range(12):
        gathered.take(told(second, Meter(), users=max(0, 2 * second - 5), level=2 * second + 1))
    assert gathered.least_users() == 1.0
    for second in range(12, 20):
        gathered.take(told(second, Meter(), users=10, level=2 * second + 1))
    assert gathered.least_users() == pytest.approx(10 / 31)


def test_a_second_that_one_of_two_generators_skips_tells_nothing_of_users() -> None:
    gathered = Gathered()
    for second in range(12):
        for worker in range(2 if second != 7 else 1):
            gathered.take({**told(second, Meter(), users=2, level=4), "worker": worker})
    assert gathered.least_users() == 1.0


def test_users_who_are_sent_away_when_a_load_is_stopped_are_not_missing() -> None:
    gathered = Gathered()
    for second in range(12):
        gathered.take(told(second, Meter(), users=4 if second < 9 else 1, level=4))
    assert gathered.least_users(until_s=10.2) == 1.0
    assert gathered.least_users() == 0.25


def test_a_generator_that_tells_nothing_shows_beside_one_that_does() -> None:
    gathered = Gathered()
    for second in range(20):
        gathered.take(told(second, Meter()))
        if second not in {3, 8, 9, 10, 11, 12}:
            gathered.take(told(second, Meter(), worker=1))
    assert gathered.quiet_s(2) == 5
    assert gathered.quiet_s(2, until_s=8.0) == 1
    assert gathered.quiet_s(1) == 0


def test_the_only_generator_is_missed_where_nobody_told_anything() -> None:
    gathered = Gathered()
    for second in (0, 1, 2, 8, 9, 10):
        gathered.take(told(second, Meter()))
    assert gathered.quiet_s(1) == 5


def test_the_last_second_is_not_told_by_all_yet() -> None:
    gathered = Gathered()
    for second in range(6):
        for worker in (0, 1) if second < 5 else (0,):
            gathered.take(told(second, Meter(), worker=worker))
    assert gathered.quiet_s(2) == 0


def test_a_busy_second_is_not_a_busy_generator_and_five_are() -> None:
    gathered = Gathered()
    for second in range(20):
        gathered.take(told(second, Meter(), cpu=1.0 if second == 7 else 0.2))
    assert (gathered.cpu or 0) < 0.4
    for second in range(20, 25):
        gathered.take(told(second, Meter(), cpu=0.95))
    assert (gathered.cpu or 0) > 0.94


def test_a_name_for_each_request_does_not_grow_without_end() -> None:
    meter = Meter()
    for number in range(MOST_NAMES + 100):
        meter.request(f"/item/{number}", 1.0)
    names = meter.take()["requests"]
    assert isinstance(names, dict)
    assert len(names) == MOST_NAMES + 1
    assert THE_REST in names


def test_a_breach_is_certain_only_when_the_rest_cannot_mend_it() -> None:
    threshold = Threshold.model_validate({"percentile": 95, "below": "50ms"})
    meter, gathered = Meter(), Gathered()
    for number in range(100):
        meter.request("a", 100.0 if number < 10 else 1.0)
    for second in (meter, Meter()):
        gathered.take(told(len(gathered.seconds), second))
    assert breached([threshold], gathered, 20.0) == ""  # 10 of 1000 may be slow
    assert breached([threshold], gathered, 2.2) == (
        "p95 response time < 50 ms: 10 of 100 are too many already"
    )


def test_what_is_not_told_yet_has_not_gone_by() -> None:
    """Counted as gone by without what came in it, it would make a breach of what is none."""
    gathered = Gathered(warm_up_s=1.0)
    for second in (0, 1, 2):
        gathered.take({**told(second, Meter()), "worker": 0})
        gathered.take({**told(second, Meter()), "worker": 1})
    gathered.take({**told(3, Meter()), "worker": 0})
    assert gathered.told_s == 2


def test_one_dropped_arrival_is_a_breach() -> None:
    gathered = Gathered()
    gathered.take({**told(0, Meter()), "dropped": 1})
    assert breached([], gathered, 10.0) == "", "so early it may be that the generators are behind"
    gathered.take(told(1, Meter()))
    assert breached([], gathered, 10.0) == "arrivals-dropped: 1"
