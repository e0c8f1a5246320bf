"""What every screen has: the three head lines, and a way to be told of a new world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from console.tui import paint
from console.view import head
from console.view.world import World
from keelwatch.workspace.visible import visible_line
from slo.snapshot import State

if TYPE_CHECKING:
    from console.tui.app import Keelwatch


class Line(Static):
    """One line of text that is repainted only when it changes, cut from the right when too long."""

    def __init__(self, identity: str, classes: str = "line") -> None:
        super().__init__("", id=identity, classes=classes, markup=False)
        self._now = Text()

    def say(self, text: Text | str) -> None:
        text = text if isinstance(text, Text) else Text(visible_line(text))
        text.no_wrap = True
        text.overflow = "ellipsis"
        if text != self._now or text.spans != self._now.spans or text.style != self._now.style:
            self._now = text
            self.update(text, layout=False)


class Head(Widget):
    """Which world, the verdict, what changed: the same three lines on every screen."""

    def compose(self) -> ComposeResult:
        yield Line("world", "line head")
        yield Line("verdict", "line")
        yield Line("changed", "line")

    def show(self, world: World) -> None:
        width = self.app.size.width
        self.query_one("#world", Line).say(" " + head.world_line(world, width))
        state, sentence = head.verdict_line(world, width)
        word, _, rest = sentence.partition("  ")
        if world.replay is not None:
            style = paint.DIM
        else:
            style = paint.STYLES[state if not world.stale else State.UNKNOWN]
        self.query_one("#verdict", Line).say(Text.assemble(" ", (word, style), "  ", rest))
        self.query_one("#changed", Line).say(" " + head.acting_line(world, width))


class WorldlyScreen(Screen[None]):
    """A screen that shows the world. Subclasses draw their own part in `body` and `show_body`."""

    AUTO_FOCUS = "#body"

    @property
    def console_app(self) -> Keelwatch:
        from console.tui.app import Keelwatch

        assert isinstance(self.app, Keelwatch)
        return self.app

    def compose(self) -> ComposeResult:
        yield Head()
        yield from self.body()
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> Iterable[Widget]:
        raise TypeError(f"{type(self).__name__} has no body")

    _composed = False

    def on_mount(self) -> None:
        self._composed = True
        self.show(self.console_app.shown)

    @property
    def _drawable(self) -> bool:
        """Composed, and not being taken apart: a tick may still arrive while the program ends."""
        return self._composed and self.is_attached and self.app.is_running

    def show(self, world: World) -> None:
        """Draw `world`; a screen that is only just being made will draw it itself."""
        if self._drawable:
            self.query_one(Head).show(world)
            self.show_body(world)

    def show_time(self, world: World) -> None:
        """A second has passed and nothing else: only what contains an age is drawn."""
        if self._drawable:
            self.query_one(Head).show(world)

    def show_body(self, world: World) -> None:
        raise TypeError(f"{type(self).__name__} shows nothing of {world.environment}")

    def line(self, identity: str) -> Line:
        return self.query_one(f"#{identity}", Line)
