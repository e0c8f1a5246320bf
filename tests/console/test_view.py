"""Values to text: numbers, sentences, plots."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.view import head, numbers, objective, overview
from console.view.columns import NARROW
from console.view.filter import matches
from console.view.legend import legend_lines
from console.view.plain import overview_lines
from console.view.plot import Axis, Charset, plot, resample
from console.view.world import RegionFacts, Tally
from keelwatch.workspace.reading import Unknown, Value
from slo.snapshot import State
from tests.console.worlds import FACTS, NOW, bad_evening, unknown, world


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (47, "47s"), (60, "1m"), (61, "1m01s"), (1500, "25m"), (6900, "1h55m"), (3599, "59m"),
        (86400, "1d00h"), (283000, "3d06h"), (-5, "0s"), (2592000, "30d00h"),
    ],
)  # fmt: skip
def test_lengths_have_two_units_at_most(seconds: float, text: str) -> None:
    assert numbers.length(seconds) == text


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        (Value(16.9, 0), "16.9x"),
        (Value(0.04, 0), "0.0x"),
        (Value(595.2, 0), "595x"),
        (Unknown("x", 0), "?"),
        (None, "--"),
    ],
)
def test_burn_rates_read_like_burn_rates(reading: Value | Unknown | None, text: str) -> None:
    assert numbers.burn(reading) == text


def test_a_budget_that_is_not_quite_gone_shows_a_mark() -> None:
    assert numbers.bar(0.001) == "#........."
    assert numbers.bar(-0.5) == ".........."
    assert numbers.bar(1.7) == "##########"


def test_a_missing_value_is_a_question_mark_in_a_sparkline() -> None:
    assert numbers.sparkline([0.0, None, 20.0, 40.0], top=20.0) == ".?@@"


def test_the_wide_verdict_names_worst_speed_end_start_and_trend() -> None:
    state, sentence = head.verdict_line(world(), 120)

    assert state is State.PAGE
    assert sentence == (
        "PAGE  1/10 paging, 1 rising. Worst: invoices-availability west 16.9x/1h, empty in 47m @5m, "
        "since 13:49, getting worse"
    )


@pytest.mark.parametrize("width", [80, 120])
def test_worst_speed_end_and_start_fit_on_the_screen(width: int) -> None:
    _, sentence = head.verdict_line(world(), width)

    for words in ("invoices-availability west 16.9x/1h", "empty in 47m @5m", "since 13:49"):
        assert words in sentence[: width - 2]


def test_who_acts_and_what_was_left_behind_come_before_what_changed() -> None:
    line = head.acting_line(
        replace(world(), running=("chaos billing-down",), left=("account sandbox/a", "edge")), head.UNCUT
    )

    assert line.startswith(
        "LEFT BEHIND: 2 undos, account sandbox/a and 1 more: keelwatch heal | RUNNING chaos billing-down | "
        "WHAT CHANGED"
    )


@pytest.mark.parametrize("width", range(60, 160))
def test_a_small_screen_drops_whole_phrases_of_the_head(width: int) -> None:
    for shown in (world(), world(trouble="http://10.0.0.1:9090 refused the connection")):
        lines = [
            (head.verdict_line(shown, width)[1], head.verdict_line(shown, head.UNCUT)[1], [", ", ". "]),
            (head.acting_line(shown, width), head.acting_line(shown, head.UNCUT), [" | "]),
            (overview.region_line(shown, width), overview.region_line(shown, 500), [" | ", ", "]),
        ]
        for line, whole, between in lines:
            assert len(line) < width
            assert line[-1] not in ",:|. "
            if width >= 119 and line != whole:
                assert any(whole[len(line) :].startswith(one) for one in between)


def test_while_journeys_are_watched_a_small_screen_still_says_where_the_fault_is() -> None:
    line = head.acting_line(replace(world(), running=("probe watch main",)), 80)

    assert line.endswith("| CHANGED  13:48 fault billing.errors 100% in west")


def test_what_cannot_be_dropped_shows_that_it_was_cut() -> None:
    assert numbers.fit("PAGE  1/10: invoices", [", empty in 3m"], 32) == "PAGE  1/10: invoices"
    assert numbers.fit("PAGE  1/10: invoices", [", empty in 3m"], 33) == "PAGE  1/10: invoices, empty in 3m"
    assert numbers.fit("PAGE  1/10: invoices", [", empty in 3m"], 12) == "PAGE  1/10:~"


def test_without_a_sample_there_is_no_age() -> None:
    nothing = replace(bad_evening(), fresh_s=None, source_error="refused", objectives=())

    line = head.world_line(replace(world(trouble="refused"), snapshot=nothing), 120)

    assert "no data" in line
    assert "0s old" not in line


def test_an_unknown_row_says_why() -> None:
    row = "".join(overview.cells(unknown("lookup-availability", "no such series"), 80, stale=False).values())

    assert "no such series" in row
    assert len(row) == len(overview.LAYOUT.header(80))


def test_unknown_is_never_called_ok() -> None:
    quiet = tuple(one for one in bad_evening().objectives if one.state is State.OK)
    snapshot = replace(bad_evening(), objectives=(*quiet, unknown("lookup-availability", "no such series")))

    state, sentence = head.verdict_line(replace(world(), snapshot=snapshot), 120)

    assert state is State.UNKNOWN
    assert "no such series" in sentence


def test_a_budget_that_is_gone_is_called_empty() -> None:
    gone = replace(bad_evening().objectives[0], budget_remaining=Value(-0.2, NOW), empty_in_s=0.0)

    assert "budget EMPTY" in objective.budget_line(gone, 120, NOW)
    assert overview.cells(gone, 120, stale=False)["empty"].strip() == "EMPTY"
    assert "-20.0%" in overview.cells(gone, 120, stale=False)["budget"]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_rows_are_as_wide_as_their_header(width: int) -> None:
    header = overview.LAYOUT.header(width)

    for one in bad_evening().objectives:
        assert len("".join(overview.cells(one, width, stale=False).values())) == len(header) <= width


@pytest.mark.parametrize(
    ("expression", "count"),
    [("", 10), ("lookup", 2), ("!lookup", 8), ("-s page", 1), ("-s unk", 1), ("WEST", 4), ("billing", 2)],
)
def test_a_filter_matches_names_regions_components_and_states(expression: str, count: int) -> None:
    assert sum(matches(one, expression) for one in bad_evening().objectives) == count


@pytest.mark.parametrize("charset", list(Charset))
def test_a_rising_line_rises_in_every_charset(charset: Charset) -> None:
    lines = plot([0.0, 0.5, 1.0], 3, 3, Axis(0.0, 1.0), charset)

    assert len(lines) == 3
    assert all(len(line) == 3 for line in lines)
    assert lines[0][2].strip()
    assert lines[2][0].strip() or charset is Charset.BLOCK


def test_a_gap_in_the_series_is_a_gap_in_the_plot() -> None:
    lines = plot([1.0, None, None, 1.0], 4, 2, Axis(0.0, 1.0), Charset.ASCII)

    assert [line[1:3] for line in lines] == ["  ", "  "]


@given(
    series=st.lists(st.none() | st.floats(-1e9, 1e9), max_size=300),
    width=st.integers(0, 60),
    height=st.integers(0, 12),
    charset=st.sampled_from(Charset),
)
def test_any_series_gives_a_full_rectangle(
    series: list[float | None], width: int, height: int, charset: Charset
) -> None:
    lines = plot(series, width, height, Axis(-10, 10), charset)

    assert len(lines) == (height if width and height else 0)
    assert all(len(line) == width for line in lines)


@given(st.lists(st.none() | st.floats(-1, 1), min_size=1, max_size=200), st.integers(1, 100))
def test_the_newest_known_value_shows_at_the_right(series: list[float | None], columns: int) -> None:
    if series[-1] is not None:
        assert resample(series, columns)[-1] == series[-1]


def test_the_app_and_the_view_agree_on_what_is_wide() -> None:
    from console.tui.app import WIDE

    assert WIDE == NARROW


def test_the_strip_of_regions_leaves_room_for_the_events() -> None:
    event = len("03:36 fault billing.errors 100% in west")

    assert overview.STRIP_WIDTH + 3 + event <= 120
    assert {len(line) for line in overview.region_lines(world())} == {overview.STRIP_WIDTH}


def test_no_health_of_a_region_is_cut() -> None:
    assert not any("~" in line for line in overview.region_lines(replace(world(), trouble="refused")))


def test_a_region_that_nobody_counts_shows_dashes() -> None:
    line = overview.region_line(replace(world(), facts={}), 120)

    assert "west up --, 1/4 PAGE, p95 --" in line


@pytest.mark.parametrize(
    ("value", "text"), [(0.0142, "14ms"), (0.31, "0.31s"), (1.92, "1.92s"), (12.44, "12.4s")]
)
def test_seconds_read_like_latencies(value: float, text: str) -> None:
    assert numbers.seconds(Value(value, NOW)) == text
    assert numbers.seconds(Unknown("x", NOW)) == "--"


def test_the_legend_names_the_burn_rate_at_which_each_mark_begins() -> None:
    levels = numbers.spark_levels(overview.SPARK_TOP)

    for mark, least in levels:
        assert numbers.sparkline([least + 0.01], overview.SPARK_TOP) == mark


def test_the_legend_fits_on_the_smallest_screen_and_gives_each_reason_once() -> None:
    gone = RegionFacts(Unknown("nobody counts the workers here, " * 4, NOW), Unknown("no histogram", NOW))

    lines = legend_lines(replace(world(), facts={"west": gone, "east": gone}))

    assert all(len(line) <= 66 for line in lines)
    assert sum("READY is -- here" in line for line in lines) == 1


def test_objectives_on_journeys_stand_in_a_group_of_their_own_and_say_so() -> None:
    found = bad_evening()
    probe = replace(found.objectives[0], name="probe-view-invoices", stratum="probe")
    both = replace(found, objectives=(probe, *found.objectives))

    lines = overview_lines(replace(world(), snapshot=both))

    at = next(row for row, line in enumerate(lines) if "PROBE  objectives on journeys: 1 PAGE" in line)
    assert "probe view-invoices west" in lines[at + 1]
    assert not any("probe view-invoices" in line for line in lines[4:at])
    stale = overview_lines(replace(world(), snapshot=both, trouble="refused"))
    assert any("PROBE  objectives on journeys: was 1 PAGE" in line for line in stale)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Tally(10, 0, 10), "10/10 passing"),
        (Tally(1, 9, 10), "9/10 failing"),
        (Tally(9, 0, 10), "1/10 unclear"),
        (Tally(1, 9, 10, stale=3), "was 9/10 fail"),
        (Tally(), "--"),
        (Unknown("no journey has run here yet", NOW), "--"),
    ],
)
def test_the_strip_says_how_the_journeys_of_a_region_went_last(seen: Tally | Unknown, told: str) -> None:
    facts = replace(FACTS["west"], probes=seen)

    assert overview.probes(facts) == told


def test_approximate_numbers_are_marked_and_the_mark_is_explained() -> None:
    first = bad_evening().objectives[0]

    assert overview.title(replace(first, approximate=True)) == f"{overview.title(first)} *"
    assert any(line.startswith("*") and "approximate" in line for line in legend_lines(world()))
