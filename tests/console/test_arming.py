"""`A`: a console may act for a while, and is harmless again by itself. What it cannot write ends nothing."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from textual.notifications import Notification
from textual.pilot import Pilot

from console.tui.app import Keelwatch
from keelwatch.workspace.clock import FixedClock
from tests.console.screens import console, drive, screen_text, until


def first_line(pilot: Pilot[str]) -> str:
    return screen_text(pilot.app).splitlines()[0]


def notices(pilot: Pilot[str]) -> list[Notification]:
    return list(pilot.app._notifications)


def test_a_arms_for_fifteen_minutes_and_again_disarms() -> None:
    async def go(pilot: Pilot[str]) -> None:
        assert "READ-ONLY" in first_line(pilot)
        await pilot.press("A")
        await until(pilot, lambda: "ARMED 15m left" in first_line(pilot))
        await pilot.press("A")
        await until(pilot, lambda: "READ-ONLY" in first_line(pilot))

    asyncio.run(drive(console(), (80, 24), go))


def test_arming_ends_by_itself_and_outlives_a_tick() -> None:
    async def go(pilot: Pilot[str]) -> None:
        app = cast("Keelwatch", pilot.app)
        clock = cast("FixedClock", app.clock)
        await pilot.press("A")
        app.action_refresh()
        clock.advance(600)
        await until(pilot, lambda: "ARMED 5m" in first_line(pilot))
        clock.advance(301)
        await until(pilot, lambda: "READ-ONLY" in first_line(pilot))

    asyncio.run(drive(console(), (80, 24), go))


@pytest.mark.parametrize(("key", "told"), [("e", "not exported"), ("y", "not kept in a file too")])
def test_a_state_folder_that_takes_nothing_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, key: str, told: str
) -> None:
    async def go(pilot: Pilot[str]) -> None:
        monkeypatch.setenv("KEELWATCH_STATE", "/proc/nope")
        monkeypatch.setenv("TMUX", "of a test")
        monkeypatch.setattr("console.tui.copying._native", lambda _text: None)
        await pilot.press(key)
        await until(pilot, lambda: any(told in f"{one.title} {one.message}" for one in notices(pilot)))

    asyncio.run(drive(console(), (120, 36), go))
