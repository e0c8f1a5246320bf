"""Screen 2, one objective: its pairs, how its budget went, and what its bad events share."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.feed import Key
from console.tui import paint
from console.tui.worldly import Line, WorldlyScreen
from console.view import objective
from console.view.detail import Tab, View, detail, next_split
from console.view.plot import Charset
from console.view.world import Causes, World
from slo.snapshot import ObjectiveReading, State

REDRAW_S = 15.0  # the plot changes when a bucket closes, not with every tick


class HistoryRead(Message):
    """`at` is the moment of a replay, None for now."""

    def __init__(self, at: float | None, past: Sequence[float | None], causes: Causes) -> None:
        super().__init__()
        self.at = at
        self.past = past
        self.causes = causes


class ObjectiveScreen(WorldlyScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="objective.back", key_display="esc"),
        Binding("w", "why", "why", id="objective.why"),
        Binding("s", "split", "split", id="objective.split", tooltip="split the bad events by another label"),
        Binding(
            "x",
            "exclude",
            "exclude",
            id="objective.exclude",
            tooltip="leave the pair at > out of the plot, or not (view only)",
        ),
        Binding(
            "tab", "turn_tab", "turn", id="objective.tab", priority=True, tooltip="the plot, or the reasons"
        ),
        Binding("y", "copy", "copy", id="objective.copy"),
        Binding("j,down", "move(1)", "next pair", show=False, id="objective.down"),
        Binding("k,up", "move(-1)", "pair before", show=False, id="objective.up"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._view = View(0, 0)
        self._past: Sequence[float | None] = ()
        self._causes: Causes | None = None
        self._read_of: float | None = None

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        # Without the focus, so that the arrows move between pairs; all fits from 80x24 on.
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)

    def on_mount(self) -> None:
        self._fit()
        super().on_mount()
        self._read_history()
        self.set_interval(REDRAW_S, self._read_history)

    def _fit(self) -> None:
        size, charset = self.app.size, Charset(self.console_app.charset)
        self._view = replace(self._view, width=size.width, height=size.height, charset=charset)

    def _read_history(self) -> None:
        """Off the UI thread: the history may still be on its way from the source."""
        at = _moment(self.console_app.shown)

        def read() -> None:
            feed = self.console_app.feed
            try:
                message = HistoryRead(at, feed.burn_down(self.key, at), feed.causes(self.key, at))
            except Exception:  # noqa: BLE001 - a thread's traceback would be written over the screen
                message = HistoryRead(at, (), Causes())
            self.post_message(message)

        threading.Thread(target=read, name="history", daemon=True).start()

    def on_history_read(self, message: HistoryRead) -> None:
        if message.at == _moment(self.console_app.shown):
            self._past = message.past
            self._causes = message.causes
            self._read_of = message.at
            self.show(self.console_app.shown)

    def on_resize(self, _: events.Resize) -> None:
        self._fit()
        self.refresh_bindings()
        self.show(self.console_app.shown)

    def reading(self, world: World) -> ObjectiveReading | None:
        objectives = world.snapshot.objectives if world.snapshot else ()
        return next((one for one in objectives if one.key == self.key), None)

    def show_body(self, world: World) -> None:
        if _moment(world) != self._read_of:  # what is known is of another moment
            self._past, self._causes, self._read_of = (), None, _moment(world)
            self._read_history()
        one = self.reading(world)
        if one is None:
            self.line("title").say(f" Overview > SLO  {self.key[0]}: no reading {_then(world)}")
            self.query_one("#detail", Static).update("")
            return
        self.line("title").say(" " + objective.heading(one, world, self._view.width))
        self.query_one("#detail", Static).update(self._text(one, world))

    def _text(self, one: ObjectiveReading, world: World) -> Text:
        """The lines: the pair under the cursor bold, an excluded one dim, a critical one in its colour."""
        drawn = detail(one, world, self._past, self._causes, self._view)
        lines = [Text(line) for line in drawn.lines]
        for row, pair in enumerate(one.pairs):
            line = lines[drawn.pairs_at + row]
            if pair.outcome == "critical" and not world.stale and pair.long not in self._view.left_out:
                line.stylize(paint.STYLES[State(pair.severity)], 3, 3 + len(f"{pair.long} & {pair.short}"))
            if pair.long in self._view.left_out:
                line.stylize(paint.DIM)
            if row == self._view.cursor:
                line.stylize(paint.CURSOR_ROW)
        if (column := drawn.divider) is not None:
            for line in lines[drawn.pairs_at + len(one.pairs) :]:
                if line.plain[column : column + 1] == "|":
                    line.stylize(paint.DIM, column, column + 1)
        text = Text("\n").join(lines)
        text.no_wrap = True
        if world.stale:
            text.stylize(paint.DIM)
        return text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where plot and reasons stand side by side there are no tabs."""
        if action == "turn_tab":
            return not self._view.is_wide
        return super().check_action(action, parameters)

    def _change(self, view: View) -> None:
        self._view = view
        self.show_body(self.console_app.shown)

    def action_turn_tab(self) -> None:
        other = Tab.REASONS if self._view.tab is Tab.PLOT else Tab.PLOT
        self._change(replace(self._view, tab=other))

    def action_split(self) -> None:
        """The next label; on a small screen the reasons come to the front first."""
        if not self._view.is_wide and self._view.tab is Tab.PLOT:
            self.action_turn_tab()
            return
        self._change(replace(self._view, split=next_split(self._causes, self._view.split)))

    def action_move(self, rows: int) -> None:
        one = self.reading(self.console_app.shown)
        if one is not None and one.pairs:
            cursor = max(0, min(len(one.pairs) - 1, self._view.cursor + rows))
            self._change(replace(self._view, cursor=cursor))

    def action_exclude(self) -> None:
        one = self.reading(self.console_app.shown)
        if one is None or self._view.cursor >= len(one.pairs):
            return
        long, out = one.pairs[self._view.cursor].long, self._view.left_out
        kept = tuple(name for name in out if name != long) if long in out else (*out, long)
        self._change(replace(self._view, left_out=kept))

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_why(self) -> None:
        from console.tui.why import WhyScreen

        self.app.push_screen(WhyScreen(self.key, _moment(self.console_app.shown)))

    def action_copy(self) -> None:
        from console.tui.copying import copy_command

        copy_command(self.console_app, self.key)


def _moment(world: World) -> float | None:
    """The moment that a replay shows; None for now."""
    return world.now if world.replay is not None else None


def _then(world: World) -> str:
    return "of that moment" if world.replay else "yet"
