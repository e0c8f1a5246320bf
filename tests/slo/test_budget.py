"""The budget over time: what is left, what each window spent, when it is gone; and the regions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelwatch.workspace.reading import Unknown, Value
from slo.budget import burn_down, by_region, consumed_of, empty_at, forecast, forecast_s, incident_cost
from slo.snapshot import Counts, ObjectiveReading, Snapshot, in_order
from slo.windows import DAY_S, HOUR_S
from tests.slo.made import reading

EXACT = 1e-9


def burning(times: float, left: float = 0.5) -> ObjectiveReading:
    """A 99.9 % objective of 30 days whose windows all burn at `times`."""
    one = reading(lambda window_s: (0.001 * times * window_s, window_s))
    return replace(one, budget_remaining=Value(left, 0.0))


BLIND = reading(lambda _: (None, None))


def test_the_burn_down_starts_whole_and_goes_below_nothing() -> None:
    hours = [(3600, 0.0, 1000.0), (7200, 1.0, 1000.0), (10800, 3.0, 2000.0)]
    assert burn_down(hours, 0.999) == pytest.approx([1.0, 0.75, 0.0], rel=EXACT)
    assert burn_down([*hours, (14400, 4.0, 0.0)], 0.999)[-1] == pytest.approx(-1.0, rel=EXACT)


def test_the_burn_down_ends_where_the_budget_remaining_of_the_period_is() -> None:
    hours = [(hour * HOUR_S, float(hour % 7), 5000.0 + hour) for hour in range(1, 721)]
    bad, total = sum(bad for _, bad, _ in hours), sum(total for _, _, total in hours)
    assert burn_down(hours, 0.999)[-1] == pytest.approx(1 - bad / total / 0.001, rel=EXACT)


@pytest.mark.parametrize("hours", [[], [(3600, 0.0, 0.0)]])
def test_without_events_there_is_no_burn_down(hours: list[tuple[int, float, float]]) -> None:
    assert burn_down(hours, 0.999) == []


def test_an_outage_of_everything_empties_a_whole_month_in_43_minutes() -> None:
    assert empty_at(burning(1000, left=1.0), "1h") == pytest.approx(43.2 * 60, rel=EXACT)


def test_each_window_has_its_own_time_to_empty() -> None:
    both = burning(10)
    one = replace(both, burn={**both.burn, "5m": Value(20.0, 0.0)})
    assert empty_at(one, "1h") == pytest.approx(1.5 * DAY_S, rel=EXACT)
    assert empty_at(one, "5m") == pytest.approx(0.75 * DAY_S, rel=EXACT)


@pytest.mark.parametrize("one", [burning(1), burning(0.2), BLIND])
def test_what_does_not_empty_or_is_unknown_has_no_time_to_empty(one: ObjectiveReading) -> None:
    assert empty_at(one, "1h") is None
    assert forecast_s(one) is None
    assert forecast(one, 10) == []


def test_an_empty_budget_is_empty_now_and_has_no_forecast() -> None:
    assert empty_at(burning(20, left=-0.3), "1h") == 0.0
    assert forecast(burning(20, left=-0.3), 10) == []


def test_a_window_that_is_not_there_has_no_time_to_empty() -> None:
    assert empty_at(burning(20), "90d") is None


def test_the_forecast_falls_evenly_and_is_empty_for_the_last_fifth() -> None:
    series = forecast(burning(10), 10)
    assert series == pytest.approx([0.4375, 0.375, 0.3125, 0.25, 0.1875, 0.125, 0.0625, 0, 0, 0], abs=EXACT)


def test_a_forecast_of_a_budget_nearly_gone_still_shows_an_hour() -> None:
    assert forecast_s(burning(1000, left=0.1)) == HOUR_S


@pytest.mark.parametrize(
    ("times", "window", "share"),
    [(14.4, "1h", 0.02), (6, "6h", 0.05), (3, "1d", 0.10), (1, "3d", 0.10), (1000, "1h", 1.3888888888888888)],
)
def test_the_shares_that_the_workbook_says_each_window_consumes(
    times: float, window: str, share: float
) -> None:
    found = consumed_of(burning(times), window)
    assert isinstance(found, Value)
    assert found.value == pytest.approx(share, rel=EXACT)


def test_what_the_period_consumed_and_what_remains_are_the_whole() -> None:
    one = reading(lambda window_s: (0.0004 * window_s, window_s))
    spent, left = consumed_of(one, "period"), one.budget_remaining
    assert isinstance(spent, Value)
    assert isinstance(left, Value)
    assert spent.value + left.value == pytest.approx(1.0, rel=EXACT)


def test_a_partial_window_consumed_partially_known() -> None:
    one = burning(2)
    blank = replace(one, counts={}, burn={**one.burn, "3d": Value(10.0, 5.0, "x", partial=True)})
    found = consumed_of(blank, "3d")
    assert found == Value(1.0, 5.0, "x", partial=True)


def test_an_unknown_window_consumed_nobody_knows_what() -> None:
    assert consumed_of(BLIND, "1h") == BLIND.burn["1h"]
    assert consumed_of(burning(2), "90d") == Unknown("no window 90d in this period", 0.0)


def test_a_region_sums_its_events_before_it_divides() -> None:
    quiet, busy = burning(1), burning(1)
    quiet = replace(quiet, region="west", counts={"5m": Counts(5.0, 10.0)})
    busy = replace(busy, name="busy", region="west", counts={"5m": Counts(0.0, 990.0)})
    west, east = by_region(Snapshot(0.0, "prod", "test", in_order((quiet, busy))), ("west", "east"))

    assert (west.events, west.bad, west.error_ratio) == (1000.0, 5.0, 0.005)
    assert (east.objectives, east.events, east.error_ratio) == (0, 0, None)


def test_a_region_counts_states_and_leaves_latency_probes_and_other_regions_out_of_its_events() -> None:
    paging = replace(burning(20), region="west", counts={"5m": Counts(2.0, 100.0), "1h": Counts(3.0, 1e3)})
    others = (
        replace(paging, name="slow", kind="latency"),
        replace(paging, name="seen", stratum="probe"),
        replace(paging, name="east", region="east"),
        replace(burning(4), name="ticket", region="west", counts={}),
        replace(BLIND, name="blind", region="west"),
        replace(paging, name="everywhere", region=None),
    )
    snapshot = Snapshot(0.0, "prod", "test", in_order((paging, *others)))
    (west,) = by_region(snapshot, ("west",))
    (hour,) = by_region(snapshot, ("west",), "1h")

    assert (west.paging, west.tickets, west.unknown, west.objectives) == (3, 1, 1, 5)
    assert (west.events, west.bad) == (100.0, 2.0)
    assert (hour.events, hour.bad) == (1000.0, 3.0)


def test_the_same_bad_events_cost_the_same_in_every_window() -> None:
    counts = {"5m": Counts(138, 252), "1h": Counts(138, 2241), "period": Counts(1000, 2_000_000)}
    one = replace(burning(2), counts=counts, target=0.999)

    spent = [consumed_of(one, window) for window in ("5m", "1h")]

    assert [round(known.value, 9) for known in spent if isinstance(known, Value)] == [0.069, 0.069]


def test_an_incident_costs_at_most_what_the_window_around_it_spent() -> None:
    counts = {"30m": Counts(60, 1000), "1h": Counts(90, 2000), "period": Counts(1000, 2_000_000)}
    one = replace(burning(2), counts=counts, target=0.999, since=10_000.0)

    early, later = incident_cost(one, 10_000.0 + 25 * 60), incident_cost(one, 10_000.0 + 31 * 60)
    assert early is not None
    assert later is not None
    assert (early[0], round(early[1], 9)) == ("30m", 0.03)
    assert (later[0], round(later[1], 9)) == ("1h", 0.045)
    assert incident_cost(replace(one, since=None), 10_000.0) is None
