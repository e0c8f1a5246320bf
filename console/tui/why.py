"""`w`: the queries, counts and ages behind every number of one objective."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from console.feed import Key
from keelwatch.workspace import redact


class Explained(Message):
    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self.lines = lines


class WhyScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,w,q", "dismiss_me", "back", id="why.back", key_display="esc"),
        Binding("y", "copy", "copy", id="why.copy"),
        Binding("j", "scroll_text(3)", show=False, id="why.down"),
        Binding("k", "scroll_text(-3)", show=False, id="why.up"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._text = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static("asking ...", id="why", classes="text", markup=False)

    def on_mount(self) -> None:
        from console.tui.app import Keelwatch

        app = self.app
        assert isinstance(app, Keelwatch)
        feed = app.feed
        self.query_one("#dialog").border_title = " why "
        self.query_one("#dialog").border_subtitle = " esc back   y copy   j k scroll "

        def explain() -> None:
            try:
                lines: Sequence[str] = feed.why(self.key)
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                lines = [f"cannot say: {redact(str(error))}"]
            self.post_message(Explained(lines))

        threading.Thread(target=explain, name="why", daemon=True).start()

    def on_explained(self, message: Explained) -> None:
        self._text = "\n".join(message.lines)
        self.query_one("#why", Static).update(Text(self._text))

    def action_dismiss_me(self) -> None:
        self.dismiss()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        from console.tui.app import Keelwatch
        from console.tui.copying import copy

        assert isinstance(self.app, Keelwatch)
        copy(self.app, self._text)
