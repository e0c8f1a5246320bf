"""Our formulas against numbers that others have published (SRE workbook chapter 5, sloth)."""

from __future__ import annotations

import pytest

from keelwatch.workspace.reading import Value
from slo.burn import burn_rate, consumed, empty_in_s
from slo.snapshot import State
from slo.windows import DAY_S, HOUR_S, pairs
from tests.slo.made import reading

MONTH_S = 30.0 * DAY_S
EXACT = 1e-9


def value(number: float) -> Value:
    return Value(number, 0.0)


def noticed_after_s(error_ratio: float, pair: int) -> float:
    """How long a steady error ratio must last before the long window of a pair is over its factor."""

    def over(seconds: float) -> bool:
        one = reading(lambda window_s: (error_ratio * min(window_s, seconds), window_s)).pairs[pair]
        assert isinstance(one.long_burn, Value)
        return one.long_burn.value > one.factor

    since, until = 0.0, 3.0 * DAY_S
    assert over(until)
    while until - since > 1e-6:
        middle = (since + until) / 2
        since, until = (since, middle) if over(middle) else (middle, until)
    return until


@pytest.mark.parametrize(
    ("burn", "error_ratio", "gone_in_s"),
    [(1, 0.001, 30 * DAY_S), (2, 0.002, 15 * DAY_S), (10, 0.01, 3 * DAY_S), (1000, 1.0, 43.2 * 60)],
)
def test_the_workbooks_table_of_burn_rates(burn: float, error_ratio: float, gone_in_s: float) -> None:
    rate = burn_rate(value(error_ratio), 0.999)
    assert isinstance(rate, Value)
    assert rate.value == pytest.approx(burn, rel=EXACT)
    assert consumed(rate.value, gone_in_s, MONTH_S) == pytest.approx(1.0, rel=EXACT)
    if burn > 1:
        assert empty_in_s(value(1.0), rate, MONTH_S) == pytest.approx(gone_in_s, rel=EXACT)


def test_ten_percent_errors_burn_100_times_not_1000_as_the_workbook_has_it() -> None:
    rate = burn_rate(value(0.1), 0.999)
    assert isinstance(rate, Value)
    assert rate.value == pytest.approx(100, rel=EXACT)
    assert consumed(rate.value, HOUR_S, MONTH_S) == pytest.approx(100 / 720, rel=EXACT)


@pytest.mark.parametrize(
    ("period_days", "factors"),
    [(30, (14.4, 6, 3, 1)), (28, (13.44, 5.6, 2.8, 28 / 30)), (7, (13.44, 3.5, 1.4, 0.98))],
)
def test_the_factors_of_the_workbook_and_of_sloth(period_days: int, factors: tuple[float, ...]) -> None:
    found = pairs(period_days * float(DAY_S))
    assert [pair.factor for pair in found] == pytest.approx(factors, rel=EXACT)
    assert [(pair.long, pair.short) for pair in found] == [
        ("1h", "5m"),
        ("6h", "30m"),
        ("1d", "2h"),
        ("3d", "6h"),
    ]
    assert [pair.severity for pair in found] == [State.PAGE, State.PAGE, State.TICKET, State.TICKET]


@pytest.mark.parametrize(
    ("target", "thresholds"), [(0.999, (0.0144, 0.006, 0.003, 0.001)), (0.95, (0.72, 0.30, 0.15, 0.05))]
)
def test_the_error_ratios_at_which_sloth_alerts(target: float, thresholds: tuple[float, ...]) -> None:
    assert [pair.factor * (1 - target) for pair in pairs(MONTH_S)] == pytest.approx(thresholds, rel=EXACT)


@pytest.mark.parametrize(("pair", "seconds"), [(0, 51.84), (1, 129.6), (2, 259.2), (3, 259.2)])
def test_how_soon_an_outage_of_everything_is_noticed(pair: int, seconds: float) -> None:
    assert noticed_after_s(1.0, pair) == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize(("pair", "minutes"), [(0, 43.2), (1, 108), (2, 216), (3, 216)])
def test_how_soon_two_percent_errors_are_noticed(pair: int, minutes: float) -> None:
    assert noticed_after_s(0.02, pair) == pytest.approx(minutes * 60, abs=1e-5)


@pytest.mark.parametrize(("share", "outcome"), [(1 - 1e-9, "clear"), (1 + 1e-9, "critical")])
def test_an_error_ratio_just_below_the_threshold_is_never_noticed(share: float, outcome: str) -> None:
    errors = 14.4 * 0.001 * share
    assert reading(lambda window_s: (errors * window_s, window_s)).pairs[0].outcome == outcome


def test_burning_35_times_under_a_36_times_alert_empties_the_budget_in_20_hours_unseen() -> None:
    left = empty_in_s(value(1.0), value(35.0), MONTH_S)
    assert left == pytest.approx(720 / 35 * HOUR_S, rel=EXACT)
    assert left == pytest.approx(20.57 * HOUR_S, rel=1e-3)


def test_waiting_an_hour_before_alerting_on_an_outage_costs_139_percent_of_the_budget() -> None:
    assert consumed(1000, HOUR_S, MONTH_S) == pytest.approx(1.3888888888888888, rel=EXACT)


def test_a_target_of_90_percent_spends_1_4_percent_per_hour_of_outage_and_cannot_page() -> None:
    assert consumed(1 / 0.1, HOUR_S, MONTH_S) == pytest.approx(1 / 72, rel=EXACT)
    assert [pair.reachable(0.1) for pair in pairs(MONTH_S)] == [False, True, True, True]


@pytest.mark.parametrize(("factor", "lowest"), [(14.4, 0.930556), (6, 0.833333), (3, 0.666667)])
def test_the_lowest_target_that_each_factor_can_reach(factor: float, lowest: float) -> None:
    (pair,) = [one for one in pairs(MONTH_S) if one.factor == pytest.approx(factor)]
    assert pair.reachable(1 - lowest - 1e-5)
    assert not pair.reachable(1 - lowest + 1e-5)


def test_five_nines_last_26_seconds_of_outage_or_43_minutes_of_a_one_percent_canary() -> None:
    lasts_s = [empty_in_s(value(1.0), burn_rate(value(bad), 0.99999), MONTH_S) for bad in (1.0, 0.01)]
    assert lasts_s == pytest.approx([25.92, 43.2 * 60], rel=EXACT)


def test_one_failure_of_ten_requests_an_hour_is_14_percent_of_the_budget() -> None:
    one = reading(lambda window_s: (1.0, 10 * window_s / HOUR_S))
    assert isinstance(one.budget_remaining, Value)
    assert 1 - one.budget_remaining.value == pytest.approx(1 / 7.2, rel=EXACT)
