"""Opening the console: from a cold start to the first frame without loading a client."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace import write_out

if TYPE_CHECKING:
    from console.tui.app import Keelwatch
    from console.view.world import World


def open_console(
    workspace: str | None,
    environment: str | None,
    *,
    theme: str | None = None,
    ascii_only: bool = False,
    leaving: str | None = None,
) -> int:
    """Show the console until the operator leaves. Without a real terminal: print `status` once.

    `leaving` names the sandbox about which to ask on the way out. Returns an exit code.
    """
    folder = Path(workspace) if workspace else None
    if not can_draw():
        from console.commands.status import print_status

        if sys.stdin.isatty() and sys.stdout.isatty() and _term() != "dumb":
            write_out("no console, for it is drawn on stderr, which is no terminal: this is keelwatch status")
        return print_status(folder, environment)
    for stale in ("COLUMNS", "LINES"):  # exported, they would hide every resize from the screen
        os.environ.pop(stale, None)
    app = build(folder, environment, theme=theme, ascii_only=ascii_only, leaving=leaving)
    answer = app.run()
    if answer == "stop" and leaving:
        from console.commands.sandbox import take_down

        take_down(leaving)
    return app.return_code or 0


def can_draw() -> bool:
    """Textual writes to stderr; a dumb terminal would show raw escape codes."""
    return sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty() and _term() != "dumb"


def _term() -> str:
    return os.environ.get("TERM", "dumb")


def build(
    workspace: Path | None,
    environment: str | None,
    *,
    theme: str | None,
    ascii_only: bool,
    leaving: str | None,
) -> Keelwatch:
    """The application over a real feed, its first world from the disk cache when there is one."""
    from console.cache import last_frame
    from console.tui.app import Keelwatch
    from console.tui.lazy_feed import LazyFeed
    from keelwatch.workspace.clock import SystemClock

    clock = SystemClock()
    may_leave = None
    if leaving:
        from console.tui.leaving import LeaveScreen

        may_leave = lambda: LeaveScreen(leaving)  # noqa: E731 - a screen is made anew each time it is asked for
    size = shutil.get_terminal_size()
    return Keelwatch(
        LazyFeed(workspace, environment),
        lambda: first_world(workspace, environment, clock.now()),
        clock=clock,
        first_frame=last_frame(workspace, environment, clock.now(), size) or [" READ-ONLY | loading"],
        theme=theme or default_theme(),
        charset="ascii" if ascii_only or not _speaks_utf8() else "braille",
        may_leave=may_leave,
    )


def first_world(workspace: Path | None, environment: str | None, now: float) -> World:
    from console.cache import last_world
    from console.view.world import Origin, World

    return last_world(workspace, environment, now) or World(environment or "...", (), Origin.LOADING, now)


def default_theme() -> str:
    """Monochrome when asked for: only the ansi theme writes no colour under NO_COLOR."""
    if os.environ.get("NO_COLOR") or _term() in {"linux", "xterm", "vt100", "vt220"}:
        return "ansi"
    return "dark"


def _speaks_utf8() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
