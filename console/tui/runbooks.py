"""Screen 6, Runbooks: runs that are not over, every runbook with its last rehearsal, what ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, override

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable

from console.feed import FeedLike
from console.tui import paint
from console.tui.book_screen import BookScreen, keys_of_book
from console.tui.table_screen import Cells
from console.tui.worldly import Line
from console.view import shelf
from console.view.overview import Column
from console.view.shelf import ENDED_ROW, RunRow, Shelf, ShelfRow
from console.view.world import World


class RunbooksScreen(BookScreen[Shelf, ShelfRow | RunRow]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="runbooks.open"),
        *keys_of_book("runbooks"),
    ]
    HEADINGS = frozenset({ENDED_ROW})
    blank = Shelf

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text")

    @override
    def read(self, feed: FeedLike, now: float) -> Shelf:
        return feed.runbooks().shelf(now)

    def columns(self, width: int) -> Sequence[Column]:
        return shelf.columns(width)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._page
        if found is None:
            return {}
        every: list[ShelfRow | RunRow] = [*found.living, *found.rows, *found.ended]
        self._shown = {one.key: one for one in every if shelf.matches(one, self._filter)}
        cells: dict[str, Cells] = {}
        for key, one in self._shown.items():
            if isinstance(one, RunRow) and one.is_over and ENDED_ROW not in cells:
                texts = shelf.ended_cells(found, self._width)
                cells[ENDED_ROW] = {
                    name: Text(text, paint.GROUP, no_wrap=True) for name, text in texts.items()
                }
            cells[key] = self.cells(one)
        return cells

    @override
    def cells(self, row: ShelfRow | RunRow) -> Cells:
        match row:
            case ShelfRow():
                texts = self.marked(row.key, shelf.runbook_cells(row, self._width, self._now))
                style = paint.BAD if shelf.flaws(row, self._now) else ""
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"badge": Text(texts["badge"], style, no_wrap=True)}
            case RunRow():
                texts = self.marked(row.key, shelf.run_cells(row, self._width, self._now))
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
                return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def show_around(self, world: World) -> None:
        if self._page is None:
            self.line("title").say(" Runbooks: reading the workspace and the ledger ...")
            return
        told = shelf.heading(self._page, self._width, self._now, self._filter)
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {told}{then}")

    @override
    def show_selected(self, world: World) -> None:
        if self._page is not None:
            row = self.selected()
            told = shelf.row_line(row, self._page, self._now)
            self.line("selected").say(f" {self._page.trouble or told}")
            self.line("next").say(f" {shelf.next_line(row, self._page, self._width)}")

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case ShelfRow(name=name):
                from console.tui.runbook_plan import PlanScreen

                self.app.push_screen(PlanScreen(name))
            case RunRow(run=run):
                from console.tui.runbook_run import RunScreen

                self.app.push_screen(RunScreen(run))

    def action_copy(self) -> None:
        from console.tui.copying import copy

        environment = self.console_app.world.environment
        match self.selected():
            case ShelfRow(name=name):
                copy(self.console_app, f"keelwatch runbook plan {name} --env {environment}")
            case RunRow(run=run):
                copy(self.console_app, f"keelwatch runbook show {run}")
            case None:
                copy(self.console_app, f"keelwatch runbook list --env {environment}")
