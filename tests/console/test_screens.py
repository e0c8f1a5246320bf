"""What the screens show, at both sizes, without colour."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.color_triplet import ColorTriplet
from textual.pilot import Pilot

from console import cache
from console.tui.app import Keelwatch
from console.tui.live_table import LiveTable
from console.view.world import Origin, RegionFacts, World
from keelwatch.workspace.find import built_in
from keelwatch.workspace.reading import Unknown
from slo.snapshot import State
from tests.console.screens import (
    SIZES,
    assert_golden,
    console,
    drive,
    marked_line,
    named,
    screen_text,
    until,
)
from tests.console.worlds import NOW, bad_evening, look, world


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_overview_says_what_is_worst_and_which_key_is_next(size: tuple[int, int]) -> None:
    assert_golden(f"overview-{named(size)}", asyncio.run(drive(console(), size)))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_an_objective_shows_its_pairs_and_how_its_budget_went(size: tuple[int, int]) -> None:
    async def open_it(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(pilot.app))

    assert_golden(f"objective-{named(size)}", asyncio.run(drive(console(), size, open_it)))


def test_an_objective_is_drawn_in_ascii_where_there_is_no_unicode() -> None:
    async def open_it(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(pilot.app))

    text = asyncio.run(drive(console(charset="ascii"), (80, 24), open_it))

    assert_golden("objective-ascii-80x24", text)
    assert text.isascii()


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_dead_source_leaves_the_last_data_in_the_past_tense(size: tuple[int, int]) -> None:
    dead = replace(bad_evening(), source_error="http://127.0.0.1:17090 refuses connections", at=NOW + 40)
    app = console(looks=[look(), look(dead)])

    async def wait_for_silence(pilot: Pilot[str]) -> None:
        app._ticker.hurry()
        await until(pilot, lambda: app.world.trouble is not None)

    text = asyncio.run(drive(app, size, wait_for_silence))

    assert_golden(f"dead-source-{named(size)}", text)
    assert not re.search(r"(?<!was) OK ", text)


def test_the_first_frame_shows_the_cached_world_with_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    async def first_frame() -> str:
        monkeypatch.setattr(
            "console.tui.ticker.Ticker.start", lambda _self: None
        )  # the first look never comes
        app = console(first=world(Origin.CACHED, now=NOW + 41))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "LEFT" in screen_text(app))
            return screen_text(app)

    text = asyncio.run(first_frame())

    assert "CACHED 42s ago" in text
    assert "was PAGE" in text


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_remembered_frame_names_its_age_the_worst_and_the_next_key(size: tuple[int, int]) -> None:
    cache.remember(built_in(), world())

    lines = cache.last_frame(None, None, NOW + 60, size)

    assert lines is not None
    assert len(lines) <= size[1]
    assert "CACHED 1m01s ago" in lines[0]
    assert "since 13:49" in lines[1]
    assert lines[-1].startswith(" NEXT  enter: open invoices-availability west")
    assert not any(re.search(r"(?<!was) (PAGE|TICKET|OK) ", line) for line in lines[5:-1])


def test_a_cache_that_cannot_be_read_is_no_cache(tmp_path: Path) -> None:
    cache.remember(built_in(), world())
    for file in (tmp_path / "state" / "cache").iterdir():
        file.write_text('{"version": 3, "status": {}}')

    assert cache.last_frame(None, None, NOW, (80, 24)) is None
    assert cache.last_world(None, None, NOW) is None


def test_before_any_snapshot_the_screen_says_loading_and_nothing_is_ok(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def first_frame() -> str:
        monkeypatch.setattr(
            "console.tui.ticker.Ticker.start", lambda _self: None
        )  # the first look never comes
        app = console(first=World("sandbox", ("west", "east"), Origin.LOADING, NOW))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "LEFT" in screen_text(app))
            return screen_text(app)

    text = asyncio.run(first_frame())

    assert "loading" in text
    assert "UNKNOWN  nothing is known: waiting" in text


def test_the_console_recovers_by_itself_when_the_source_is_back() -> None:
    dead = replace(bad_evening(), source_error="connection refused")
    app = console(looks=[look(), look(dead), look()])

    async def go_through_it(pilot: Pilot[str]) -> None:
        app._ticker.hurry()
        await until(pilot, lambda: app.world.trouble is not None)
        app._ticker.hurry()
        await until(pilot, lambda: app.world.trouble is None)

    text = asyncio.run(drive(app, (120, 36), go_through_it))

    assert "prometheus ok" in text
    assert "was" not in text.split("NEXT")[0].replace("WHAT", "")


def test_a_tick_patches_changed_rows_and_leaves_the_cursor_where_it_is() -> None:
    worse = bad_evening()
    objectives = tuple(
        replace(one, trend=one.trend)
        if one.state is not State.OK
        else replace(one, burn={**one.burn, "5m": one.burn["1h"]})
        for one in worse.objectives
    )
    app = console(looks=[look(), look(replace(worse, objectives=objectives))])
    filled: list[int] = []

    async def tick(pilot: Pilot[str]) -> None:
        await pilot.press("j", "j")
        table = app.screen.query_one(LiveTable)
        table.fill = lambda rows: filled.append(len(rows))  # type: ignore[method-assign]  # a tick must not fill
        at = table.cursor_row
        app._ticker.hurry()
        await until(
            pilot, lambda: app.world.snapshot is not None and app.world.snapshot.objectives == objectives
        )
        assert table.cursor_row == at == 2

    asyncio.run(drive(app, (120, 36), tick))

    assert filled == []


def test_the_filter_narrows_and_escape_clears_it() -> None:
    async def filter_it(pilot: Pilot[str]) -> None:
        await pilot.press("slash", *"lookup")
        await until(pilot, lambda: pilot.app.screen.query_one(LiveTable).row_count == 2)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: pilot.app.screen.query_one(LiveTable).row_count == 10)

    asyncio.run(drive(console(), (120, 36), filter_it))


def test_why_shows_the_numbers_behind_the_selected_objective() -> None:
    async def ask(pilot: Pilot[str]) -> None:
        await pilot.press("w")
        await until(pilot, lambda: "bad 60.84" in screen_text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: "bad 60.84" not in screen_text(pilot.app))

    asyncio.run(drive(console(), (80, 24), ask))


def test_help_lists_the_keys_that_work_and_the_palette_opens() -> None:
    async def look_around(pilot: Pilot[str]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: "keys that work here" in screen_text(pilot.app))
        await pilot.press("escape", "colon")
        await until(pilot, lambda: "keelwatch load list" in screen_text(pilot.app))
        assert "\N{RIGHT-POINTING MAGNIFYING GLASS}" not in screen_text(pilot.app)

    asyncio.run(drive(console(), (120, 36), look_around))


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
def test_every_theme_draws_the_same_text(theme: str) -> None:
    text = asyncio.run(drive(console(theme=theme), (120, 36)))

    assert_golden("overview-120x36", text)


def test_t_goes_through_the_themes_and_comes_back() -> None:
    seen: list[str] = []

    async def turn(pilot: Pilot[str]) -> None:
        for _ in range(3):
            await pilot.press("T")
            await pilot.pause()
            seen.append(pilot.app.theme)

    asyncio.run(drive(console(), (120, 36), turn))

    assert seen == ["textual-light", "ansi-dark", "textual-dark"]


def test_q_leaves_at_once() -> None:
    async def leave() -> int | None:
        app = console()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("q")
        return app.return_code

    assert asyncio.run(leave()) == 0


@pytest.mark.parametrize(("key", "answer"), [("s", "stop"), ("k", "keep"), ("enter", "keep")])
def test_leaving_the_demo_asks_about_the_sandbox(key: str, answer: str) -> None:
    from console.tui.leaving import LeaveScreen

    async def leave() -> str | None:
        app = console()
        app._may_leave = lambda: LeaveScreen("main")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.live)
            await pilot.press("q")
            await until(pilot, lambda: "What about the sandbox" in screen_text(app))
            await pilot.press(key)
            await until(pilot, lambda: app.return_value is not None)
        return app.return_value

    assert asyncio.run(leave()) == answer


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_cursor_is_a_mark_in_the_first_column_and_there_is_one(size: tuple[int, int]) -> None:
    async def move(pilot: Pilot[str]) -> None:
        await pilot.press("j", "j", "k")
        await pilot.pause()

    text = asyncio.run(drive(console(), size, move))

    (marked,) = [line for line in text.splitlines() if line.startswith(">")]
    assert "lookup-availability east" in marked
    assert "NEXT  g: go to invoices-availability west" in text


def test_the_mark_follows_its_row_when_the_order_changes() -> None:
    calm = replace(bad_evening(), objectives=tuple(reversed(bad_evening().objectives)))
    app = console(looks=[look(), look(calm)])

    async def reorder(pilot: Pilot[str]) -> None:
        await pilot.press("j", "j")
        await until(pilot, lambda: "login-latency west" in marked_line(app))
        app._ticker.hurry()
        await until(pilot, lambda: app.screen.query_one(LiveTable).order()[0] == "portal-latency@")
        await until(pilot, lambda: "login-latency west" in marked_line(app))

    asyncio.run(drive(app, (120, 36), reorder))


def test_a_cursor_that_nobody_moved_stays_on_what_is_most_urgent() -> None:
    calm = replace(bad_evening(), objectives=tuple(reversed(bad_evening().objectives)))
    app = console(looks=[look(calm), look()])

    async def reorder(pilot: Pilot[str]) -> None:
        await until(pilot, lambda: "portal-latency" in marked_line(app))
        app._ticker.hurry()
        await until(pilot, lambda: "invoices-availability west" in marked_line(app))

    asyncio.run(drive(app, (120, 36), reorder))


def page_colour(app: Keelwatch) -> ColorTriplet:
    """What stands behind the word PAGE in the table."""
    for strip in app.screen._compositor.render_strips()[4:]:
        for segment in strip:
            if "PAGE" in segment.text and segment.style and segment.style.bgcolor:
                assert not segment.style.reverse
                return segment.style.bgcolor.get_truecolor()
    raise AssertionError(screen_text(app))


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
def test_a_page_is_as_red_under_the_cursor_as_elsewhere(theme: str) -> None:
    seen: list[ColorTriplet] = []

    async def move_away(pilot: Pilot[str]) -> None:
        app = pilot.app
        assert isinstance(app, Keelwatch)
        await until(pilot, lambda: "> PAGE" in screen_text(app))
        seen.append(page_colour(app))
        await pilot.press("j")
        await until(pilot, lambda: "  PAGE" in screen_text(app))
        seen.append(page_colour(app))

    asyncio.run(drive(console(theme=theme), (120, 36), move_away))

    assert seen[0] == seen[1]
    assert seen[0].red > max(seen[0].green, seen[0].blue) + 80


def test_help_says_what_the_marks_mean_and_why_something_is_missing() -> None:
    nobody = {"west": RegionFacts(Unknown("nobody counts here", NOW), Unknown("no histogram", NOW))}
    app = console(looks=[replace(look(), facts=nobody)])

    async def ask(pilot: Pilot[str]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: "what the marks mean" in screen_text(pilot.app))
        await pilot.press(*"jjj")
        await until(pilot, lambda: "^ getting worse" in screen_text(pilot.app))
        await pilot.press(*"jjjjj")
        await until(pilot, lambda: "READY is -- here: nobody counts here" in screen_text(pilot.app))
        await until(pilot, lambda: "P95 is -- here: no histogram" in screen_text(pilot.app))

    text = asyncio.run(drive(app, (120, 36), ask))

    assert "@ 19x" in text


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_footer_names_every_key_of_the_screen_without_a_cut(size: tuple[int, int]) -> None:
    async def open_it(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(pilot.app))

    foot = asyncio.run(drive(console(), size, open_it)).splitlines()[-1]

    for words in (
        "esc back",
        "w why",
        "s split",
        "x exclude",
        "y copy",
        "! STOP",
        "[ ] time",
        "q quit",
        "? keys",
    ):
        assert words in foot
    assert ("tab turn" in foot) == (size[0] < 119)
