"""A real terminal for the real program: tmux on a socket of its own."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.sandbox.waiting import until


@dataclass(frozen=True, slots=True)
class Terminal:
    socket: str

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.socket, *words], capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout

    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def codes(self) -> set[str]:
        """The SGR codes on the screen."""
        raw = self.tmux("capture-pane", "-p", "-e")
        return {code for found in re.findall(r"\x1b\[([0-9;]*)m", raw) for code in found.split(";") if code}

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))
        wanted = f"{width}x{height}"
        until(lambda: self.tmux("display", "-p", "#{pane_width}x#{pane_height}").strip() == wanted)

    def until(self, words: str, within_s: float = 30.0) -> str:
        """The screen once it shows `words`; a failure shows the last screen."""
        try:
            return until(lambda: text if words in (text := self.text()) else "", within_s)
        except AssertionError:
            raise AssertionError(f"no {words!r} in {within_s:g} s; the screen is\n{self.text()}") from None

    def until_gone(self) -> None:
        """Until the program has ended; its last words stay on the screen."""
        until(lambda: self.tmux("display", "-p", "#{pane_dead}").strip() == "1")


@contextmanager
def terminal(width: int, height: int, command: str) -> Iterator[Terminal]:
    """`command` in a window of that size; ended on the way out."""
    opened = Terminal(f"keelwatch-{uuid.uuid4().hex[:8]}")
    environment = {**os.environ, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    start = ["tmux", "-L", opened.socket, "-f", "/dev/null", "new-session", "-d"]
    keep = [";", "set-option", "-g", "remain-on-exit", "on"]  # what a crash leaves is worth seeing
    subprocess.run([*start, "-x", str(width), "-y", str(height), command, *keep], env=environment, check=True)
    try:
        yield opened
    finally:
        opened.tmux("kill-server")
