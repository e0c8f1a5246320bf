"""One run of an experiment: its hypothesis, steps, faults, guard and budget, as it goes and after its end."""

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
from console.view import chaos_screen
from console.view.chaos_course import Course
from console.view.chaos_screen import Drawn
from console.view.world import World
from keelwatch.workspace import redact
from keelwatch.workspace.visible import visible_line
from slo.snapshot import State

READ_S = 1.0


class TrialRead(Message):
    """Only the newest matters; `trouble` says why there is none."""

    def __init__(self, course: Course | None, trouble: str = "") -> None:
        super().__init__()
        self.course = course
        self.trouble = trouble

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, TrialRead)


class ChaosRunScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "read", id="trial.open", key_display="enter", tooltip="all of it in full"),
        Binding(
            "x", "stop", "stop + roll back", id="trial.stop", tooltip="stop it; what it did is taken back"
        ),
        Binding("y", "copy", "copy", id="trial.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "back", "back", id="trial.back", key_display="esc"),
        Binding("j,down", "scroll_text(2)", show=False, id="trial.down"),
        Binding("k,up", "scroll_text(-2)", show=False, id="trial.up"),
        Binding("pageup", "scroll_text(-8)", show=False, id="trial.earlier"),
        Binding("pagedown", "scroll_text(8)", show=False, id="trial.later"),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run_id = run
        self._course: Course | None = None
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
        """Off the UI thread, and never twice at a time; what is new alone. Also after its end: what it left
        behind may be healed."""
        is_done = self._course is not None and self._course.is_over and not self._course.open_faults
        if self._reading or is_done:
            return
        self._reading = True
        feed, run = self.console_app.feed, self._run_id

        def read() -> None:
            try:
                self.post_message(TrialRead(feed.chaos().course(run)))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(TrialRead(None, redact(str(error))))

        threading.Thread(target=read, name="experiment", daemon=True).start()

    def on_trial_read(self, message: TrialRead) -> None:
        self._reading, self._trouble = False, message.trouble
        if message.course is not None:
            self._course = message.course
        self.show(self.console_app.shown)

    @override
    def show_body(self, world: World) -> None:
        course, (width, height), now = self._course, self.app.size, self.console_app.clock.now()
        if course is None:
            self.line("title").say(f" Chaos > run {self._run_id}")
            self.line("stands").say(f" {self._trouble or 'reading the ledger ...'}")
            return
        then = " | of NOW, not of the replay" if world.replay else ""
        self.line("title").say(f" {chaos_screen.heading(course, width - len(then))}{then}")
        self.line("stands").say(f" {chaos_screen.state_line(course, now, width)}")
        word, _ = chaos_screen.verdict_words(course)
        rest = chaos_screen.verdict_lines(course, width)[0].removeprefix(word)
        self.line("judged").say(Text.assemble(" ", (word, _style(course, word)), visible_line(rest)))
        text = _painted(chaos_screen.drawn(course, width, height, now))
        if self._drawn_text != text:
            self._drawn_text = text
            self.query_one("#detail", Static).update(text)
        self.line("next").say(f" {self._trouble or self.said or chaos_screen.next_line(course, width)}")

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def on_resize(self) -> None:
        self.show(self.console_app.shown)

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_open(self) -> None:
        from console.tui.dialog import LinesDialog

        course, width = self._course, self.app.size.width
        if course is not None:
            lines = chaos_screen.full_lines(course, width * 9 // 10 - 4, self.console_app.clock.now())
            self.app.push_screen(LinesDialog(f"{course.experiment}: run {course.run}", lines))

    def action_stop(self) -> None:
        from console.tui.dialog import StopDialog

        course = self._course
        reason = "the run has not been read yet" if course is None else chaos_screen.why_not_stopped(course)
        if course is None or reason:
            self.refuse(reason)
            return
        book, run = self.console_app.feed.chaos, self._run_id

        def stop_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
            if wanted:
                self.act(lambda: stopped(book().stop(run)), self._read)

        self.app.push_screen(StopDialog(chaos_screen.stop_lines(course)), stop_if)

    def action_copy(self) -> None:
        from console.tui.copying import copy

        if self._course is not None:
            copy(self.console_app, chaos_screen.twin(self._course))

    def action_back(self) -> None:
        self.app.pop_screen()


def _style(course: Course, word: str) -> Style:
    if course.verdict is None:
        against = course.is_over or word != "NO VERDICT"
        return paint.STYLES[State.UNKNOWN] if against else paint.CURSOR_ROW
    return paint.OUTCOMES[course.verdict.outcome]


def _painted(found: Drawn) -> Text:
    lines = [Text(visible_line(line)) for line in found.lines]
    for at in found.bad:
        lines[at].stylize(paint.BAD)
    for at in found.now:
        lines[at].stylize(paint.CURSOR_ROW)
    text = Text("\n").join(lines)
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text
