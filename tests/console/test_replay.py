"""`[` and `]`: a moment of the past on every screen, and nothing of it taken for now."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from console.feed import Look
from console.tui.app import Keelwatch
from console.tui.messages import Replayed
from console.tui.rewind import Rewind
from console.view.world import Origin
from keelwatch.workspace import SourceError
from tests.console.screens import SIZES, assert_golden, console, drive, screen_text, until
from tests.console.worlds import NOW, RecordedFeed, look, world

STEP = NOW // 300 * 300


class SlowFeed(RecordedFeed):
    """Says which moments were asked for; answers when told to."""

    def __init__(self) -> None:
        super().__init__([look()])
        self.asked: list[float] = []
        self.may_answer = threading.Event()

    def look_at(self, at: float) -> Look:
        self.asked.append(at)
        assert self.may_answer.wait(10)
        return super().look_at(at)


class BrokenFeed(RecordedFeed):
    def look_at(self, at: float) -> Look:
        raise SourceError("the source has gone")


def replaying(app: Keelwatch, presses: int = 1) -> Callable[[Pilot[str]], Awaitable[None]]:
    async def go_back(pilot: Pilot[str]) -> None:
        await pilot.press(*["left_square_bracket"] * presses)
        await until(pilot, lambda: app.shown.replay is not None and app.shown.seeking is None)

    return go_back


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_replay_names_its_moment_and_how_things_are_now(size: tuple[int, int]) -> None:
    app = console()

    text = asyncio.run(drive(app, size, replaying(app, 2)))

    assert_golden(f"replay-{size[0]}x{size[1]}", text)
    assert "REPLAY 14:05Z" in text
    assert "f: live" in text
    assert "now PAGE" in text
    assert not re.search(r"(?<!was) (PAGE|TICKET|OK)  ", text.split("STATE", 1)[1])
    assert "READ-ONLY" not in text


def test_f_returns_to_now() -> None:
    app = console()

    async def there_and_back(pilot: Pilot[str]) -> None:
        await replaying(app)(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "data 3s old" in screen_text(app))

    assert "REPLAY" not in asyncio.run(drive(app, (80, 24), there_and_back))


def test_stepping_forward_past_now_is_now() -> None:
    app = console()

    async def there_and_back(pilot: Pilot[str]) -> None:
        await replaying(app, 2)(pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: app.shown.replay is None)

    assert "REPLAY" not in asyncio.run(drive(app, (80, 24), there_and_back))


def test_an_objective_follows_into_the_past_and_reads_its_history_of_then() -> None:
    app = console()

    async def open_it(pilot: Pilot[str]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(app))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "14:10Z" in screen_text(app) and "-30d" in screen_text(app))
        await pilot.press("w")
        await until(pilot, lambda: "why REPLAY 14:10:00Z" in screen_text(app))
        await pilot.press("escape")

    text = asyncio.run(drive(app, (120, 36), open_it))

    assert "was OK" in text
    assert "was: No pair" in text


def test_a_replay_that_cannot_be_had_is_unknown_and_shows_nothing_of_now() -> None:
    app = console()
    app.feed = BrokenFeed([look()])

    text = asyncio.run(drive(app, (80, 24), replaying(app)))

    assert "nothing is known: the source has gone" in text
    assert "invoices-availability" not in text
    assert "REPLAY 14:10Z" in text


def test_until_the_past_has_come_the_present_is_shown_as_the_present() -> None:
    feed = SlowFeed()
    app = console()
    app.feed = feed

    async def press(pilot: Pilot[str]) -> None:
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: bool(feed.asked))
        text = screen_text(app)
        assert "REPLAY" not in text
        assert "asking for 14:10Z ..." in text
        feed.may_answer.set()
        await until(pilot, lambda: "REPLAY 14:10Z" in screen_text(app))

    asyncio.run(drive(app, (120, 36), press))


def test_of_moments_asked_for_in_haste_only_the_last_is_shown() -> None:
    rewind = Rewind(RecordedFeed([look()]), lambda _: None)
    try:
        for _ in range(3):
            rewind.step(-1, NOW)

        assert not rewind.arrived(Replayed(STEP - 300, look()), world())
        assert rewind.arrived(Replayed(STEP - 600, look()), world())
    finally:
        rewind.stop()


def test_steps_fall_on_full_five_minutes_and_come_back_the_way_they_went() -> None:
    rewind = Rewind(RecordedFeed([look()]), lambda _: None)
    seen = []
    try:
        for steps in (-1, -1, +1, +1):
            rewind.step(steps, NOW)
            seen.append(rewind.over(world()).seeking)
    finally:
        rewind.stop()

    assert seen == [STEP, STEP - 300, STEP, None]


def test_a_replayed_world_is_never_current() -> None:
    rewind = Rewind(RecordedFeed([look()]), lambda _: None)
    try:
        rewind.step(-1, NOW)
        rewind.arrived(Replayed(STEP, look()), world())
        shown = rewind.over(world())
    finally:
        rewind.stop()

    assert shown.stale
    assert shown.origin is Origin.LIVE
    assert shown.replay is not None
    assert (shown.now, shown.replay.wall) == (STEP, NOW + 2)
