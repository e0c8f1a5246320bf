"""Screen 2, one objective: its pairs, its windows, and how its budget went."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
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
from console.view.plot import Charset
from console.view.world import World
from slo.reasons import Cause
from slo.snapshot import ObjectiveReading

REDRAW_S = 15.0  # the plot changes when a bucket closes, not with every tick


class HistoryRead(Message):
    def __init__(self, past: Sequence[float | None], causes: Sequence[Cause]) -> None:
        super().__init__()
        self.past = past
        self.causes = causes


class ObjectiveScreen(WorldlyScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="objective.back", key_display="esc"),
        Binding("w", "why", "why", id="objective.why"),
        Binding("y", "copy", "copy command", id="objective.copy"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._past: Sequence[float | None] = ()
        self._causes: Sequence[Cause] | None = None

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        with VerticalScroll(id="body"):
            yield Static("", id="detail", classes="text", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._read_history()
        self.set_interval(REDRAW_S, self._read_history)

    def _read_history(self) -> None:
        """Off the UI thread: the history may still be on its way from the source."""

        def read() -> None:
            feed = self.console_app.feed
            try:
                message = HistoryRead(feed.burn_down(self.key), feed.causes(self.key))
            except Exception:  # noqa: BLE001 - a thread's traceback would be written over the screen
                message = HistoryRead(self._past, ())
            self.post_message(message)

        threading.Thread(target=read, name="history", daemon=True).start()

    def on_history_read(self, message: HistoryRead) -> None:
        self._past = message.past
        self._causes = message.causes
        self.show(self.console_app.world)

    def on_resize(self, _: events.Resize) -> None:
        self.show(self.console_app.world)

    def reading(self, world: World) -> ObjectiveReading | None:
        objectives = world.snapshot.objectives if world.snapshot else ()
        return next((one for one in objectives if one.key == self.key), None)

    def show_body(self, world: World) -> None:
        one = self.reading(world)
        if one is None:
            self.line("title").say(f" Overview > SLO  {self.key[0]}: no reading yet")
            return
        self.line("title").say(" " + objective.heading(one, world, self.app.size.width))
        width = self.app.size.width - 2  # the scrollbar's column stays free
        text = Text("\n".join(f" {line}"[:width] for line in self._lines(one, world)))
        if world.stale:
            text.stylize(paint.DIM)
        self.query_one("#detail", Static).update(text)

    def _lines(self, one: ObjectiveReading, world: World) -> list[str]:
        size = self.app.size
        lines = [
            objective.budget_line(one, size.width, world.now),
            objective.state_sentence(one),
            *objective.pair_lines(one, size.width, world.now),
            "",
        ]
        fixed = len(lines) + 6
        height = max(6, min(14, size.height - fixed))
        charset = Charset(self.console_app.charset)
        plot = objective.burn_down_lines(one, self._past, min(size.width - 2, 110), height, charset)
        if world.backfill_until is not None:
            plot[0] += f"; before {_when(world)} it is BACKFILLED"
        return [*lines, *plot, "", *objective.cause_lines(self._causes), "", *objective.window_lines(one)]

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_why(self) -> None:
        from console.tui.why import WhyScreen

        self.app.push_screen(WhyScreen(self.key))

    def action_copy(self) -> None:
        from console.tui.copying import copy

        name, region = self.key
        where = f" --region {region}" if region else ""
        copy(self.console_app, f"keelwatch slo show {name}{where} --env {self.console_app.world.environment}")


def _when(world: World) -> str:
    from console.view.numbers import hour_minute

    return hour_minute(world.backfill_until or 0.0, world.now)
