"""Screen 5, Chaos: experiments that run, every one with its last run, what is owed, what ended lately."""

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
from console.tui.acting import ActingScreen
from console.tui.book_screen import BookScreen, keys_of_book
from console.tui.table_screen import Cells
from console.tui.worldly import Line
from console.view import chaos_shelf
from console.view.chaos_shelf import (
    ENDED_ROW,
    OPEN_ROW,
    ChaosRow,
    ChaosShelf,
    ExperimentRow,
    OpenRow,
    Row,
)
from console.view.overview import Column
from console.view.world import World


class ChaosScreen(ActingScreen, BookScreen[ChaosShelf, Row]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open", "open", id="chaos.open", tooltip="what the experiment would do; or open the run"
        ),
        Binding("l", "last", "last run", id="chaos.last", tooltip="the last run of the experiment"),
        Binding("x", "stop", "stop", id="chaos.stop", tooltip="stop the run at the cursor and roll back"),
        *keys_of_book("chaos"),
    ]
    HEADINGS = frozenset({OPEN_ROW, ENDED_ROW})
    blank = ChaosShelf

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text")

    @override
    def read(self, feed: FeedLike, now: float) -> ChaosShelf:
        return feed.chaos().shelf(now)

    def columns(self, width: int) -> Sequence[Column]:
        return chaos_shelf.columns(width)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._page
        if found is None:
            return {}
        parts: dict[str, Sequence[Row]] = {
            "": [*found.living, *found.rows],
            OPEN_ROW: found.owed,
            ENDED_ROW: found.ended,
        }
        self._shown, drawn = {}, {}
        for heading, every in parts.items():
            fitting = [one for one in every if chaos_shelf.matches(one, self._filter)]
            if heading and (fitting or (heading == OPEN_ROW and not found.owed)):
                drawn[heading] = self._heading(found, heading)
            self._shown |= {one.key: one for one in fitting}
            drawn |= {one.key: self.cells(one) for one in fitting}
        return drawn

    def _heading(self, found: ChaosShelf, key: str) -> Cells:
        texts = chaos_shelf.heading_cells(found, key, self._width)
        return {name: Text(text, paint.GROUP, no_wrap=True) for name, text in texts.items()}

    @override
    def cells(self, row: Row) -> Cells:
        texts = self.marked(row.key, chaos_shelf.cells(row, self._width, self._now))
        match row:
            case ExperimentRow():
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"last": Text(texts["last"], paint.BAD if row.surprise else "", no_wrap=True)}
            case ChaosRow():
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
            case OpenRow():
                style = paint.BAD if row.needs_heal else paint.CURSOR_ROW
        return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def show_around(self, world: World) -> None:
        if self._page is None:
            self.line("title").say(" Chaos: reading the workspace and the ledger ...")
            return
        then = " | of NOW, not of the replay" if world.replay else ""
        told = chaos_shelf.heading(self._page, self._width - len(then), self._filter)
        self.line("title").say(f" {told}{then}")

    @override
    def show_selected(self, world: World) -> None:
        if self._page is not None:
            row = self.selected()
            told = self.said or self._page.trouble or chaos_shelf.row_line(row, self._page)
            self.line("selected").say(f" {told}")
            self.line("next").say(f" {chaos_shelf.next_line(row, self._page, self._width)}")

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case ChaosRow(run=run):
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
        if not isinstance(row, ChaosRow) or row.is_over:
            self.refuse("a run is stopped, and the cursor stands on none that goes on")
            return
        book, run = self.console_app.feed.chaos, row.run
        stop_when_confirmed(self, chaos_shelf.stop_lines(row), lambda: book().stop(run), self._read)

    def action_copy(self) -> None:
        from console.tui.copying import copy

        copy(self.console_app, chaos_shelf.twin(self.selected(), self.console_app.world.environment))
