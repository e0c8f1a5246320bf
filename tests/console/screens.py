"""Driving the console without a terminal, and comparing what it draws with a golden text."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from console.feed import FeedLike, Look
from console.tui.app import Keelwatch
from console.view.world import World
from keelwatch.workspace.clock import FixedClock
from tests.console.worlds import NOW, RecordedFeed, look, world

GOLDENS = Path(__file__).parent / "goldens"
SIZES = LARGE, SMALL = (120, 36), (80, 24)
NEVER_S = 3600.0  # the next look comes when the test asks for it, however slow the machine

type Act = Callable[[Pilot[str]], Awaitable[None]]


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def screen_text(app: App[str]) -> str:
    """What a monochrome terminal shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


def marked_line(app: App[str]) -> str:
    """The row that a monochrome terminal shows as the cursor's; empty while none or more than one is."""
    marked = [line for line in screen_text(app).splitlines() if line.startswith(">")]
    return marked[0] if len(marked) == 1 else ""


def console(
    first: World | None = None,
    looks: list[Look] | None = None,
    *,
    theme: str = "dark",
    charset: str = "braille",
) -> Keelwatch:
    return console_of(RecordedFeed(looks or [look()]), first, theme=theme, charset=charset)


def console_of(
    feed: FeedLike, first: World | None = None, *, theme: str = "dark", charset: str = "braille"
) -> Keelwatch:
    return Keelwatch(
        feed,
        lambda: first or world(),
        theme=theme,
        charset=charset,
        clock=FixedClock(NOW + 2),
        every_s=NEVER_S,
    )


async def until(pilot: Pilot[str], condition: Callable[[], bool]) -> None:
    """Let the app work until `condition` holds."""
    for _ in range(400):
        await pilot.pause()
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"never came true; the screen is\n{screen_text(pilot.app)}")


async def sees(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: words in screen_text(pilot.app))


def notices(pilot: Pilot[str]) -> str:
    return "\n".join(one.message for one in pilot.app._notifications)


async def is_told(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: words in notices(pilot))


async def drive(app: Keelwatch, size: tuple[int, int], act: Act | None = None) -> str:
    """Run `app` at `size`, wait for its first look, act, and return the screen as text."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.live)
        if act is not None:
            await act(pilot)
        await pilot.pause()
        return screen_text(app)


def assert_golden(name: str, text: str) -> None:
    """`text` is what `goldens/name.txt` holds; KEELWATCH_REWRITE=1 writes it anew."""
    path = GOLDENS / f"{name}.txt"
    if os.environ.get("KEELWATCH_REWRITE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8"), (
        f"{name} is drawn otherwise; KEELWATCH_REWRITE=1 accepts it"
    )
