"""Screen 6, Runbooks: runs that are not over, every runbook with its last rehearsal, what ended lately."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, override

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from console.feed import FeedLike
from console.tui import paint
from console.tui.book_screen import keys_of_book
from console.tui.shelf_screen import Part, ShelfScreen
from console.tui.table_screen import Cells
from console.view import shelf
from console.view.listed import ENDED_ROW
from console.view.shelf import Row, RunRow, Shelf, ShelfRow


class RunbooksScreen(ShelfScreen[Shelf, Row]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="runbooks.open"),
        *keys_of_book("runbooks"),
    ]
    NAME = "Runbooks"
    LAYOUT = shelf.LAYOUT
    HEADINGS = frozenset({ENDED_ROW})
    blank = Shelf

    @override
    def read(self, feed: FeedLike, now: float) -> Shelf:
        return feed.runbooks().shelf(now)

    @override
    def parts(self, page: Shelf) -> Iterable[Part[Row]]:
        first: list[Row] = [*page.living, *page.rows]
        yield Part(first)
        yield Part(page.ended, ENDED_ROW, shelf.ended_words(page))

    @override
    def matches(self, row: Row, expression: str) -> bool:
        return shelf.matches(row, expression)

    @override
    def cells(self, row: Row) -> Cells:
        texts = self.marked(row.key, shelf.cells(row, self._width, self._now))
        match row:
            case ShelfRow():
                style = paint.BAD if shelf.flaws(row, self._now) else ""
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"badge": Text(texts["badge"], style, no_wrap=True)}
            case RunRow():
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
                return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def heading(self, page: Shelf, room: int) -> str:
        return shelf.heading(page, self._width, self._now, self._filter)

    @override
    def row_line(self, row: Row | None, page: Shelf) -> str:
        return shelf.row_line(row, page, self._now)

    @override
    def next_line(self, row: Row | None, page: Shelf) -> str:
        return shelf.next_line(row, page, self._width)

    @override
    def twin(self, row: Row | None) -> str:
        return shelf.twin(row, self.console_app.world.environment)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case ShelfRow(name=name):
                from console.tui.runbook_plan import PlanScreen

                self.app.push_screen(PlanScreen(name))
            case RunRow(run=run):
                from console.tui.runbook_run import RunScreen

                self.app.push_screen(RunScreen(run))
