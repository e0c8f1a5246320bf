"""One run of a load: its curves, requests, guard, budget and generators, as it goes and after its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, override

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from console.feed import FeedLike
from console.tui import paint
from console.tui.course_screen import CourseScreen, Full, Page, keys_of_course
from console.view import load_screen
from console.view.load_course import Course
from console.view.load_screen import Drawn, Tab
from console.view.plot import Charset
from slo.snapshot import State

if TYPE_CHECKING:
    from keelwatch.runs import StopReport


class LoadScreen(CourseScreen[Course]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "read", id="load.open", key_display="enter", tooltip="all of it in full"),
        Binding("tab", "turn", "below", id="load.tab", tooltip="requests, journeys, thresholds, errors"),
        Binding("x", "stop", "stop", id="load.stop", tooltip="stop it; what it did is taken back"),
        *keys_of_course("load"),
    ]
    PLACE = "Load"

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._tab = Tab.REQUESTS

    @override
    def read(self, feed: FeedLike, run: str) -> Course:
        return feed.loads().course(run)

    @override
    def is_told(self, story: Course) -> bool:
        return story.is_over

    @override
    def twin(self, story: Course) -> str:
        return load_screen.twin(story)

    @override
    def page(self, course: Course, room: int, now: float) -> Page:
        width, height = self.app.size
        charset = Charset(self.console_app.charset)
        return Page(
            title=load_screen.heading(course, room),
            stands=load_screen.state_line(course, now, width),
            word=load_screen.verdict_words(course, now)[0],
            style=_style(course),
            judged=load_screen.verdict_lines(course, now, width)[0],
            text=_painted(load_screen.drawn(course, self._tab, width, height, now, charset)),
            next=load_screen.next_line(course, width),
        )

    @override
    def in_full(self, course: Course, width: int, now: float) -> Full:
        return Full(f"{course.profile}: run {course.run}", load_screen.full_lines(course, width, now))

    @override
    def why_not_stopped(self, course: Course) -> str:
        return load_screen.why_not_stopped(course)

    @override
    def stop_lines(self, course: Course, now: float) -> Sequence[str]:
        return load_screen.stop_lines(course, now)

    @override
    def stop(self, feed: FeedLike, run: str) -> StopReport:
        return feed.loads().stop(run)

    def action_turn(self) -> None:
        self._tab = self._tab.next()
        self.hush()
        self.show_body(self.console_app.shown)


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
    return paint.unwrapped(lines)
