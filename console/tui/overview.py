"""Screen 1, the Overview: every objective, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import DataTable, Static

from console.feed import Key
from console.tui import paint
from console.tui.table_screen import Cells, TableScreen, keys_of_table
from console.tui.worldly import Line
from console.view import head, overview
from console.view.columns import NARROW
from console.view.filter import matches
from console.view.world import World
from slo.snapshot import ObjectiveReading
from slo.verdict import verdict

GROUP_ROW = "@probe"  # no objective has this key
AROUND_SMALL, AROUND = 9, 13  # lines that are no rows of the table
TALL = 30  # as the app's breakpoint has it


def row_key(one: ObjectiveReading) -> str:
    return f"{one.name}@{one.region or ''}"


class OverviewScreen(TableScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="overview.open"),
        Binding("w", "why", "why", id="overview.why"),
        Binding("slash", "filter", "filter", id="overview.filter", key_display="/"),
        Binding("space", "fold", "fold ok", id="overview.fold"),
        Binding("y", "copy", "copy", id="overview.copy"),
        *keys_of_table("overview"),
        Binding("escape", "clear_filter", "clear", show=False, id="overview.clear"),
    ]
    LAYOUT = overview.LAYOUT
    HEADINGS = frozenset({GROUP_ROW})

    def __init__(self) -> None:
        super().__init__()
        self._folded: bool | None = None
        self._readings: dict[str, ObjectiveReading] = {}

    def body(self) -> Iterable[Widget]:
        yield from self.table_and_title()
        with Horizontal(id="below"):
            yield Static("", id="regions", markup=False)
            yield Static("", id="events", markup=False)
        yield Line("strip")
        yield Line("probes")
        yield Line("next")
        yield self.search("text   !text   -s page")

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#regions", Static).styles.width = overview.STRIP_WIDTH + 3
        super().on_resize(event)

    def rows(self, world: World) -> dict[str, Cells]:
        """Customers' objectives, then a line, then those on journeys."""
        chosen = self._chosen(world)
        self._readings = {row_key(one): one for one in chosen}
        real, probes = overview.grouped(chosen)
        every = overview.grouped(world.snapshot.objectives if world.snapshot else ())[1]
        rows = {row_key(one): self._cells(one, world) for one in real}
        if probes or (every and not self._filter):
            texts = overview.group_cells(every, self._width, stale=world.stale)
            rows[GROUP_ROW] = {key: Text(text, paint.GROUP, no_wrap=True) for key, text in texts.items()}
        return rows | {row_key(one): self._cells(one, world) for one in probes}

    def row(self, key: str, world: World) -> Cells | None:
        one = self._readings.get(key)
        return self._cells(one, world) if one is not None else None

    def show_around(self, world: World) -> None:
        total, shown = len(world.snapshot.objectives) if world.snapshot else 0, len(self._readings)
        folded = total - shown if self.folded and not self._filter else 0
        self.line("title").say(
            " " + overview.table_title(world, shown, self._width, folded=folded, chip=self._filter)
        )
        style = paint.DIM if world.stale else Style.null()
        _say(self.query_one("#regions", Static), [f" {line}" for line in overview.region_lines(world)], style)
        _say(self.query_one("#events", Static), ["EVENTS", *self._events(world)], Style.null())
        self.line("strip").say(f" {overview.region_line(world, self._width)}")
        self.line("probes").say(f" {overview.probes_line(world)}")

    def show_selected(self, world: World) -> None:
        self.line("next").say(f" {head.next_line(world, self._width, self.selected())}")

    def _events(self, world: World) -> list[str]:
        room = max(8, self._width - overview.STRIP_WIDTH - 4)
        told = [f"{overview.told(change, world.now)}  {change.actor}" for change in world.changes[-4:][::-1]]
        return [line if len(line) <= room else f"{line[: room - 1]}~" for line in told] or [
            "none recorded yet"
        ]

    @property
    def folded(self) -> bool:
        """OK rows that do not fit are put away, until `space` says otherwise."""
        if self._folded is not None:
            return self._folded
        world = self.console_app.shown
        return world.snapshot is not None and len(world.snapshot.objectives) >= self._room

    @property
    def _room(self) -> int:
        """Rows that are seen without scrolling."""
        width, height = self.app.size
        around = AROUND if width >= NARROW and height >= TALL else AROUND_SMALL
        return max(5, height - around)

    def _chosen(self, world: World) -> list[ObjectiveReading]:
        if world.snapshot is None:
            return []
        every = [one for one in world.snapshot.objectives if matches(one, self._filter)]
        if not self.folded or self._filter:
            return every
        return overview.unfolded(every, self._room)

    def _cells(self, one: ObjectiveReading, world: World) -> Cells:
        texts = overview.cells(one, self._width, stale=world.stale, charset="ascii")
        texts = self.marked(row_key(one), texts)
        return {key: paint.cell(key, text, one.state, stale=world.stale) for key, text in texts.items()}

    def selected(self) -> ObjectiveReading | None:
        return self._readings.get(self.table.at_cursor() or "")

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

        world = self.console_app.shown
        self.app.push_screen(WhyScreen(key, world.now if world.replay else None))

    def action_top(self) -> None:
        """To the worst, which is the top one unless journeys alone suffer; from there to the top."""
        snapshot = self.console_app.shown.snapshot
        worst = verdict(snapshot).first if snapshot else None
        key = row_key(worst) if worst else ""
        if key in self._readings and key not in (self.table.at_cursor(), self.table.order()[0]):
            self.table.go_to(key)
        else:
            super().action_top()

    def action_fold(self) -> None:
        self._folded = not self.folded
        self.show_body(self.console_app.shown)

    def action_copy(self) -> None:
        if one := self.selected():
            from console.tui.copying import copy_command

            copy_command(self.console_app, one.key)


def _say(widget: Static, lines: list[str], style: Style) -> None:
    text = Text("\n".join(lines), style, no_wrap=True, overflow="ellipsis")
    if getattr(widget, "said", None) != (text.plain, style):
        widget.said = (text.plain, style)  # type: ignore[attr-defined]  # so that nothing is repainted in vain
        widget.update(text, layout=False)
