"""Screen 6, Runbooks: runs that are not over, every runbook with its last rehearsal, what ended lately."""

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
from console.view import shelf
from console.view.overview import Column
from console.view.shelf import ENDED_ROW, RunRow, Shelf, ShelfRow
from console.view.world import World
from keelwatch.workspace import redact

READ_S = 2.0


class ShelfRead(Message):
    """Only the newest matters."""

    def __init__(self, found: Shelf) -> None:
        super().__init__()
        self.shelf = found

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ShelfRead)


class RunbooksScreen(TableScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="runbooks.open"),
        Binding("slash", "filter", "filter", id="runbooks.filter", key_display="/"),
        Binding("y", "copy", "copy", id="runbooks.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "back", "back", id="runbooks.back", key_display="esc"),
        Binding("j", "down", "down", show=False, id="runbooks.down"),
        Binding("k", "up", "up", show=False, id="runbooks.up"),
        Binding("g", "top", "top", show=False, id="runbooks.top"),
        Binding("G", "bottom", "bottom", show=False, id="runbooks.bottom"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shelf: Shelf | None = None
        self._shown: dict[str, ShelfRow | RunRow] = {}
        self._reading = False

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        yield Line("selected")
        yield Line("next")
        yield self.search("text   !text")

    def on_mount(self) -> None:
        self.table.headings = frozenset({ENDED_ROW})
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def on_screen_resume(self) -> None:
        self._read()

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time."""
        if self._reading:
            return
        self._reading = True
        feed, now = self.console_app.feed, self.console_app.clock.now()

        def read() -> None:
            try:
                found = feed.runbooks().shelf(now)
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                found = Shelf(self.console_app.world.environment, now, trouble=redact(str(error)))
            self.post_message(ShelfRead(found))

        threading.Thread(target=read, name="shelf", daemon=True).start()

    def on_shelf_read(self, message: ShelfRead) -> None:
        self._reading = False
        self._shelf = message.shelf
        self.show(self.console_app.shown)

    def columns(self, width: int) -> Sequence[Column]:
        return shelf.columns(width)

    @override
    def rows(self, world: World) -> dict[str, Cells]:
        found = self._shelf
        if found is None:
            return {}
        every: list[ShelfRow | RunRow] = [*found.living, *found.rows, *found.ended]
        self._shown = {one.key: one for one in every if shelf.matches(one, self._filter)}
        cells: dict[str, Cells] = {}
        for key, one in self._shown.items():
            if isinstance(one, RunRow) and one.is_over and ENDED_ROW not in cells:
                texts = shelf.ended_cells(len(found.ended), self._width)
                cells[ENDED_ROW] = {
                    name: Text(text, paint.GROUP, no_wrap=True) for name, text in texts.items()
                }
            cells[key] = self._cells(one)
        return cells

    @override
    def row(self, key: str, world: World) -> Cells | None:
        one = self._shown.get(key)
        return self._cells(one) if one is not None else None

    def _cells(self, one: ShelfRow | RunRow) -> Cells:
        now = self.console_app.clock.now()
        match one:
            case ShelfRow():
                texts = self.marked(one.key, shelf.runbook_cells(one, self._width, now))
                style = paint.BAD if shelf.flaws(one, now) else ""
                cells = {key: Text(text, no_wrap=True) for key, text in texts.items()}
                return cells | {"badge": Text(texts["badge"], style, no_wrap=True)}
            case RunRow():
                texts = self.marked(one.key, shelf.run_cells(one, self._width, now))
                style = paint.DIM if one.is_over else paint.CURSOR_ROW
                return {key: Text(text, style, no_wrap=True) for key, text in texts.items()}

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable and self._shelf is not None:
            self.show_body(world)

    @override
    def show_around(self, world: World) -> None:
        if self._shelf is None:
            self.line("title").say(" Runbooks: reading the workspace and the ledger ...")
            return
        told = shelf.heading(self._shelf, self._width, self.console_app.clock.now(), self._filter)
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {told}{then}")

    @override
    def show_selected(self, world: World) -> None:
        if self._shelf is not None:
            row = self.selected()
            told = shelf.row_line(row, self._shelf, self.console_app.clock.now())
            self.line("selected").say(f" {self._shelf.trouble or told}")
            self.line("next").say(f" {shelf.next_line(row, self._shelf, self._width)}")

    def selected(self) -> ShelfRow | RunRow | None:
        return self._shown.get(self.table.at_cursor() or "")

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

    def action_back(self) -> None:
        """First out of the filter, then out of the screen."""
        if self._filter or self.query_one("#filter").display:
            self.action_clear_filter()
        else:
            self.app.pop_screen()
