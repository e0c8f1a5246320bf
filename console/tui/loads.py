"""Screen 4, Load: loads that run, every profile with the last run of it, what ended lately."""

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
from console.view import load_shelf
from console.view.listed import ENDED_ROW, CourseRow, ended_line
from console.view.load_shelf import LoadShelf, ProfileRow, Row


class LoadsScreen(ShelfScreen[LoadShelf, Row]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="loads.open", tooltip="open the run, or the profile's last one"),
        Binding("s", "start", "start", id="loads.start", tooltip="start it: the environment is to be typed"),
        Binding("x", "stop", "stop", id="loads.stop", tooltip="stop the run at the cursor"),
        *keys_of_book("loads"),
    ]
    NAME = "Load"
    LAYOUT = load_shelf.LAYOUT
    HEADINGS = frozenset({ENDED_ROW})
    blank = LoadShelf

    @override
    def read(self, feed: FeedLike, now: float) -> LoadShelf:
        return feed.loads().shelf(now)

    @override
    def parts(self, page: LoadShelf) -> Iterable[Part[Row]]:
        first: list[Row] = [*page.living, *page.rows]
        yield Part(first)
        yield Part(page.ended, ENDED_ROW, ended_line(len(page.ended)))

    @override
    def matches(self, row: Row, expression: str) -> bool:
        return load_shelf.matches(row, expression)

    @override
    def cells(self, row: Row) -> Cells:
        texts = self.marked(row.key, load_shelf.cells(row, self._width, self._now))
        match row:
            case ProfileRow():
                style = paint.BAD if row.last and row.last.outcome == "fail" else ""
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"last": Text(texts["last"], style, no_wrap=True)}
            case CourseRow():
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
                return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def heading(self, page: LoadShelf, room: int) -> str:
        return load_shelf.heading(page, self._width, self._filter)

    @override
    def row_line(self, row: Row | None, page: LoadShelf) -> str:
        return load_shelf.row_line(row, page)

    @override
    def next_line(self, row: Row | None, page: LoadShelf) -> str:
        return load_shelf.next_line(row, page, self._width, armed=self.console_app.shown.armed)

    @override
    def twin(self, row: Row | None) -> str:
        return load_shelf.twin(row, self.console_app.world.environment)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case CourseRow(run=run):
                self._open(run)
            case ProfileRow(last=last) if last is not None:
                self._open(last.run)
            case ProfileRow(name=name):
                self.refuse(f"{name} was never run here: s starts it")

    def _open(self, run: str) -> None:
        from console.tui.load_run import LoadScreen

        if self.is_current:
            self.app.push_screen(LoadScreen(run))

    def action_start(self) -> None:
        """Refused before a name is typed in vain; asked again when it is started."""
        row = self.selected()
        if not isinstance(row, ProfileRow):
            self.refuse("a profile is started, and the cursor stands on none")
            return
        armed, book = self.console_app.world.armed, self.console_app.feed.loads
        self.act_if(lambda: book().refuse_unarmed(armed=armed), lambda: self._confirm(row))

    def _confirm(self, row: ProfileRow) -> None:
        from console.tui.starting import start_when_typed
        from console.tui.typed import TypedDialog

        environment, book = self.console_app.world.environment, self.console_app.feed.loads
        lines = load_shelf.confirm_lines(row, environment)
        dialog = TypedDialog(f"start {row.name}", lines, environment, "start it")
        start_when_typed(self, dialog, lambda armed: book().start(row.name, armed=armed), self._open)

    def action_stop(self) -> None:
        from console.tui.stopping import stop_when_confirmed

        row = self.selected()
        if not isinstance(row, CourseRow) or row.is_over:
            self.refuse("a run is stopped, and the cursor stands on none that goes on")
            return
        book, run = self.console_app.feed.loads, row.run
        stop_when_confirmed(self, load_shelf.stop_lines(row), lambda: book().stop(run), self._read)
