"""Screen 5, Chaos: experiments that run, every one with its last run, what is owed, what ended lately."""

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
from console.view import chaos_shelf
from console.view.chaos_shelf import OPEN_ROW, ChaosShelf, ExperimentRow, OpenRow, Row
from console.view.listed import ENDED_ROW, CourseRow, ended_line


class ChaosScreen(ShelfScreen[ChaosShelf, Row]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open", "open", id="chaos.open", tooltip="what the experiment would do; or open the run"
        ),
        Binding("l", "last", "last run", id="chaos.last", tooltip="the last run of the experiment"),
        Binding("x", "stop", "stop", id="chaos.stop", tooltip="stop the run at the cursor and roll back"),
        *keys_of_book("chaos"),
    ]
    NAME = "Chaos"
    LAYOUT = chaos_shelf.LAYOUT
    HEADINGS = frozenset({OPEN_ROW, ENDED_ROW})
    blank = ChaosShelf

    @override
    def read(self, feed: FeedLike, now: float) -> ChaosShelf:
        return feed.chaos().shelf(now)

    @override
    def parts(self, page: ChaosShelf) -> Iterable[Part[Row]]:
        first: list[Row] = [*page.living, *page.rows]
        yield Part(first)
        yield Part(page.owed, OPEN_ROW, f"  {chaos_shelf.open_words(page)}", is_always=not page.owed)
        yield Part(page.ended, ENDED_ROW, ended_line(len(page.ended)))

    @override
    def matches(self, row: Row, expression: str) -> bool:
        return chaos_shelf.matches(row, expression)

    @override
    def cells(self, row: Row) -> Cells:
        texts = self.marked(row.key, chaos_shelf.cells(row, self._width, self._now))
        match row:
            case ExperimentRow():
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"last": Text(texts["last"], paint.BAD if row.surprise else "", no_wrap=True)}
            case CourseRow():
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
            case OpenRow():
                style = paint.BAD if row.needs_heal else paint.CURSOR_ROW
        return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def heading(self, page: ChaosShelf, room: int) -> str:
        return chaos_shelf.heading(page, room, self._filter)

    @override
    def row_line(self, row: Row | None, page: ChaosShelf) -> str:
        return chaos_shelf.row_line(row, page)

    @override
    def next_line(self, row: Row | None, page: ChaosShelf) -> str:
        return chaos_shelf.next_line(row, page, self._width)

    @override
    def twin(self, row: Row | None) -> str:
        return chaos_shelf.twin(row, self.console_app.world.environment)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case CourseRow(run=run):
                self._open(run)
            case ExperimentRow(name=name):
                from console.tui.chaos_plan import ChaosPlanScreen

                self.app.push_screen(ChaosPlanScreen(name))
            case OpenRow(run=run) if "-chaos-" in run:
                self._open(run)
            case OpenRow(run=run):
                self.refuse(f"{run} is no experiment: keelwatch attach {run}")

    def _open(self, run: str) -> None:
        from console.tui.chaos_run import ChaosRunScreen

        if self.is_current:
            self.app.push_screen(ChaosRunScreen(run))

    def action_last(self) -> None:
        match self.selected():
            case ExperimentRow(last=last) if last is not None:
                self._open(last.run)
            case ExperimentRow(name=name):
                self.refuse(f"{name} was never run here: enter says what it would do")
            case _:
                self.refuse("an experiment has a last run, and the cursor stands on none")

    def action_stop(self) -> None:
        from console.tui.stopping import stop_when_confirmed

        row = self.selected()
        if not isinstance(row, CourseRow) or row.is_over:
            self.refuse("a run is stopped, and the cursor stands on none that goes on")
            return
        book, run = self.console_app.feed.chaos, row.run
        stop_when_confirmed(self, chaos_shelf.stop_lines(row), lambda: book().stop(run), self._read)
