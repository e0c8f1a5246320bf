"""Whole ticks against a real Prometheus: when it asks, what it keeps, and what it does without."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from keelwatch.adapters.prometheus import Prometheus, Vector
from slo.engine import Engine
from slo.snapshot import Snapshot, State
from slo.windows import DAY_S
from tests.slo.watched import CLOSE, Watched, events, within_a_second
from tests.slo.world import END


def test_a_component_that_runs_in_one_region_is_read_there_alone(source: Watched) -> None:
    engine = Engine(
        source,
        [events("outage", group_by="region")],
        regions=("west", "east"),
        component_regions={"portal": ("east",)},
    )
    assert [one.region for one in engine.tick(END).objectives] == ["east"]


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


def test_no_objectives_is_an_empty_snapshot(source: Watched) -> None:
    assert Engine(source, []).tick(END).objectives == ()
    assert source.instants == []
