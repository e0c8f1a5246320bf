"""Screen 3, Probes: every journey in every region, what fails first."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import ClassVar, override

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable

from console.tui import paint
from console.tui.table_screen import Cells, TableScreen
from console.tui.worldly import Line
from console.view import board
from console.view.board import Board, Row
from console.view.overview import Column
from console.view.world import World
from keelwatch.workspace import redact

READ_S = 2.0


class BoardRead(Message):
    """Only the newest matters."""

    def __init__(self, found: Board) -> None:
        super().__init__()
        self.board = found

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, BoardRead)


def row_key(row: Row) -> str:
    return f"{row.journey}@{row.region}"


class ProbesScreen(TableScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="probes.open"),
        Binding("n", "run", "run now", id="probes.run"),
        Binding("slash", "filter", "filter", id="probes.filter", key_display="/"),
        Binding("y", "copy", "copy", id="probes.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "back", "back", id="probes.back", key_display="esc"),
        Binding("j", "down", "down", show=False, id="probes.down"),
        Binding("k", "up", "up", show=False, id="probes.up"),
        Binding("g", "top", "top", show=False, id="probes.top"),
        Binding("G", "bottom", "bottom", show=False, id="probes.bottom"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None
        self._shown: dict[str, Row] = {}
        self._reading = False

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("quarantine")
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text   -s fail")

    def on_mount(self) -> None:
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def on_screen_resume(self) -> None:
        self._read()

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time: files may lie on a slow disk."""
        if self._reading:
            return
        self._reading = True
        feed, now = self.console_app.feed, self.console_app.clock.now()

        def read() -> None:
            try:
                found = feed.journeys().board(now)
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                found = Board(self.console_app.world.environment, now, trouble=redact(str(error)))
            self.post_message(BoardRead(found))

        threading.Thread(target=read, name="board", daemon=True).start()

    def on_board_read(self, message: BoardRead) -> None:
        self._reading = False
        self._board = message.board
        self.show(self.console_app.shown)

    def columns(self, width: int) -> Sequence[Column]:
        return board.columns(width)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._board.rows if self._board else ()
        chosen = [row for row in found if board.matches(row, self._filter)]
        self._shown = {row_key(row): row for row in chosen}
        return {key: self._cells(row) for key, row in self._shown.items()}

    @override
    def row(self, key: str, world: World) -> Cells | None:
        row = self._shown.get(key)
        return self._cells(row) if row is not None else None

    def _cells(self, row: Row) -> Cells:
        assert self._board is not None
        now = self._now
        texts = self.marked(row_key(row), board.cells(row, self._board, self._width, now))
        stale = row.stale(now)
        style = paint.result_style(row.result, stale=stale)
        cells = {key: Text(text, paint.DIM if stale else "", no_wrap=True) for key, text in texts.items()}
        return cells | {"state": paint.word(texts["state"], style)}

    @property
    def _now(self) -> float:
        """Results are of the present, also in a replay, and age with every second."""
        return self.console_app.clock.now()

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable and self._board is not None:
            self.show_body(world)

    @override
    def show_around(self, world: World) -> None:
        if self._board is None:
            self.line("title").say(" Probes: reading what is kept of journeys ...")
            return
        told = board.heading(self._board, len(self._shown), self._width, self._now, self._filter)
        then = " | of NOW: no results are kept for the replay" if world.replay else ""
        self.line("title").say(f" {told}{then}")
        self.line("quarantine").say(f" {board.left_line(self._board)}")

    @override
    def show_selected(self, world: World) -> None:
        if self._board is not None:
            row = self.selected()
            self.line("selected").say(f" {board.row_line(row, self._board, self._now)}")
            self.line("next").say(f" {board.next_line(row, self._board, self._width)}")

    def selected(self) -> Row | None:
        return self._shown.get(self.table.at_cursor() or "")

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

    def action_back(self) -> None:
        """First out of the filter, then out of the screen."""
        if self._filter or self.query_one("#filter").display:
            self.action_clear_filter()
        else:
            self.app.pop_screen()
