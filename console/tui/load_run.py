"""One run of a load: its curves, requests, guard, budget and generators, as it goes and after its end."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import ClassVar, override

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.tui import paint
from console.tui.acting import ActingScreen
from console.tui.loads import stopped
from console.tui.worldly import Line
from console.view import load_screen
from console.view.load_course import Course
from console.view.load_screen import Drawn, Tab
from console.view.plot import Charset
from console.view.world import World
from keelwatch.workspace import redact
from keelwatch.workspace.visible import visible_line
from slo.snapshot import State

READ_S = 1.0


class CourseRead(Message):
    """Only the newest matters; `trouble` says why there is none."""

    def __init__(self, course: Course | None, trouble: str = "") -> None:
        super().__init__()
        self.course = course
        self.trouble = trouble

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, CourseRead)


class LoadScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "read", id="load.open", key_display="enter", tooltip="all of it in full"),
        Binding("tab", "turn", "below", id="load.tab", tooltip="requests, journeys, thresholds, errors"),
        Binding("x", "stop", "stop", id="load.stop", tooltip="stop it; what it did is taken back"),
        Binding("y", "copy", "copy", id="load.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "back", "back", id="load.back", key_display="esc"),
        Binding("j,down", "scroll_text(2)", show=False, id="load.down"),
        Binding("k,up", "scroll_text(-2)", show=False, id="load.up"),
        Binding("pageup", "scroll_text(-8)", show=False, id="load.earlier"),
        Binding("pagedown", "scroll_text(8)", show=False, id="load.later"),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run_id = run
        self._course: Course | None = None
        self._tab = Tab.REQUESTS
        self._trouble = ""
        self._reading = False
        self._drawn_text: Text | None = None

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        yield Line("stands")
        yield Line("judged")
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)
        yield Line("next")

    def on_mount(self) -> None:
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def on_screen_resume(self) -> None:
        self._read()

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time; what is new alone."""
        if self._reading or (self._course is not None and self._course.is_over):
            return
        self._reading = True
        feed, run = self.console_app.feed, self._run_id

        def read() -> None:
            try:
                self.post_message(CourseRead(feed.loads().course(run)))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(CourseRead(None, redact(str(error))))

        threading.Thread(target=read, name="load", daemon=True).start()

    def on_course_read(self, message: CourseRead) -> None:
        self._reading, self._trouble = False, message.trouble
        if message.course is not None:
            self._course = message.course
        self.show(self.console_app.shown)

    @override
    def show_body(self, world: World) -> None:
        course, (width, height), now = self._course, self.app.size, self.console_app.clock.now()
        if course is None:
            self.line("title").say(f" Load > run {self._run_id}")
            self.line("stands").say(f" {self._trouble or 'reading the ledger ...'}")
            return
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {load_screen.heading(course, width - len(then))}{then}")
        self.line("stands").say(f" {load_screen.state_line(course, now, width)}")
        word, _ = load_screen.verdict_words(course, now)
        rest = load_screen.verdict_lines(course, now, width)[0].removeprefix(word)
        self.line("judged").say(Text.assemble(" ", (word, _style(course)), visible_line(rest)))
        charset = Charset(self.console_app.charset)
        text = _painted(load_screen.drawn(course, self._tab, width, height, now, charset))
        if self._drawn_text != text:
            self._drawn_text = text
            self.query_one("#detail", Static).update(text)
        self.line("next").say(f" {self._trouble or self.said or load_screen.next_line(course, width)}")

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def on_resize(self) -> None:
        self.show(self.console_app.shown)

    def action_turn(self) -> None:
        self._tab = self._tab.next()
        self.hush()
        self.show_body(self.console_app.shown)

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_open(self) -> None:
        from console.tui.dialog import LinesDialog

        course, width = self._course, self.app.size.width
        if course is not None:
            lines = load_screen.full_lines(course, width * 9 // 10 - 4, self.console_app.clock.now())
            self.app.push_screen(LinesDialog(f"{course.profile}: run {course.run}", lines))

    def action_stop(self) -> None:
        from console.tui.dialog import StopDialog

        course = self._course
        reason = "the run has not been read yet" if course is None else load_screen.why_not_stopped(course)
        if course is None or reason:
            self.refuse(reason)
            return
        book, run = self.console_app.feed.loads, self._run_id

        def stop_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
            if wanted:
                self.act(lambda: stopped(book().stop(run)), self._read)

        self.app.push_screen(
            StopDialog(load_screen.stop_lines(course, self.console_app.clock.now())), stop_if
        )

    def action_copy(self) -> None:
        from console.tui.copying import copy

        if self._course is not None:
            copy(self.console_app, load_screen.twin(self._course))

    def action_back(self) -> None:
        self.app.pop_screen()


def _style(course: Course) -> Style:
    if course.verdict is None:
        return paint.STYLES[State.UNKNOWN] if course.is_over else paint.CURSOR_ROW
    return paint.OUTCOMES[course.verdict.outcome]


def _painted(found: Drawn) -> Text:
    lines = [Text(line) for line in found.lines]
    for at in found.bad:
        lines[at].stylize(paint.BAD)
    left, right = found.labels_at
    for at in found.plots:
        lines[at].stylize(paint.DIM, found.divider, found.divider + 1)
    for at in found.plots[1:-1]:  # between their titles and the axis
        lines[at].stylize(paint.CURSOR_ROW, left, found.divider)
        lines[at].stylize(paint.CURSOR_ROW, right)
    text = Text("\n").join(lines)
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text
