"""Since when something burns, as the first look at a real Prometheus dates it."""

from __future__ import annotations

import pytest

from keelwatch.adapters.prometheus import Matrix, Vector
from keelwatch.workspace.errors import SourceError
from slo.engine import Engine
from slo.history import Rings
from slo.objective import track
from slo.open_end import MOST_QUERIES, ask_open_end
from slo.snapshot import ObjectiveReading, State, Trend
from slo.windows import DAY_S, HOUR_S
from tests.slo.watched import Watched, events, number, read
from tests.slo.world import END

SCRAPE_S = 15
OVER = END - 1800 + 1037.0
"""When the outage in the west has filled 1.44 % of an hour, at 5 % errors."""


class Silent:
    """Knows nothing, and counts how often it is asked."""

    shown = "http://silent"

    def __init__(self) -> None:
        self.asked = 0

    def query(self, promql: str, at: float, read_s: float | None = None) -> Vector:
        self.asked += 1
        return Vector(())

    def query_range(
        self, promql: str, start: int, end: int, step_s: int, read_s: float | None = None
    ) -> Matrix:
        raise AssertionError(promql)


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
    # 5 % errors fill 1.44 % of an hour after 1,037 s; the bucket that shows it ends 1,200 s after the onset.
    assert west.since is not None
    assert OVER - 30 - SCRAPE_S <= west.since <= OVER
    assert west.pairs[0].since == west.since
    assert not any(pair.since for pair in west.pairs if pair.outcome != "critical")
    assert west.empty_in_s == pytest.approx(
        number(west.budget_remaining) * 30 * DAY_S / number(west.burn["1h"]), rel=1e-9
    )
    assert "no samples" in (north.unknown_reason or "")


def test_trouble_found_before_its_bucket_closed_is_dated_to_half_a_minute(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    # Over since 1,037 s after the onset, looked at 63 s later.
    (west,) = engine.tick(END - 1800 + 1100.0).objectives
    assert west.state is State.PAGE
    assert west.since is not None
    assert OVER - 30 - SCRAPE_S <= west.since <= OVER


@pytest.mark.parametrize("late_s", [10.0, 200.0, 290.0, 700.0, 763.0])
def test_who_watched_from_the_beginning_and_who_comes_later_tell_the_same_minute(
    source: Watched, late_s: float
) -> None:
    def console() -> Engine:
        return Engine(source, [events("outage", group_by="region")], regions=("west",))

    first = console()
    first.tick(END - 1800.0)
    for ago_s in range(1000, 1100, 5):
        (seen,) = first.tick(END - 1800.0 + ago_s).objectives
    (found,) = console().tick(min(END, OVER + late_s)).objectives
    assert seen.since is not None
    assert found.since is not None
    assert 0 <= seen.since - found.since < 60


def test_trouble_in_traffic_that_has_just_begun_is_not_dated_before_it(source: Watched) -> None:
    found = read(source, events("rush"))
    assert found.state is State.PAGE
    assert found.since is not None
    # All fail in the last 65 s. They are more than half of the last 5 minutes, which is far from 65 s ago.
    assert END - 65 <= found.since <= END - 30


def test_only_trouble_is_asked_about_and_only_once(source: Watched) -> None:
    def asked_at_first_look(*jobs: str) -> int:
        source.instants.clear()
        engine = Engine(source, [events(job) for job in jobs])
        engine.tick(END)
        first = len(source.instants)
        source.instants.clear()
        engine.tick(END)
        return first - len(source.instants)

    assert asked_at_first_look("well") == 0
    assert 1 <= asked_at_first_look("well", "rush") <= 2
    assert 1 <= asked_at_first_look("well", "trickle", "rush") <= 6


def test_a_source_that_ends_before_it_is_asked_for_the_date_has_it_begin_now(
    source: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SourceError("it is gone")

    monkeypatch.setattr("slo.beginnings.ask_open_end", refuse)
    found = read(source, events("rush"))
    assert (found.state, found.since) == (State.PAGE, END)


@pytest.mark.parametrize(("count", "most"), [(1, 2), (100, MOST_QUERIES), (1000, 3 * MOST_QUERIES)])
def test_however_much_burns_the_date_costs_a_handful_of_queries(count: int, most: int) -> None:
    source = Silent()
    names = [f"journey-{number:04d}-availability" for number in range(count)]
    tracked = [one for name in names for one in track(events(name), ())]
    ask_open_end(source, Rings(30.0 * DAY_S), tracked, END + 299.0)
    assert 1 <= source.asked <= most


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


def _blind(engine: Engine, source: Watched, at: float) -> ObjectiveReading:
    source.down = True
    (reading,) = engine.tick(at).objectives
    source.down = False
    return reading


def test_a_silence_of_the_source_does_not_end_what_burns_before_and_after_it(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    engine.tick(END - 1800.0)
    (before,) = engine.tick(END - 427.0).objectives
    assert (before.state, before.since) == (State.PAGE, END - 427.0)
    blind = _blind(engine, source, END - 420.0)
    assert (blind.state, blind.since) == (State.UNKNOWN, END - 420.0)
    (after,) = engine.tick(END - 413.0).objectives
    assert (after.state, after.since) == (State.PAGE, END - 427.0)
    assert [pair.since for pair in after.pairs] == [pair.since for pair in before.pairs]
    assert after.pairs[0].since == END - 427.0


def test_an_incident_seen_between_two_boundaries_outlasts_a_silence_with_a_boundary_in_it(
    source: Watched,
) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    # The bucket that ends at END - 900 does not show it yet; those that ended before we saw it do not count.
    began = END - 1800 + 1060.0
    engine.tick(END - 1800.0)
    engine.tick(began)
    _blind(engine, source, began + 10)
    (after,) = engine.tick(END).objectives
    assert (after.state, after.since, after.pairs[0].since) == (State.PAGE, began, began)


def test_what_begins_while_the_source_is_silent_is_dated_as_at_a_first_look(source: Watched) -> None:
    engine = Engine(source, [events("outage", group_by="region")], regions=("west",))
    engine.tick(END - 1800.0)
    _blind(engine, source, END - 1700.0)
    (after,) = engine.tick(END).objectives
    assert after.state is State.PAGE
    assert after.since == after.pairs[0].since
    assert OVER - 30 - SCRAPE_S <= (after.since or 0) <= OVER


def test_what_stopped_and_began_again_while_the_source_was_silent_began_again(source: Watched) -> None:
    engine = Engine(source, [events("relapse")])
    (first,) = engine.tick(END - 3 * HOUR_S + 1000.0).objectives
    assert first.state is State.PAGE
    _blind(engine, source, END - 2 * HOUR_S)
    (after,) = engine.tick(float(END)).objectives
    assert after.state is State.PAGE
    # All fail in the last 20 minutes: over 1.44 % of an hour after 52 s; the pair of 6 hours, which still has
    # what failed before, after 11 s.
    assert END - 1200 <= (after.pairs[0].since or 0) <= END - 1200 + 52
    assert END - 1200 <= (after.since or 0) <= END - 1200 + 11


def test_a_recovery_seen_after_a_silence_forgets_the_incident(source: Watched) -> None:
    engine = Engine(source, [events("relapse")])
    engine.tick(END - 3 * HOUR_S + 1000.0)
    _blind(engine, source, END - 2 * HOUR_S)
    (calm,) = engine.tick(END - 1300.0).objectives
    assert calm.pairs[0].outcome == "clear"
    (again,) = engine.tick(float(END)).objectives
    assert (again.pairs[0].outcome, again.pairs[0].since) == ("critical", END)
