"""Whole ticks against a real Prometheus that holds every trouble of the trap list."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keelwatch.adapters.prometheus import Matrix, Prometheus, PrometheusConfig, Vector
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.engine import Engine
from slo.objective import Objective, Ratio
from slo.promql import Counter, Expression, Query, Scale, read_query
from slo.snapshot import ObjectiveReading, Snapshot, State, Trend
from slo.windows import DAY_S, DIRECT_S, HOUR_S
from tests.adapters.prometheus_server import Running
from tests.slo.made import selector
from tests.slo.world import END, WEIRD

WINDOW_S = {"1h": 3600.0, "2h": 7200.0, "6h": 21600.0, "1d": 86400.0}
CLOSE = 1e-3  # the server extrapolates to the edges of a window


def events(job: str, group_by: str | None = None, period_d: float = 30.0) -> Objective:
    """Errors of a job of the made-up world."""
    part, total = (Counter(selector(metric, job=job)) for metric in ("bad_total", "all_total"))
    return _objective(job, Ratio(part, "bad", total), group_by=group_by, period_d=period_d)


def within_a_second(job: str) -> Objective:
    def bucket(bound: str) -> Counter:
        return Counter(selector("seconds_bucket", job=job, le=bound))

    return _objective(job, Ratio(bucket("1"), "good", bucket("+Inf")), target=0.99)


def queried(name: str, part: Query, total: Query) -> Objective:
    return _objective(name, Ratio(part, "bad", total))


def _objective(
    name: str, ratio: Ratio, *, target: float = 0.999, period_d: float = 30.0, group_by: str | None = None
) -> Objective:
    return Objective(name, name, "portal", target, period_d * DAY_S, ratio, "availability", group_by=group_by)


@dataclass(slots=True)
class Watched:
    """A source that remembers what it was asked."""

    inner: Prometheus
    instants: list[tuple[str, float]] = field(default_factory=list)
    ranges: list[tuple[int, int, int]] = field(default_factory=list)
    down: bool = False

    @property
    def shown(self) -> str:
        return self.inner.shown

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        self._check()
        self.instants.append((promql, at))
        return self.inner.query(promql, at, read_s)

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        self._check()
        self.ranges.append((start, end, step_s))
        return self.inner.query_range(promql, start, end, step_s, read_s)

    def _check(self) -> None:
        if self.down:
            raise SourceError("it is gone", "bring it back")


@pytest.fixture
def source(world: Running) -> Watched:
    return Watched(Prometheus(PrometheusConfig(world.url)))


def read(source: Watched, objective: Objective, at: float = END) -> ObjectiveReading:
    (reading,) = Engine(source, [objective]).tick(at).objectives
    return reading


def number(reading: Reading) -> float:
    assert isinstance(reading, Value), reading
    return reading.value


def reason(reading: Reading) -> str:
    assert isinstance(reading, Unknown), reading
    return reading.reason


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


def test_an_outage_in_one_region_pages_there_alone(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west", "east", "north"))
    west, north, east = engine.tick(END).objectives
    assert [(one.region, one.state) for one in (west, north, east)] == [
        ("west", State.PAGE),
        ("north", State.UNKNOWN),
        ("east", State.OK),
    ]
    assert number(west.burn["5m"]) == pytest.approx(50, rel=1e-2)
    assert number(west.burn["1h"]) == pytest.approx(25, rel=1e-2)
    assert west.trend is Trend.INCREASING
    # 5 % errors fill 1.44 % of an hour after 1,037 s; the next boundary is 1,200 s after the onset.
    assert west.since == END - 1800 + 1200
    assert west.pairs[0].since == west.since
    assert not any(pair.since for pair in west.pairs if pair.outcome != "critical")
    assert west.empty_in_s == pytest.approx(
        number(west.budget_remaining) * 30 * DAY_S / number(west.burn["1h"]), rel=1e-9
    )
    assert "no samples" in (north.unknown_reason or "")


def test_trouble_found_before_its_bucket_closed_is_not_dated_before_it(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    # Over since 1,037 s after the onset, looked at 63 s later: 5 % of 5 minutes is what the errors need.
    (west,) = engine.tick(END - 1800 + 1100.0).objectives
    assert west.state is State.PAGE
    assert west.since == pytest.approx(END - 1800 + 1100 - 15, abs=2)


def test_a_component_that_runs_in_one_region_is_read_there_alone(source: Watched) -> None:
    engine = Engine(
        source,
        [events("outage", group_by="region")],
        regions=("west", "east"),
        component_regions={"portal": ("east",)},
    )
    assert [one.region for one in engine.tick(END).objectives] == ["east"]


def test_a_trickle_is_a_ticket(source: Watched) -> None:
    found = read(source, events("trickle"))
    assert found.state is State.TICKET
    assert number(found.burn["3d"]) == pytest.approx(3.5, rel=1e-2)


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


def test_quotes_backslashes_and_bars_in_a_label_are_that_label(source: Watched) -> None:
    alone = read(source, events(WEIRD))
    assert alone.state is State.OK
    beside = Engine(source, [events(WEIRD), events("well")]).tick(END).objectives
    assert [one.state for one in beside] == [State.OK, State.OK]
    assert [one.counts["5m"].total for one in beside] == pytest.approx([300, 300], rel=CLOSE)


@pytest.mark.parametrize("job", ["go", "python", "both"])
def test_a_bucket_bound_is_a_number_however_it_is_spelled(source: Watched, job: str) -> None:
    found = read(source, within_a_second(job))
    assert number(found.burn["1h"]) == pytest.approx(0.1, rel=1e-2)
    assert number(found.burn["period"]) == pytest.approx(0.1, rel=1e-2)


def test_spellings_are_told_apart_from_other_jobs_when_asked_together(source: Watched) -> None:
    found = Engine(source, [within_a_second(job) for job in ("go", "python", "both")]).tick(END)
    assert [number(one.burn["5m"]) for one in found.objectives] == pytest.approx([0.1] * 3, rel=1e-2)


def test_a_bound_that_nobody_exports_is_unknown_and_names_those_there_are(source: Watched) -> None:
    found = read(source, within_a_second("coarse"))
    assert found.state is State.UNKNOWN
    assert found.unknown_reason == "no bucket le=1; there are 0.5, +Inf"


def test_a_query_with_a_window_counts_like_a_selector(source: Watched) -> None:
    def rate(metric: str) -> Query:
        return read_query(f'sum(rate({metric}{{job="trickle"}}[$window]))', "not a counter")

    ours, theirs = (
        read(source, events("trickle")),
        read(source, queried("x", rate("bad_total"), rate("all_total"))),
    )
    for window, burn in ours.burn.items():
        assert number(theirs.burn[window]) == pytest.approx(number(burn), rel=1e-6), window
        assert theirs.counts[window].total == pytest.approx(ours.counts[window].total, rel=1e-6)


def test_a_query_per_region_is_picked_by_its_label(source: Watched) -> None:
    def by_region(metric: str) -> Query:
        text = f'sum by (region) (increase({metric}{{job="outage"}}[$window]))'
        return read_query(text, "not a counter", "region")

    one = queried("x", by_region("bad_total"), by_region("all_total"))
    grouped = Objective("x", "x", "portal", 0.999, one.period_s, one.ratio, "availability", group_by="region")
    west, east = Engine(source, [grouped], regions=("west", "east")).tick(END).objectives
    assert (west.region, west.state, east.region, east.state) == ("west", State.PAGE, "east", State.OK)


def test_a_fixed_range_is_integrated_and_marked_approximate(source: Watched) -> None:
    def fixed(metric: str) -> Query:
        return read_query(f'sum(rate({metric}{{job="trickle"}}[5m]))', "not a counter")

    objective = queried("x", fixed("bad_total"), fixed("all_total"))
    assert objective.ratio.approximate
    found = read(source, objective)
    assert number(found.burn["1h"]) == pytest.approx(3.5, rel=2e-2)
    assert number(found.burn["3d"]) == pytest.approx(3.5, rel=2e-2)
    assert found.counts["1h"].total == pytest.approx(3600, rel=0.1)


def test_one_broken_query_leaves_its_neighbours_alone(source: Watched) -> None:
    text = 'label_replace(increase(all_total{job="well"}[$window]),"a","b","job","(")'
    broken = Expression(text, Scale.EVENTS, None)
    objectives = [queried("broken", broken, broken), *(events(job) for job in ("well", "trickle"))]
    found = {one.name: one for one in Engine(source, objectives).tick(END).objectives}
    assert found["well"].state is State.OK
    assert found["trickle"].state is State.TICKET
    assert found["broken"].state is State.UNKNOWN
    assert "refused a query" in (found["broken"].unknown_reason or "")


def test_every_question_of_a_tick_is_asked_for_the_same_moment(source: Watched) -> None:
    Engine(source, [events("well"), within_a_second("go")]).tick(END - 12.345)
    assert {at for _, at in source.instants} == {END - 12.345}


def test_rolling_on_gives_what_a_fresh_start_gives(source: Watched) -> None:
    jobs = [events(job) for job in ("outage", "trickle", "reset", "young", "minutely")]
    rolling = Engine(source, jobs)
    for back_s in (8000, 7300, 3500, 3490, 1300, 700, 299, 0):
        snapshot = rolling.tick(END - float(back_s))
    fresh = Engine(source, jobs).tick(END)
    assert _counts(snapshot) == _counts(fresh)


def _counts(snapshot: Snapshot) -> dict[tuple[str, str], object]:
    return {
        (one.name, window): (round(counts.bad, 6), round(counts.total, 6))
        for one in snapshot.objectives
        for window, counts in one.counts.items()
    }


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


def test_a_restart_asks_only_for_the_gap(source: Watched, tmp_path: Path) -> None:
    store = tmp_path / "buckets.sqlite"
    first = Engine(source, [events("well")], store_path=store)
    before = first.tick(END - 1000.0)
    first.close()
    source.ranges.clear()
    second = Engine(source, [events("well")], store_path=store)
    after = second.tick(END)
    assert {step for _, _, step in source.ranges} <= {300, 3600}
    assert all((end - start) / step <= 6 for start, end, step in source.ranges)
    assert after.objectives[0].counts["period"].total == pytest.approx(30 * DAY_S, rel=CLOSE)
    assert before.objectives[0].counts["period"].total == pytest.approx(30 * DAY_S, rel=CLOSE)


def test_a_damaged_store_costs_a_warning_and_no_reading(source: Watched, tmp_path: Path) -> None:
    store = tmp_path / "buckets.sqlite"
    store.write_bytes(b"this is no database, " * 1000)
    snapshot = Engine(source, [events("well")], store_path=store).tick(END)
    assert snapshot.objectives[0].state is State.OK
    assert any("history is not kept" in warning for warning in snapshot.warnings)


def test_a_dead_source_makes_all_unknown_names_the_reason_and_recovers(source: Watched) -> None:
    engine = Engine(source, [events("well"), events("trickle")])
    assert engine.tick(END - 60).source_error is None
    source.down = True
    dead = engine.tick(END - 30)
    assert dead.source_error == "it is gone; bring it back"
    assert [one.state for one in dead.objectives] == [State.UNKNOWN, State.UNKNOWN]
    assert dead.objectives[0].unknown_reason == "it is gone"
    source.down = False
    assert engine.tick(END).source_error is None


def test_the_beginning_of_a_state_is_remembered_and_ends_with_it(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    (calm,) = engine.tick(END - 1800.0).objectives
    assert (calm.state, calm.since) == (State.OK, None)
    (burning,) = engine.tick(END - 300.0).objectives
    assert (burning.state, burning.since) == (State.PAGE, END - 300.0)
    (later,) = engine.tick(END - 100.0).objectives
    assert (later.state, later.since) == (State.PAGE, END - 300.0)
    source.down = True
    (blind,) = engine.tick(END).objectives
    assert (blind.state, blind.since) == (State.UNKNOWN, END)


def test_a_clock_that_is_off_is_a_warning(source: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Prometheus.query

    def ahead(self: Prometheus, promql: str, at: float, read_s: float | None = None) -> Vector:
        return replace(ask(self, promql, at, read_s), ahead_s=-42.0)

    monkeypatch.setattr(Prometheus, "query", ahead)
    (warning,) = Engine(source, [events("well")]).tick(END).warnings
    assert warning == f"the clock of {source.shown} is 42 s behind ours"


def test_the_server_counts_the_period_itself_and_the_drift_is_kept(source: Watched) -> None:
    engine = Engine(source, [events("trickle")])
    engine.tick(END - 10.0)
    engine.tick(END - 5.0)
    engine._check.wait(30)
    engine.tick(END)
    found = engine.why("trickle", None)
    assert found is not None
    assert found.drift_error is None
    assert found.drift_total is not None
    assert found.drift_bad is not None
    assert abs(found.drift_total.ratio) < 1e-3
    assert abs(found.drift_bad.ratio) < 1e-2


def test_why_shows_counts_queries_and_times(source: Watched) -> None:
    engine = Engine(source, [events("trickle")])
    assert engine.why("trickle", None) is None
    engine.tick(END)
    found = engine.why("trickle", None)
    assert found is not None
    assert engine.why("another", None) is None
    hour = next(one for one in found.windows if one.window == "1h")
    assert hour.part.alone == 'sum (increase(bad_total{job="trickle"}[1h]))'
    assert any(hour.part.sent in text for text, _ in source.instants)
    assert hour.bad == pytest.approx(12.6, rel=1e-2)
    assert hour.total == pytest.approx(3600, rel=CLOSE)
    (sample,) = source.inner.query(hour.total_asked.alone, found.at).samples
    assert sample.value == hour.total
    assert found.sample_age_s == 0.0


def test_the_hours_of_the_period_add_up_for_the_plot(source: Watched) -> None:
    engine = Engine(source, [events("trickle")])
    engine.tick(END)
    hours = engine.hourly("trickle", None, END)
    assert len(hours) == 719  # the newest hour is still open
    assert sum(bad for _, bad, _ in hours) == pytest.approx(5 * DAY_S * 0.0035, rel=1e-2)
    assert [at for at, _, _ in hours] == sorted(at for at, _, _ in hours)
    assert engine.hourly("another", None, END) == []


def test_ticks_from_several_threads_take_turns(source: Watched) -> None:
    engine = Engine(source, [events("well")])
    found: list[Snapshot] = []
    threads = [
        threading.Thread(target=lambda back=back: found.append(engine.tick(END - back)))
        for back in (30.0, 20.0, 10.0)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {snapshot.objectives[0].state for snapshot in found} == {State.OK}


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


def test_no_objectives_is_an_empty_snapshot(source: Watched) -> None:
    assert Engine(source, []).tick(END).objectives == ()
    assert source.instants == []
