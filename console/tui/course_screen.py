"""One run of a load or an experiment: how it stands, its worth, what it shows; read in full, and stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, override

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from console.feed import FeedLike
from console.tui.follow_screen import FollowScreen
from console.tui.sheet_screen import keys_of_sheet
from console.view.world import World
from keelwatch.workspace.visible import visible_line

if TYPE_CHECKING:
    from keelwatch.runs import StopReport


def keys_of_course(screen: str) -> list[BindingType]:
    return [
        *keys_of_sheet(screen),
        Binding("pageup", "scroll_text(-8)", show=False, id=f"{screen}.earlier"),
        Binding("pagedown", "scroll_text(8)", show=False, id=f"{screen}.later"),
    ]


@dataclass(frozen=True, slots=True)
class Page:
    """The screen, from above; `judged` is the line that begins with `word`, which bears `style`."""

    title: str
    stands: str
    word: str
    style: Style
    judged: str
    text: Text
    next: str


@dataclass(frozen=True, slots=True)
class Full:
    """All of it, to be read over the screen."""

    title: str
    lines: Sequence[str]


class CourseScreen[Course](FollowScreen[Course]):
    """Subclasses say in words what one of their runs shows, and what somebody confirms who stops it."""

    ABOVE = ("stands", "judged")
    BELOW = ("next",)
    PLACE: ClassVar[str]  # the screen it was opened from

    def page(self, course: Course, room: int, now: float) -> Page:
        """`room` is the width of its title."""
        raise TypeError(f"{type(self).__name__} shows nothing of {course} at {now}, {room} wide")

    def in_full(self, course: Course, width: int, now: float) -> Full:
        raise TypeError(f"{type(self).__name__} says nothing of {course} at {now}, {width} wide")

    def why_not_stopped(self, course: Course) -> str:
        """Why it cannot be stopped now; empty when it can."""
        raise TypeError(f"{type(self).__name__} does not stop {course}")

    def stop_lines(self, course: Course, now: float) -> Sequence[str]:
        raise TypeError(f"{type(self).__name__} does not stop {course} at {now}")

    def stop(self, feed: FeedLike, run: str) -> StopReport:
        raise TypeError(f"{type(self).__name__} does not stop {run} in {feed}")

    @override
    def show_body(self, world: World) -> None:
        course, now = self._story, self.console_app.clock.now()
        if course is None:
            self.line("title").say(f" {self.PLACE} > run {self._run_id}")
            self.line("stands").say(f" {self._trouble or 'reading the ledger ...'}")
            return
        then = " | of NOW, not of the replay" if world.replay else ""
        page = self.page(course, self.app.size.width - len(then), now)
        rest = page.judged.removeprefix(page.word)
        self.line("title").say(f" {page.title}{then}")
        self.line("stands").say(f" {page.stands}")
        self.line("judged").say(Text.assemble(" ", (page.word, page.style), visible_line(rest)))
        self.say_text(page.text)
        self.line("next").say(f" {self._trouble or self.said or page.next}")

    def action_open(self) -> None:
        from console.tui.dialog import LinesDialog

        if self._story is not None:
            room = self.app.size.width * 9 // 10 - 4
            full = self.in_full(self._story, room, self.console_app.clock.now())
            self.app.push_screen(LinesDialog(full.title, full.lines))

    def action_stop(self) -> None:
        from console.tui.stopping import stop_when_confirmed

        course, feed, run = self._story, self.console_app.feed, self._run_id
        reason = "the run has not been read yet" if course is None else self.why_not_stopped(course)
        if course is None or reason:
            self.refuse(reason)
            return
        lines = self.stop_lines(course, self.console_app.clock.now())
        stop_when_confirmed(self, lines, lambda: self.stop(feed, run), self._read)
