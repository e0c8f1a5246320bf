"""One run of an experiment: its hypothesis, steps, faults, guard and budget, as it goes and after its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, override

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from console.feed import FeedLike
from console.tui import paint
from console.tui.course_screen import CourseScreen, Full, Page, keys_of_course
from console.view import chaos_screen
from console.view.chaos_course import Course
from console.view.chaos_screen import Drawn
from keelwatch.workspace.visible import visible_line
from slo.snapshot import State

if TYPE_CHECKING:
    from keelwatch.runs import StopReport


class ChaosRunScreen(CourseScreen[Course]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "read", id="trial.open", key_display="enter", tooltip="all of it in full"),
        Binding(
            "x", "stop", "stop + roll back", id="trial.stop", tooltip="stop it; what it did is taken back"
        ),
        *keys_of_course("trial"),
    ]
    PLACE = "Chaos"

    @override
    def read(self, feed: FeedLike, run: str) -> Course:
        return feed.chaos().course(run)

    @override
    def is_told(self, story: Course) -> bool:
        """What it left behind may be healed after its end, and who stopped it is recorded a moment after the
        signal, which ends it."""
        is_named = bool(story.stopped) or story.verdict is None or "stopped: SIG" not in story.verdict.reason
        return story.is_over and is_named and not story.open_faults

    @override
    def twin(self, story: Course) -> str:
        return chaos_screen.twin(story)

    @override
    def page(self, course: Course, room: int, now: float) -> Page:
        width, height = self.app.size
        word, _ = chaos_screen.verdict_words(course)
        return Page(
            title=chaos_screen.heading(course, room),
            stands=chaos_screen.state_line(course, now, width),
            word=word,
            style=_style(course, word),
            judged=chaos_screen.verdict_lines(course, width)[0],
            text=_painted(chaos_screen.drawn(course, width, height, now)),
            next=chaos_screen.next_line(course, width),
        )

    @override
    def in_full(self, course: Course, width: int, now: float) -> Full:
        return Full(f"{course.experiment}: run {course.run}", chaos_screen.full_lines(course, width, now))

    @override
    def why_not_stopped(self, course: Course) -> str:
        return chaos_screen.why_not_stopped(course)

    @override
    def stop_lines(self, course: Course, now: float) -> Sequence[str]:
        return chaos_screen.stop_lines(course)

    @override
    def stop(self, feed: FeedLike, run: str) -> StopReport:
        return feed.chaos().stop(run)


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
    return paint.unwrapped(lines)
