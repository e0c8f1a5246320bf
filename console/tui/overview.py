"""Screen 1, the Overview: every objective, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import DataTable, Input, Static

from console.feed import Key
from console.tui import paint
from console.tui.live_table import LiveTable
from console.tui.worldly import Line, WorldlyScreen
from console.view import head, overview
from console.view.filter import matches
from console.view.world import World
from slo.snapshot import ObjectiveReading, State

Cells = dict[str, Text]


def row_key(one: ObjectiveReading) -> str:
    return f"{one.name}@{one.region or ''}"


class OverviewScreen(WorldlyScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="overview.open"),
        Binding("w", "why", "why", id="overview.why"),
        Binding("slash", "filter", "filter", id="overview.filter", key_display="/"),
        Binding("space", "fold", "fold ok", id="overview.fold"),
        Binding("y", "copy", "copy", id="overview.copy"),
        Binding("j", "down", "down", show=False, id="overview.down"),
        Binding("k", "up", "up", show=False, id="overview.up"),
        Binding("g", "top", "top", show=False, id="overview.top"),
        Binding("G", "bottom", "bottom", show=False, id="overview.bottom"),
        Binding("escape", "clear_filter", "clear", show=False, id="overview.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._folded: bool | None = None
        self._drawn: dict[str, Cells] = {}
        self._readings: dict[str, ObjectiveReading] = {}
        self._width = 0

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        table = LiveTable(id="body", cursor_type="row", zebra_stripes=False, cell_padding=0)
        yield table
        with Horizontal(id="below"):
            yield Static("", id="regions", markup=False)
            yield Static("", id="events", markup=False)
        yield Line("strip")
        yield Line("next")
        search = Input(id="filter", placeholder="text   !text   -s page", compact=True)
        search.cursor_blink = False
        search.display = False
        yield search

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self._set_columns()
            self.show(self.console_app.world)

    def _set_columns(self) -> None:
        self._drawn = {}
        self.table.clear(columns=True)
        for column in overview.columns(self._width):
            self.table.add_column(
                Text(column.fit(column.title), no_wrap=True), width=column.width, key=column.key
            )

    def show_body(self, world: World) -> None:
        if not self._width:
            return
        chosen = self._chosen(world)
        self._readings = {row_key(one): one for one in chosen}
        drawn = {key: self._cells(one, world) for key, one in self._readings.items()}
        if list(drawn) == self.table.order():
            self.table.patch(_differences(self._drawn, drawn))
        else:
            self.table.fill(list(drawn.items()))
        self._drawn = drawn
        self._show_around(world)

    def _show_around(self, world: World) -> None:
        total = len(world.snapshot.objectives) if world.snapshot else 0
        folded = total - len(self._drawn) if self.folded and not self._filter else 0
        self.line("title").say(
            " " + overview.table_title(world, len(self._drawn), self._width, folded=folded, chip=self._filter)
        )
        _say(self.query_one("#regions", Static), [f" {line}" for line in overview.region_lines(world)])
        _say(self.query_one("#events", Static), ["EVENTS", *self._events(world)])
        self.line("strip").say(f" {overview.region_line(world)}")
        self.line("next").say(" " + head.next_line(world, self._width))

    def _events(self, world: World) -> list[str]:
        told = [f"{overview.told(change, world.now)}  {change.actor}" for change in world.changes[-4:][::-1]]
        return told or ["none recorded yet"]

    @property
    def folded(self) -> bool:
        """OK rows are put away on a short screen, until `space` says otherwise."""
        return self._folded if self._folded is not None else self.app.size.height < 30

    def _chosen(self, world: World) -> list[ObjectiveReading]:
        if world.snapshot is None:
            return []
        every = [one for one in world.snapshot.objectives if matches(one, self._filter)]
        if not self.folded or self._filter:
            return every
        needy = [one for one in every if one.state is not State.OK]
        room = max(5, self.app.size.height - 12)
        return [*needy, *[one for one in every if one.state is State.OK][: max(0, room - len(needy))]]

    def _cells(self, one: ObjectiveReading, world: World) -> Cells:
        texts = overview.cells(one, self._width, stale=world.stale, charset="ascii")
        return {key: paint.cell(key, text, one.state, stale=world.stale) for key, text in texts.items()}

    def selected(self) -> ObjectiveReading | None:
        order = self.table.order()
        at = self.table.cursor_row
        return self._readings.get(order[at]) if 0 <= at < len(order) else None

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        if one := self.selected():
            from console.tui.objective import ObjectiveScreen

            self.app.push_screen(ObjectiveScreen(one.key))

    def action_why(self) -> None:
        if one := self.selected():
            self.show_why(one.key)

    def show_why(self, key: Key) -> None:
        from console.tui.why import WhyScreen

        self.app.push_screen(WhyScreen(key))

    def action_fold(self) -> None:
        self._folded = not self.folded
        self.show_body(self.console_app.world)

    def action_copy(self) -> None:
        if one := self.selected():
            from console.tui.copying import copy

            region = f" --region {one.region}" if one.region else ""
            copy(
                self.console_app,
                f"keelwatch slo show {one.name}{region} --env {self.console_app.world.environment}",
            )

    def action_filter(self) -> None:
        search = self.query_one("#filter", Input)
        search.display = True
        search.value = self._filter
        search.focus()

    @on(Input.Changed, "#filter")
    def _filter_as_typed(self, event: Input.Changed) -> None:
        self._filter = event.value
        self.show_body(self.console_app.world)

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#filter", Input).display = False
        self.table.focus()

    def action_clear_filter(self) -> None:
        self._filter = ""
        self._filter_done()
        self.show_body(self.console_app.world)

    def action_down(self) -> None:
        self.table.action_cursor_down()

    def action_up(self) -> None:
        self.table.action_cursor_up()

    def action_top(self) -> None:
        self.table.action_scroll_top()

    def action_bottom(self) -> None:
        self.table.action_scroll_bottom()


def _say(widget: Static, lines: list[str]) -> None:
    text = "\n".join(lines)
    if getattr(widget, "said", None) != text:
        widget.said = text  # type: ignore[attr-defined]  # what it shows now, so that nothing is repainted in vain
        widget.update(Text(text, no_wrap=True, overflow="ellipsis"), layout=False)


def _differences(before: dict[str, Cells], after: dict[str, Cells]) -> dict[str, Cells]:
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
