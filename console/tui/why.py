"""`w`: the queries, counts and ages behind every number of one objective."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from console.feed import Key
from console.tui.text_screen import TextScreen
from console.view.numbers import clock
from keelwatch.workspace import redact


class Explained(Message):
    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self.lines = lines


class WhyScreen(TextScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,w,q", "dismiss_me", "back", id="why.back", key_display="esc"),
    ]

    def __init__(self, key: Key, at: float | None = None) -> None:
        """`at` is the moment that a replay shows; None for now."""
        super().__init__(f"why REPLAY {clock(at)}" if at is not None else "why", ["asking ..."])
        self.key = key
        self._at = at

    def on_mount(self) -> None:
        from console.tui.app import Keelwatch

        super().on_mount()
        app = self.app
        assert isinstance(app, Keelwatch)
        feed = app.feed

        def explain() -> None:
            try:
                lines: Sequence[str] = feed.why(self.key, self._at)
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                lines = [f"cannot say: {redact(str(error))}"]
            self.post_message(Explained(lines))

        threading.Thread(target=explain, name="why", daemon=True).start()

    def on_explained(self, message: Explained) -> None:
        self.show_lines(message.lines)
