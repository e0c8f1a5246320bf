"""What is counted in every window, out of a real Prometheus with every trouble of the trap list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelwatch.workspace.reading import Value
from slo.engine import Engine
from slo.snapshot import State
from slo.windows import DAY_S, DIRECT_S, HOUR_S
from tests.slo.watched import CLOSE, WINDOW_S, Watched, events, number, read, reason
from tests.slo.world import END


def test_a_well_objective_counts_every_second_in_every_window(source: Watched) -> None:
    found = read(source, events("well"))
    assert found.state is State.OK
    assert number(found.budget_remaining) == 1.0
    totals = {window: counts.total for window, counts in found.counts.items()}
    for window, seconds in DIRECT_S.items():
        assert totals[window] == pytest.approx(seconds, rel=CLOSE)
    assert totals["1d"] == pytest.approx(DAY_S, rel=CLOSE)
    assert totals["3d"] == pytest.approx(3 * DAY_S, rel=CLOSE)
    assert totals["period"] == pytest.approx(30 * DAY_S, rel=CLOSE)
    assert not any(isinstance(burn, Value) and burn.partial for burn in found.burn.values())
    assert found.sample_age_s == 0.0


@pytest.mark.parametrize("offset_s", [0.0, 1.0, 14.999, 150.0, 299.5, 300.0, 1799.0, 3600.0])
def test_windows_are_as_long_as_they_say_wherever_the_tick_falls(source: Watched, offset_s: float) -> None:
    found = read(source, events("well"), END - offset_s)
    for window, seconds in (("1d", DAY_S), ("3d", 3 * DAY_S), ("period", 30 * DAY_S)):
        assert found.counts[window].total == pytest.approx(seconds, rel=CLOSE), window


def test_a_reset_of_the_counter_loses_nothing(source: Watched) -> None:
    found = read(source, events("reset"))
    assert found.counts["1h"].total == pytest.approx(3600, abs=16)
    assert found.counts["1d"].total == pytest.approx(DAY_S, abs=300)


def test_a_silence_is_no_traffic_and_the_month_goes_on(source: Watched) -> None:
    found = read(source, events("silent"))
    assert reason(found.burn["1h"]) == "no traffic"
    assert found.counts["2h"].total == pytest.approx(1800, abs=20)
    assert number(found.budget_remaining) == 1.0
    assert found.state is State.UNKNOWN
    assert found.unknown_reason == "no traffic"


@pytest.mark.parametrize(("job", "stale_after_s"), [("ended", 150.0), ("gone", 150.0), ("ended", 15.0)])
def test_what_has_stopped_reporting_is_not_well(source: Watched, job: str, stale_after_s: float) -> None:
    (found,) = Engine(source, [events(job)], stale_after_s=stale_after_s).tick(END).objectives
    assert found.state is State.UNKNOWN
    assert (found.unknown_reason or "").startswith("stale: ")
    for window in DIRECT_S:
        assert reason(found.burn[window]).startswith("stale: ")
    assert isinstance(found.burn["period"], Value)


def test_staleness_names_the_age_of_the_last_sample(source: Watched) -> None:
    assert reason(read(source, events("ended")).burn["5m"]) == "stale: last sample 3m 30s ago"


def test_journeys_have_a_minute_for_they_come_minutes_apart(source: Watched) -> None:
    real = events("ended")
    for objective, is_stale in ((real, True), (replace(real, stratum="probe"), False)):
        (found,) = Engine(source, [objective], stale_after_s=15.0).tick(END - 210 + 30).objectives
        assert (found.unknown_reason is not None) is is_stale


def test_a_slow_scrape_is_not_stale_when_told_so(source: Watched) -> None:
    (found,) = Engine(source, [events("ended")], stale_after_s=240).tick(END).objectives
    assert found.state is State.OK


def test_a_history_shorter_than_the_window_mark_of(source: Watched) -> None:
    found = read(source, events("young"))
    partial = {window for window, burn in found.burn.items() if isinstance(burn, Value) and burn.partial}
    assert partial == {"3d", "period"}
    assert found.counts["period"].total == pytest.approx(2 * DAY_S, rel=1e-2)
    assert isinstance(found.budget_remaining, Value)
    assert found.budget_remaining.partial


def test_a_hole_in_the_history_mark_of_and_not_filled(source: Watched) -> None:
    found = read(source, events("holed"))
    period = found.burn["period"]
    assert isinstance(period, Value)
    assert period.partial
    assert found.counts["period"].total == pytest.approx(29.5 * DAY_S, rel=1e-2)


def test_not_a_number_for_an_hour_does_not_poison_the_month(source: Watched) -> None:
    found = read(source, events("poisoned"))
    assert found.state is State.OK
    assert found.counts["period"].total == pytest.approx(30 * DAY_S, rel=5e-3)


def test_a_last_sample_that_is_no_number_costs_its_minutes_and_no_longer_window(source: Watched) -> None:
    engine = Engine(source, [events("sour")])
    (found,) = engine.tick(END).objectives
    assert reason(found.burn["5m"]) == "the source answered with NaN, which is no count"
    for window in ("1h", "2h", "6h", "1d"):
        assert found.counts[window].total == pytest.approx(WINDOW_S[window] - 300, abs=1), window
    assert isinstance(found.burn["1h"], Value)
    assert found.burn["1h"].partial
    assert found.state is State.OK
    explained = engine.why("sour", None)
    assert explained is not None
    assert "NaN, which is no count; what is counted comes from the closed buckets" in explained.windows[2].how


def test_a_scrape_per_minute_counts_the_same(source: Watched) -> None:
    found = read(source, events("minutely"), END - 7.0)
    assert number(found.burn["1h"]) == pytest.approx(10, rel=2e-2)
    assert found.counts["1d"].total == pytest.approx(DAY_S, rel=2e-2)
    assert found.counts["1d"].bad == pytest.approx(3 * HOUR_S * 0.01, rel=2e-2)


def test_an_unborn_error_counter_is_no_error(source: Watched) -> None:
    found = read(source, events("unborn"))
    assert found.state is State.OK
    assert found.counts["period"].bad == 0.0


def test_an_absent_total_is_unknown_and_says_so(source: Watched) -> None:
    found = read(source, events("nobody-exports-this"))
    assert found.state is State.UNKNOWN
    assert "no samples in the last" in (found.unknown_reason or "")


def test_a_week_long_period_needs_no_month_of_history(source: Watched) -> None:
    found = read(source, events("well", period_d=7.0))
    assert found.counts["period"].total == pytest.approx(7 * DAY_S, rel=CLOSE)
    assert [pair.factor for pair in found.pairs] == pytest.approx([13.44, 3.5, 1.4, 0.98])


def test_a_period_longer_than_the_retention_is_partial(source: Watched) -> None:
    found = read(source, events("well", period_d=90.0))
    period = found.burn["period"]
    assert isinstance(period, Value)
    assert period.partial
    assert found.counts["period"].total == pytest.approx(35 * DAY_S, rel=1e-2)


def test_a_trickle_is_a_ticket(source: Watched) -> None:
    found = read(source, events("trickle"))
    assert found.state is State.TICKET
    assert number(found.burn["3d"]) == pytest.approx(3.5, rel=1e-2)


@pytest.mark.parametrize("back_s", [0.0, 7.0, 299.0])
def test_hours_summed_from_buckets_agree_with_hours_asked(source: Watched, back_s: float) -> None:
    jobs = [events(job) for job in ("outage", "trickle", "reset", "minutely", "silent", "ended")]
    asked = Engine(source, jobs).tick(END - back_s)
    summed = Engine(source, jobs, direct_up_to_s=HOUR_S).tick(END - back_s)
    assert {one.name: one.state for one in asked.objectives} == {
        one.name: one.state for one in summed.objectives
    }
    by_name = {one.name: one for one in summed.objectives}
    for one in asked.objectives:
        for window in ("2h", "6h"):
            if window in one.counts:
                # Six hours ago samples stand 5 minutes apart: there the direct query loses part of one.
                close = pytest.approx(one.counts[window].total, rel=2e-2)
                assert by_name[one.name].counts[window].total == close, (one.name, window)
