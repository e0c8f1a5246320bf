"""Screen 3, Probes: every journey in every region, what fails first."""

from __future__ import annotations

from collections.abc import Iterable
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
from console.view import board
from console.view.board import Board, Row
from console.view.world import World


def row_key(row: Row) -> str:
    return f"{row.journey}@{row.region}"


class ProbesScreen(BookScreen[Board, Row]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="probes.open"),
        Binding("n", "run", "run now", id="probes.run"),
        *keys_of_book("probes"),
    ]
    LAYOUT = board.LAYOUT
    blank = Board

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("quarantine")
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text   -s fail")

    @override
    def read(self, feed: FeedLike, now: float) -> Board:
        return feed.journeys().board(now)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._page.rows if self._page else ()
        self._shown = {row_key(row): row for row in found if board.matches(row, self._filter)}
        return {key: self.cells(row) for key, row in self._shown.items()}

    @override
    def cells(self, row: Row) -> Cells:
        assert self._page is not None
        texts = self.marked(row_key(row), board.cells(row, self._page, self._width, self._now))
        stale = row.stale(self._now)
        style = paint.result_style(row.result, stale=stale)
        cells = {key: Text(text, paint.DIM if stale else "", no_wrap=True) for key, text in texts.items()}
        return cells | {"state": paint.word(texts["state"], style)}

    @override
    def show_around(self, world: World) -> None:
        if self._page is None:
            self.line("title").say(" Probes: reading what is kept of journeys ...")
            return
        told = board.heading(self._page, len(self._shown), self._width, self._now, self._filter)
        then = " | of NOW: no results are kept for the replay" if world.replay else ""
        self.line("title").say(f" {told}{then}")
        self.line("quarantine").say(f" {board.left_line(self._page)}")

    @override
    def show_selected(self, world: World) -> None:
        if self._page is not None:
            row = self.selected()
            self.line("selected").say(f" {board.row_line(row, self._page, self._now)}")
            self.line("next").say(f" {board.next_line(row, self._page, self._width)}")

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        if row := self.selected():
            from console.tui.journey import JourneyScreen

            self.app.push_screen(JourneyScreen(*row.key))

    def action_run(self) -> None:
        if row := self.selected():
            from console.tui.journey import JourneyScreen

            self.app.push_screen(JourneyScreen(*row.key, ask_to_run=True))

    def action_copy(self) -> None:
        from console.tui.copying import copy

        row, environment = self.selected(), self.console_app.world.environment
        what = f"show {row.journey} --region {row.region}" if row else "list"
        copy(self.console_app, f"keelwatch probe {what} --env {environment}")
