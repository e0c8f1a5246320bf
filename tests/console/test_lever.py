"""What stands on every screen: the lever that stops every run, and who acts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from keelwatch.runs import StopReport
from tests.console import procedures
from tests.console.procedures import BookFeed, MadeBook
from tests.console.runbook_screens import on, shelf
from tests.console.screens import SMALL, console_of, drive, is_told, screen_text, sees, until
from tests.console.worlds import look


@pytest.mark.parametrize("keys", [(), ("enter",), ("3",), ("6",), ("6", "enter"), ("6", "j", "j", "enter")])
def test_the_lever_stands_at_the_foot_of_every_screen(keys: tuple[str, ...]) -> None:
    async def go(pilot: Pilot[str]) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.2)
        await until(pilot, lambda: "! STOP" in screen_text(pilot.app).splitlines()[-1])

    on(MadeBook(), go)


def test_the_lever_wants_the_environments_name_and_stops_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[tuple[str, str]] = []

    def stop_all(env: str, reason: str = "") -> list[StopReport]:
        stopped.append((env, reason))
        return [StopReport(procedures.RUN, signalled=True, error="the disk is full")]

    monkeypatch.setattr("keelwatch.runs.stop_all", stop_all)

    async def pull(pilot: Pilot[str]) -> None:
        await pilot.press("exclamation_mark")
        await sees(pilot, "Type sandbox: _")
        await pilot.press("enter")
        await until(pilot, lambda: "Type sandbox" not in screen_text(pilot.app))
        assert stopped == []
        await pilot.press("exclamation_mark")
        await sees(pilot, "keelwatch stop --all --env sandbox")
        await pilot.press(*"sandbox", "enter")
        await is_told(pilot, f"{procedures.RUN} told to stop\nnot recorded: the disk is full")

    on(MadeBook(), pull)

    assert stopped == [("sandbox", "! on the console")]


def test_who_acts_stands_on_every_screen() -> None:
    acting = "runbook failover-region 3/7 promote-database ASKS"
    feed = BookFeed(MadeBook(), [replace(look(), running=(acting,))])
    app = console_of(feed)

    async def go(pilot: Pilot[str]) -> None:
        await sees(pilot, f"RUNNING {acting}")
        await shelf(pilot)
        await sees(pilot, f"RUNNING {acting}")

    asyncio.run(drive(app, SMALL, go))
