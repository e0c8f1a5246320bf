"""A screen that is a table: fixed columns, patched rows, a cursor seen without colour, a filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Input

from console.tui import paint
from console.tui.live_table import LiveTable
from console.tui.worldly import Line, WorldlyScreen
from console.view.columns import Layout
from console.view.world import World

Cells = dict[str, Text]
STATE = "state"  # the first column, whose first character is the cursor's


class TableScreen(WorldlyScreen):
    """Subclasses say which rows there are, and draw what stands around them."""

    LAYOUT: ClassVar[Layout]
    HEADINGS: ClassVar[frozenset[str]] = frozenset()  # keys of rows that are lines between rows

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._drawn: dict[str, Cells] = {}
        self._width = 0
        self._marked: str | None = None

    def rows(self, world: World) -> dict[str, Cells]:
        """Every row by its key, in order. The one at the cursor, `_marked`, bears its mark."""
        raise TypeError(f"{type(self).__name__} has no rows of {world.environment}")

    def row(self, key: str, world: World) -> Cells | None:
        """One of `rows`; None for a line that no cursor marks."""
        raise TypeError(f"{type(self).__name__} has no row {key} of {world.environment}")

    def show_around(self, world: World) -> None:
        raise TypeError(f"{type(self).__name__} shows nothing around of {world.environment}")

    def show_selected(self, world: World) -> None:
        """The cursor stands on another row: draw the lines that say something of it."""

    def table_and_title(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        # The colour of a state is the renderable's own: it must survive under the cursor.
        table = LiveTable(
            id="body",
            cursor_type="row",
            cursor_foreground_priority="renderable",
            cursor_background_priority="renderable",
            zebra_stripes=False,
            cell_padding=0,
        )
        table.headings = self.HEADINGS
        yield table

    def search(self, placeholder: str) -> Input:
        search = Input(id="filter", placeholder=placeholder, compact=True)
        search.cursor_blink = False
        search.display = False
        return search

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self._set_columns()
            self.show(self.console_app.shown)

    def _set_columns(self) -> None:
        self._drawn = {}
        self.table.clear(columns=True)
        for column in self.LAYOUT.at(self._width):
            title = Text(column.fit(column.title), no_wrap=True)
            self.table.add_column(title, width=column.width, key=column.key)

    def show_body(self, world: World) -> None:
        if not self._width:
            return
        drawn = self.rows(world)
        if list(drawn) == self.table.order():
            self.table.patch(differences(self._drawn, drawn))
        else:
            self.table.fill(list(drawn.items()))
        self._drawn = drawn
        self._mark_cursor()
        self.show_around(world)
        self.show_selected(world)

    @on(DataTable.RowHighlighted)
    def _mark_cursor(self) -> None:
        """`>` before the row of the cursor, which is seen without colour too."""
        now = self.table.at_cursor()
        if now == self._marked:
            return
        before, self._marked = self._marked, now
        world = self.console_app.shown
        found = {key: self.row(key, world) for key in (before, now) if key is not None and key in self._drawn}
        drawn = {key: cells for key, cells in found.items() if cells is not None}
        self.table.patch(differences(self._drawn, drawn))
        self._drawn |= drawn
        self.show_selected(world)

    def marked(self, key: str, texts: dict[str, str]) -> dict[str, str]:
        """`texts`, with the mark when the cursor stands on `key`."""
        if key == self._marked:
            texts[STATE] = paint.CURSOR + texts[STATE][1:]
        return texts

    def action_filter(self) -> None:
        search = self.query_one("#filter", Input)
        search.display = True
        search.value = self._filter
        self.set_focus(search)  # at once: what is typed next must not be taken for keys of the table

    @on(Input.Changed, "#filter")
    def _filter_as_typed(self, event: Input.Changed) -> None:
        self._filter = event.value
        self.show_body(self.console_app.shown)

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter", Input).display = False
        self.table.focus()

    def action_clear_filter(self) -> None:
        self._filter = ""
        self._filter_done()
        self.show_body(self.console_app.shown)

    def action_down(self) -> None:
        self.table.action_cursor_down()

    def action_up(self) -> None:
        self.table.action_cursor_up()

    def action_top(self) -> None:
        self.table.action_scroll_top()

    def action_bottom(self) -> None:
        self.table.action_scroll_bottom()


def keys_of_table(screen: str) -> list[BindingType]:
    moves = {"j": "down", "k": "up", "g": "top", "G": "bottom"}
    return [Binding(key, to, to, show=False, id=f"{screen}.{to}") for key, to in moves.items()]


def differences(before: dict[str, Cells], after: dict[str, Cells]) -> dict[str, Cells]:
    """What changed, by row and column; rows that did not change are left out."""
    changed = {}
    for row, cells in after.items():
        old = before.get(row, {})
        different = {key: text for key, text in cells.items() if not _same(old.get(key), text)}
        if different:
            changed[row] = different
    return changed


def _same(one: Text | None, other: Text) -> bool:
    return one is not None and one.plain == other.plain and one.style == other.style
