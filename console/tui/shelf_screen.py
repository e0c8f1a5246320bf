"""A table in parts: what goes on first, then what there is, then what ended lately, each under its line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, override

from rich.text import Text
from textual.widget import Widget

from console.tui import paint
from console.tui.acting import ActingScreen
from console.tui.book_screen import BookScreen
from console.tui.table_screen import Cells
from console.tui.worldly import Line
from console.view.world import World


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


class Troubled(Protocol):
    @property
    def trouble(self) -> str:
        """What could not be read."""


@dataclass(frozen=True, slots=True)
class Part[Row]:
    """Rows, and the `line` above them, which has the key `heading`; `is_always` keeps it above none too."""

    rows: Sequence[Row]
    heading: str = ""
    line: str = ""
    is_always: bool = False


class ShelfScreen[Page: Troubled, Row: Keyed](ActingScreen, BookScreen[Page, Row]):
    """Subclasses say which parts a page has, and what is said of it and of a row."""

    NAME: ClassVar[str]

    def parts(self, page: Page) -> Iterable[Part[Row]]:
        raise TypeError(f"{type(self).__name__} has no parts of {page}")

    def matches(self, row: Row, expression: str) -> bool:
        raise TypeError(f"{type(self).__name__} does not look for {expression} in {row}")

    def heading(self, page: Page, room: int) -> str:
        """Above the table; `room` is the width that is left for it."""
        raise TypeError(f"{type(self).__name__} says nothing above {page}, {room} wide")

    def row_line(self, row: Row | None, page: Page) -> str:
        """More about the row under the cursor."""
        raise TypeError(f"{type(self).__name__} says nothing of {row} of {page}")

    def next_line(self, row: Row | None, page: Page) -> str:
        raise TypeError(f"{type(self).__name__} knows no key for {row} of {page}")

    def twin(self, row: Row | None) -> str:
        """The command that shows or does the same."""
        raise TypeError(f"{type(self).__name__} has no command for {row}")

    @override
    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text")

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        self._shown = {}
        drawn: dict[str, Cells] = {}
        for part in self.parts(self._page) if self._page is not None else ():
            fitting = [one for one in part.rows if self.matches(one, self._filter)]
            if part.heading and (fitting or part.is_always):
                drawn[part.heading] = self._across(part.line)
            self._shown |= {one.key: one for one in fitting}
            drawn |= {one.key: self.cells(one) for one in fitting}
        return drawn

    def _across(self, line: str) -> Cells:
        texts = self.LAYOUT.across(line, self._width)
        return {name: Text(text, paint.GROUP, no_wrap=True) for name, text in texts.items()}

    @override
    def show_around(self, world: World) -> None:
        if self._page is None:
            self.line("title").say(f" {self.NAME}: reading the workspace and the ledger ...")
            return
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {self.heading(self._page, self._width - len(then))}{then}")

    @override
    def show_selected(self, world: World) -> None:
        if self._page is not None:
            row = self.selected()
            told = self.said or self._page.trouble or self.row_line(row, self._page)
            self.line("selected").say(f" {told}")
            self.line("next").say(f" {self.next_line(row, self._page)}")

    def action_copy(self) -> None:
        from console.tui.copying import copy

        copy(self.console_app, self.twin(self.selected()))
