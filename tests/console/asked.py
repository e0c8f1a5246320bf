"""What a screen asks before it does something: nothing is done by accident."""

from __future__ import annotations

from collections.abc import Sequence

from textual.pilot import Pilot
from textual.widgets import Button

from console.tui.dialog import StopDialog
from tests.console.screens import is_told, sees, until


def is_on_no(pilot: Pilot[str]) -> bool:
    """Whether enter alone would say no."""
    return isinstance(pilot.app.focused, Button) and pilot.app.focused.id == "no"


async def stop_when_asked_again(pilot: Pilot[str], run: str, told: Sequence[object]) -> None:
    """Let it go on by enter, of which nothing is `told`; then stop it."""
    await pilot.press("x")
    await sees(pilot, f"keelwatch stop {run}")
    assert is_on_no(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, StopDialog))
    assert not told
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, StopDialog))
    await pilot.press("s")
    await is_told(pilot, f"{run} is told to stop")
