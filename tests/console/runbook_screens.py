"""The way to each of the screens of runbooks, over made-up ones."""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from tests.console.procedures import BookFeed, MadeBook
from tests.console.screens import SMALL, Act, console_of, drive, sees


async def shelf(pilot: Pilot[str]) -> None:
    await pilot.press("6")
    await sees(pilot, "Runbooks 4")


async def run(pilot: Pilot[str]) -> None:
    """The run that is not over stands first."""
    await shelf(pilot)
    await pilot.press("enter")
    await sees(pilot, "of RTO 3m")


async def failover(pilot: Pilot[str]) -> None:
    """The plan of the second runbook."""
    await shelf(pilot)
    await pilot.press("j", "j", "enter")
    await sees(pilot, "west -> east  graceful   planned 0s ago")


def on(book: MadeBook, act: Act, size: tuple[int, int] = SMALL) -> str:
    return asyncio.run(drive(console_of(BookFeed(book)), size, act))
