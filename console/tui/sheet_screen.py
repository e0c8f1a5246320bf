"""A screen that is a text between lines: scrolled, its ages drawn anew with every second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, override

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from console.tui.acting import ActingScreen
from console.tui.worldly import Line
from console.view.world import World


def keys_of_sheet(screen: str, copied: str = "shows") -> list[BindingType]:
    """`copied` is what the copied command does beside this screen: it shows the same, or does it."""
    return [
        Binding("y", "copy", "copy", id=f"{screen}.copy", tooltip=f"copy the command that {copied} the same"),
        Binding("escape", "back", "back", id=f"{screen}.back", key_display="esc"),
        Binding("j,down", "scroll_text(2)", show=False, id=f"{screen}.down"),
        Binding("k,up", "scroll_text(-2)", show=False, id=f"{screen}.up"),
    ]


class SheetScreen(ActingScreen):
    """Subclasses name the lines around the text, and draw them and the text in `show_body`."""

    ABOVE: ClassVar[tuple[str, ...]] = ()  # below the title
    BELOW: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._drawn_text: Text | None = None

    @property
    def command(self) -> str:
        """The one that shows or does the same; empty while nobody can tell."""
        raise TypeError(f"{type(self).__name__} has no command")

    @override
    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        yield from map(Line, self.ABOVE)
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)
        yield from map(Line, self.BELOW)

    def say_text(self, text: Text) -> None:
        """Painted only when it changes."""
        if self._drawn_text != text:
            self._drawn_text = text
            self.query_one("#detail", Static).update(text)

    @override
    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def on_resize(self) -> None:
        self.show(self.console_app.shown)

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        from console.tui.copying import copy

        if self.command:
            copy(self.console_app, self.command)

    def action_back(self) -> None:
        self.app.pop_screen()
