"""A real run of an experiment, watched and stopped from the Chaos screen."""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from console.chaos_book import ChaosBook
from console.places import place
from console.tui.app import Keelwatch
from keelwatch.workspace import SystemClock
from tests.chaos.conftest import Lab
from tests.console.breaks import ChaosFeed
from tests.console.screens import NEVER_S, drive, screen_text, until
from tests.console.worlds import world


def test_a_run_is_watched_as_it_goes_and_x_rolls_it_back(lab: Lab) -> None:
    method = [lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]))
    lab.until_value("billing", "down")
    feed = ChaosFeed(ChaosBook(place(lab.folder / "keelwatch.yaml", "lab")))
    app = Keelwatch(feed, world, clock=SystemClock(), every_s=NEVER_S)

    async def watch_and_stop(pilot: Pilot[str]) -> None:
        await pilot.press("5")
        await _sees(pilot, "method 2/2: wait 60s, 1 fault on")
        await _sees(pilot, "OPEN FAULTS 1")
        await pilot.press("enter")
        await _sees(pilot, "1 FAULT ON")
        await _sees(pilot, "RUNNING method 2/2")
        text = screen_text(pilot.app)
        assert "cache is up" in text
        assert "> FAULTS     ON" in text
        assert "none but an hour" not in text  # the guard's time is told
        await pilot.press("x", "s")
        await _sees(pilot, "ENDED inconclusive")
        await _sees(pilot, "1 fault, all healed")
        await _sees(pilot, ": x on the screen of its experiment")
        await _sees(pilot, "INCONCLUSIVE  exit 7: stopped")

    asyncio.run(drive(app, (120, 36), watch_and_stop))

    assert lab.value("billing") == "up"
    assert "stopped" in lab.end(run).reason


async def _sees(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: words in screen_text(pilot.app))
