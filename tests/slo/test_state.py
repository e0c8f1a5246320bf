"""Three-valued pairs, states, trends and the readings under them."""

from __future__ import annotations

from itertools import product

import pytest

from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.burn import Absent, Count, Failed, bad_of_good, burn_rate, empty_in_s, error_ratio
from slo.snapshot import Outcome, State
from slo.state import outcome
from tests.slo.made import always, reading

OVER, UNDER, UNKNOWN = Value(15.0, 0.0), Value(1.0, 0.0), Unknown("why", 0.0)
FACTOR = 14.4


@pytest.mark.parametrize(
    ("long", "short", "expected"),
    [
        (OVER, OVER, "critical"),
        (OVER, UNDER, "clear"),
        (UNDER, OVER, "clear"),
        (UNDER, UNDER, "clear"),
        (UNDER, UNKNOWN, "clear"),
        (UNKNOWN, UNDER, "clear"),
        (OVER, UNKNOWN, "undecided"),
        (UNKNOWN, OVER, "undecided"),
        (UNKNOWN, UNKNOWN, "undecided"),
    ],
)
def test_a_pair_is_a_three_valued_and(long: Reading, short: Reading, expected: Outcome) -> None:
    assert outcome(long, short, FACTOR) == expected


def test_exactly_at_the_factor_is_not_over() -> None:
    assert outcome(Value(FACTOR, 0.0), OVER, FACTOR) == "clear"


def test_nothing_counted_is_unknown_in_every_combination_and_never_ok() -> None:
    for bad, total in product((None, 0.0), (None, 0.0)):
        found = reading(always(bad, total))
        assert found.state is State.UNKNOWN
        assert found.unknown_reason


def test_an_unborn_error_counter_means_no_errors() -> None:
    found = reading(lambda window_s: (None, window_s))
    assert found.state is State.OK
    assert found.budget_remaining == Value(1.0, 0.0, "test")


def test_an_absent_total_is_unknown_though_errors_are_counted() -> None:
    assert reading(lambda window_s: (window_s, None)).state is State.UNKNOWN


def test_a_silent_hour_is_no_traffic_and_does_not_poison_the_month() -> None:
    found = reading(lambda window_s: (0.0, 0.0) if window_s <= 3600 else (1.0, window_s))
    assert found.burn["1h"] == Unknown("no traffic", 0.0, "test")
    assert isinstance(found.budget_remaining, Value)


def test_a_quiet_hour_gone_bad_counts_by_its_requests_not_by_its_length() -> None:
    # 23 busy clean hours at 1,000 requests and a quiet one of 1 request, all of it bad.
    ratio = error_ratio(Count(1.0), Count(23_001.0), 0.0)
    assert isinstance(ratio, Value)
    assert ratio.value == pytest.approx(1 / 23_001, rel=1e-9)


def test_a_critical_page_outranks_an_undecided_pair() -> None:
    found = reading(lambda window_s: (None, None) if window_s > 6 * 3600 else (window_s * 0.5, window_s))
    assert found.state is State.PAGE


def test_an_undecided_page_is_unknown_even_when_tickets_are_clear() -> None:
    found = reading(lambda window_s: (None, None) if window_s <= 6 * 3600 else (0.0, window_s))
    assert found.state is State.UNKNOWN


def test_a_slow_burn_is_a_ticket() -> None:
    assert reading(lambda window_s: (window_s * 0.0035, window_s)).state is State.TICKET


def test_a_budget_overspent_is_negative_and_empty_at_once() -> None:
    found = reading(lambda window_s: (window_s * 0.003, window_s))
    assert isinstance(found.budget_remaining, Value)
    assert found.budget_remaining.value == pytest.approx(-2.0, rel=1e-9)
    assert found.empty_in_s == 0.0


def test_no_time_to_empty_while_the_budget_refills_or_is_unknown() -> None:
    assert empty_in_s(Value(0.5, 0.0), Value(1.0, 0.0), 100.0) is None
    assert empty_in_s(UNKNOWN, Value(5.0, 0.0), 100.0) is None
    assert empty_in_s(Value(0.5, 0.0), UNKNOWN, 100.0) is None


def test_more_bad_than_all_is_shown_as_it_is() -> None:
    ratio = error_ratio(Count(12.0), Count(10.0), 0.0)
    assert isinstance(ratio, Value)
    assert ratio.value == pytest.approx(1.2)


def test_good_events_are_subtracted_after_they_are_summed() -> None:
    assert bad_of_good(Count(99.0), Count(100.0)) == Count(1.0)
    assert bad_of_good(Count(100.2), Count(100.0)) == Count(0.0)
    assert bad_of_good(Absent("none"), Count(100.0)) == Count(100.0)
    assert bad_of_good(Failed("why"), Count(100.0)) == Failed("why")
    assert bad_of_good(Count(1.0), Absent("none")) == Absent("none")


def test_a_failed_numerator_is_unknown_and_not_zero() -> None:
    assert isinstance(error_ratio(Failed("refused"), Count(5.0), 0.0), Unknown)


def test_a_short_history_mark_of_through_to_the_burn() -> None:
    burn = burn_rate(error_ratio(Count(1.0), Count(100.0, covered=0.4), 0.0), 0.99)
    assert isinstance(burn, Value)
    assert burn.partial
    assert burn.value == pytest.approx(1.0)


def test_a_target_with_six_nines_is_not_rounded() -> None:
    burn = burn_rate(Value(1e-6, 0.0), 0.999999)
    assert isinstance(burn, Value)
    assert burn.value == pytest.approx(1.0, rel=1e-9)
