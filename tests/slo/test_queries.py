"""Every kind of query that an objective may hold, asked of a real Prometheus."""

from __future__ import annotations

import pytest

from slo.engine import Engine
from slo.objective import Objective
from slo.promql import Expression, Query, Scale, read_query
from slo.snapshot import State
from tests.slo.watched import CLOSE, Watched, events, number, queried, read, within_a_second
from tests.slo.world import END, WEIRD


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
    assert found.approximate
    assert not read(source, events("trickle")).approximate
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
