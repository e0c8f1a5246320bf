"""Copying that says what it did: the clipboard's own tool, else OSC 52, else a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from console.feed import Key
from console.view.numbers import clock
from keelwatch.workspace import KeelwatchError, redact, state_dir

if TYPE_CHECKING:
    from console.tui.app import Keelwatch

TOOLS = (
    ("wl-copy", "WAYLAND_DISPLAY", ()),
    ("xclip", "DISPLAY", ("-selection", "clipboard")),
    ("pbcopy", "", ()),
)


def copy_command(app: Keelwatch, key: Key) -> None:
    """Copy the command that shows the objective `key`; in a replay it says that it shows another time."""
    name, region = key
    world = app.shown
    where = f" --region {region}" if region else ""
    note = f"  # as it is now, not at {clock(world.now)}" if world.replay else ""
    copy(app, f"keelwatch slo show {name}{where} --env {world.environment}{note}")


def copy(app: Keelwatch, text: str) -> None:
    """Put `text`, redacted, where it can be pasted from, and tell the operator where that is."""
    text = redact(text)
    if tool := _native(text):
        app.notify(text[:60], title=f"copied with {tool}")
    elif os.environ.get("TMUX") or os.environ.get("STY"):
        # A multiplexer often swallows OSC 52 without a word, so a file is written as well.
        app.copy_to_clipboard(text)
        app.notify(f"{text[:60]}\n{_kept(text)}", title="sent to the terminal's clipboard")
    else:
        app.copy_to_clipboard(text)
        app.notify(text[:60], title="sent to the terminal's clipboard")


def _kept(text: str) -> str:
    """Where the text can be read too, or why it cannot."""
    try:
        path = state_dir() / "copied.txt"
        path.write_text(text + "\n", encoding="utf-8")
    except KeelwatchError as error:
        return f"not kept in a file too: {error.message}"
    except OSError as error:
        return f"not kept in a file too: {error.strerror}"
    return f"also in {path}"


def _native(text: str) -> str | None:
    for tool, display, arguments in TOOLS:
        if shutil.which(tool) and (not display or os.environ.get(display)):
            try:
                subprocess.run([tool, *arguments], input=text, text=True, timeout=2, check=True)
            except (OSError, subprocess.SubprocessError):
                continue
            return tool
    return None
