"""Screen 4, Load: loads that run, every profile with the last run of it, what ended lately."""

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
from console.view import load_shelf
from console.view.load_shelf import ENDED_ROW, LoadRow, LoadShelf, ProfileRow
from console.view.overview import Column
from console.view.world import World


class LoadsScreen(ActingScreen, BookScreen[LoadShelf, ProfileRow | LoadRow]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="loads.open", tooltip="open the run, or the profile's last one"),
        Binding("s", "start", "start", id="loads.start", tooltip="start it: the environment is to be typed"),
        Binding("x", "stop", "stop", id="loads.stop", tooltip="stop the run at the cursor"),
        *keys_of_book("loads"),
    ]
    HEADINGS = frozenset({ENDED_ROW})
    blank = LoadShelf

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text")

    @override
    def read(self, feed: FeedLike, now: float) -> LoadShelf:
        return feed.loads().shelf(now)

    def columns(self, width: int) -> Sequence[Column]:
        return load_shelf.columns(width)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._page
        if found is None:
            return {}
        every: list[ProfileRow | LoadRow] = [*found.living, *found.rows, *found.ended]
        self._shown = {one.key: one for one in every if load_shelf.matches(one, self._filter)}
        cells: dict[str, Cells] = {}
        for key, one in self._shown.items():
            if isinstance(one, LoadRow) and one.is_over and ENDED_ROW not in cells:
                texts = load_shelf.ended_cells(found, self._width)
                cells[ENDED_ROW] = {
                    name: Text(text, paint.GROUP, no_wrap=True) for name, text in texts.items()
                }
            cells[key] = self.cells(one)
        return cells

    @override
    def cells(self, row: ProfileRow | LoadRow) -> Cells:
        match row:
            case ProfileRow():
                texts = self.marked(row.key, load_shelf.profile_cells(row, self._width, self._now))
                style = paint.BAD if row.last and row.last.outcome == "fail" else ""
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"last": Text(texts["last"], style, no_wrap=True)}
            case LoadRow():
                texts = self.marked(row.key, load_shelf.run_cells(row, self._width, self._now))
                style = paint.DIM if row.is_over else paint.CURSOR_ROW
                return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    @override
    def show_around(self, world: World) -> None:
        if self._page is None:
            self.line("title").say(" Load: reading the workspace and the ledger ...")
            return
        told = load_shelf.heading(self._page, self._width, self._filter)
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {told}{then}")

    @override
    def show_selected(self, world: World) -> None:
        if self._page is not None:
            row = self.selected()
            told = self.said or self._page.trouble or load_shelf.row_line(row, self._page)
            self.line("selected").say(f" {told}")
            told = load_shelf.next_line(row, self._page, self._width, armed=world.armed)
            self.line("next").say(f" {told}")

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        match self.selected():
            case LoadRow(run=run):
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
        if not isinstance(row, LoadRow) or row.is_over:
            self.refuse("a run is stopped, and the cursor stands on none that goes on")
            return
        book, run = self.console_app.feed.loads, row.run
        stop_when_confirmed(self, load_shelf.stop_lines(row), lambda: book().stop(run), self._read)

    def action_copy(self) -> None:
        from console.tui.copying import copy

        copy(self.console_app, load_shelf.twin(self.selected(), self.console_app.world.environment))
