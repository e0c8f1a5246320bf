"""The screen of one objective: what stands where, how bad events split, what is left out of the plot."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.view.detail import Tab, View, detail, next_split, reasons
from console.view.plot import Charset
from console.view.world import Replay
from tests.console.screens import assert_golden, console, drive, screen_text, until
from tests.console.worlds import NOW, RecordedFeed, bad_evening, unknown, world

WORST = bad_evening().objectives[0]
PAST = RecordedFeed([]).burn_down(WORST.key)
CAUSES = RecordedFeed([]).causes(WORST.key)
SMALL = View(80, 24, Charset.ASCII)
WIDE = View(120, 36, Charset.ASCII)


def drawn(view: View) -> str:
    return "\n".join(detail(WORST, world(), PAST, CAUSES, view).lines)


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (80, 40), (100, 30), (120, 24), (120, 36), (200, 60)]
)
@pytest.mark.parametrize("tab", list(Tab))
def test_everything_fits_at_every_size(width: int, height: int, tab: Tab) -> None:
    lines = detail(WORST, world(), PAST, CAUSES, View(width, height, tab=tab)).lines

    assert len(lines) <= height - 5
    assert all(len(line) < width for line in lines)


def test_plot_and_reasons_are_two_tabs_on_a_small_screen() -> None:
    plot, told = drawn(SMALL), drawn(replace(SMALL, tab=Tab.REASONS))

    assert "[PLOT]  reasons" in plot
    assert "-30d" in plot
    assert "code=502" not in plot
    assert " plot  [REASONS]" in told
    assert "code=502" in told
    assert "-30d" not in told


def test_plot_reasons_and_counts_stand_together_on_a_wide_screen() -> None:
    for words in ("-30d", "code=502", "OF BUDGET", "2 475"):
        assert words in drawn(WIDE)


def test_the_cursor_is_a_mark_in_the_first_column_of_its_pair() -> None:
    lines = detail(WORST, world(), PAST, CAUSES, replace(SMALL, cursor=2))

    marked = [line for line in lines.lines if line.startswith(">")]
    assert marked == [lines.lines[lines.pairs_at + 2]]
    assert "1d & 2h" in marked[0]


def test_a_pair_left_out_loses_its_mark_and_its_projection_and_says_that_only_the_view_changed() -> None:
    text = drawn(replace(SMALL, left_out=("1h",)))

    assert "OVER excluded" in text
    assert "excluded: 1h (view only)" in text
    assert "^" not in text
    assert "to empty" not in text
    assert "PAGE, getting worse" in text


def test_bad_events_split_by_the_labels_they_have_and_by_no_other() -> None:
    seen: list[str | None] = [None]
    for _ in range(3):
        seen.append(next_split(CAUSES, seen[-1]))

    assert seen == [None, "region", "route", None]
    assert "route=invoices" in "\n".join(reasons(CAUSES, 44, "route"))
    assert "[route]" in reasons(CAUSES, 44, "route")[-1]


def test_before_the_answer_the_reasons_are_being_asked_for() -> None:
    assert reasons(None, 44, None) == ["Bad events, last 15m: asking ..."]


def test_an_objective_without_pairs_is_drawn_all_the_same() -> None:
    one = unknown("lookup-availability", "no such series")

    lines = detail(one, world(), (), None, SMALL).lines

    assert any("UNKNOWN: no such series" in line for line in lines)


def test_the_plot_of_a_replay_does_not_end_now() -> None:
    then = replace(world(now=NOW), replay=Replay(NOW + 600, None))

    text = "\n".join(detail(WORST, then, PAST, CAUSES, SMALL).lines)

    assert "now" not in text
    assert "14:14Z, then" in text
    assert "was: PAGE" in text


def test_tab_turns_s_splits_and_x_excludes_on_the_small_screen() -> None:
    async def work(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(pilot.app))
        await pilot.press("j", "x")
        await until(pilot, lambda: "excluded: 6h (view only)" in screen_text(pilot.app))
        await pilot.press("x", "tab")
        await until(pilot, lambda: "[REASONS]" in screen_text(pilot.app))
        assert "excluded" not in screen_text(pilot.app)
        await pilot.press("s", "s")
        await until(pilot, lambda: "by route" in screen_text(pilot.app))

    assert_golden("reasons-80x24", asyncio.run(drive(console(), (80, 24), work)))


def test_the_arrows_move_between_pairs_and_stop_at_the_ends() -> None:
    async def work(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(pilot.app))
        await pilot.press("up", "down", "down", "down", "down", "down")
        await until(pilot, lambda: ">  3d & 6h" in screen_text(pilot.app))

    asyncio.run(drive(console(), (120, 36), work))
