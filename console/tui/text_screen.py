"""Lines to read over a screen: scrolled, copied, and left again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from keelwatch.workspace.visible import visible


class TextScreen(ModalScreen[None]):
    """Subclasses bind the keys that leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="text.copy"),
        Binding("j", "scroll_text(3)", show=False, id="text.down"),
        Binding("k", "scroll_text(-3)", show=False, id="text.up"),
    ]

    def __init__(self, title: str, lines: Iterable[str]) -> None:
        super().__init__()
        self._heading = title
        self._text = visible("\n".join(lines))

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static(Text(self._text), id="text", classes="text", markup=False)

    def on_mount(self) -> None:
        self.query_one("#dialog").border_title = f" {self._heading} "
        self.query_one("#dialog").border_subtitle = " esc back   y copy   j k scroll "

    def show_lines(self, lines: Iterable[str]) -> None:
        self._text = visible("\n".join(lines))
        self.query_one("#text", Static).update(Text(self._text))

    def action_dismiss_me(self) -> None:
        self.dismiss()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        from console.tui.app import Keelwatch
        from console.tui.copying import copy

        assert isinstance(self.app, Keelwatch)
        copy(self.app, self._text)
