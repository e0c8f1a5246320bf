"""The cursor of the Overview while customers are well and journeys have not said anything yet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.feed import Look
from console.tui.app import Keelwatch
from console.tui.live_table import LiveTable
from console.tui.objective import ObjectiveScreen
from console.tui.overview import GROUP_ROW
from console.view.overview import unfolded
from slo.snapshot import ObjectiveReading, State
from tests.console.screens import SIZES, console, drive, marked_line, named, screen_text, until
from tests.console.worlds import bad_evening, look, unknown, world

CUSTOMERS, PROBES = 22, 26
WELL = next(one for one in bad_evening().objectives if one.name == "login-availability")
customers = [replace(WELL, name=f"real-{n:02}", region="west") for n in range(CUSTOMERS)]
well = [replace(WELL, name=f"probe-{n:02}", region="west", stratum="probe") for n in range(PROBES)]
silent = [
    replace(unknown(one.name, "no such series", region="west"), stratum="probe", since=None) for one in well
]


def look_of(*objectives: ObjectiveReading) -> Look:
    return look(replace(bad_evening(), objectives=objectives))


def first_minute() -> Keelwatch:
    """26 unknown probes come first in the order of urgency; then all is well."""
    looks = [look_of(*silent, *customers), look_of(*customers, *well)]
    return console(first=replace(world(), snapshot=None), looks=looks)


def table(app: Keelwatch) -> LiveTable:
    return app.screen.query_one(LiveTable)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_cursor_is_usable_from_the_first_minute_on(size: tuple[int, int]) -> None:
    app = first_minute()

    async def live_through_it(pilot: Pilot[str]) -> None:
        await until(pilot, lambda: "real-00 west" in marked_line(app))
        assert "NEXT  g: go to probe 00 west   enter: open what is at >" in screen_text(app)
        app._ticker.hurry()
        await until(pilot, lambda: "NEXT  nothing burns; enter: look closer" in screen_text(app))
        assert "real-00 west" in marked_line(app)
        await pilot.press("j")
        await until(pilot, lambda: "real-01 west" in marked_line(app))
        await pilot.press("w")
        await until(pilot, lambda: "real-01 west" in screen_text(app) and "bad 60.84" in screen_text(app))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, ObjectiveScreen))
        assert app.screen.key == ("real-01", "west")  # type: ignore[attr-defined]  # asserted to be one

    asyncio.run(drive(app, size, live_through_it))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_many_unknown_probes_leave_customers_in_sight(size: tuple[int, int]) -> None:
    lines = asyncio.run(drive(first_minute(), size)).splitlines()

    seen = [row for row, line in enumerate(lines) if "real-" in line]
    group = next(row for row, line in enumerate(lines) if "PROBE  objectives on journeys: 26 UNKNOWN" in line)
    assert len(seen) >= 5
    assert max(seen) < group
    assert any("probe 00 west" in line for line in lines[group:])


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_no_key_puts_the_cursor_on_the_line_between_customers_and_journeys(size: tuple[int, int]) -> None:
    app = first_minute()

    async def walk(pilot: Pilot[str]) -> None:
        await until(pilot, lambda: table(app).row_count > PROBES)
        order = table(app).order()
        between = order.index(GROUP_ROW)
        for _ in range(between):
            await pilot.press("j")
        assert table(app).cursor_row == between + 1
        await pilot.press("k")
        assert table(app).cursor_row == between - 1
        await pilot.press("G")
        assert table(app).cursor_row == len(order) - 1
        for key in ("home", "ctrl+home", "pagedown", "pageup", "pageup", "pagedown", "ctrl+end"):
            await pilot.press(key)
            assert table(app).at_cursor() is not None
        table(app).move_cursor(row=between)
        assert table(app).cursor_row in {between - 1, between + 1}

    asyncio.run(drive(app, size, walk))


def test_g_goes_to_the_worst_and_then_to_the_top() -> None:
    app = first_minute()

    async def go(pilot: Pilot[str]) -> None:
        await pilot.press("g")
        await until(pilot, lambda: "probe 00 west" in marked_line(app))
        assert "NEXT  w: why it is unknown" in screen_text(app)
        await pilot.press("g")
        await until(pilot, lambda: "real-00 west" in marked_line(app))

    asyncio.run(drive(app, (120, 36), go))


def test_a_filter_that_matches_nothing_selects_nothing_and_says_how_to_leave_it() -> None:
    app = console()

    async def filter_it(pilot: Pilot[str]) -> None:
        await pilot.press("slash", *"nosuch", "enter")
        await until(pilot, lambda: "NEXT  esc: all objectives; none is selected" in screen_text(app))
        await pilot.press("enter", "w", "escape")
        await until(pilot, lambda: "invoices-availability west" in marked_line(app))

    asyncio.run(drive(app, (80, 24), filter_it))


def test_folding_puts_away_only_what_is_well_and_what_suffers_comes_before_a_share() -> None:
    paging = [replace(one, state=State.PAGE) for one in customers[:12]]

    kept = unfolded([*paging, *silent, *customers[12:]], 20)

    assert kept == [*paging, *silent]
    assert sum(one.state is State.OK for one in unfolded([*silent, *customers], 20)) == 10
    assert unfolded([*customers, *well], 100) == [*customers, *well]
