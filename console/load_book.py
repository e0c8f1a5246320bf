"""Load profiles and their runs, for a screen: read from files, the ledger and the streams of runs; and what a
person tells them from there. Every method waits: none is for a thread that must not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, override

from console import loads
from console.followers import Followers, RunFollower
from console.places import Place
from console.recent import course_rows, recent
from console.roles import HOW_TO_ARM, allow
from console.view.last_run import LastRun
from console.view.listed import CourseRow
from console.view.load_course import Course, Tick, course_of, is_open_load, progress_words, tick_of
from console.view.load_shelf import LoadShelf, ProfileRow
from keelwatch.ledger import Access, Fact, FactKind, LedgerStore, open_ledger
from keelwatch.runs import Glance, RunView, stop
from keelwatch.workspace import KeelwatchError
from loadtests.follow import Followed

if TYPE_CHECKING:
    from keelwatch.runs import StopReport
    from loadtests.load import Profile

KIND = "load"


class Follower(RunFollower[Course]):
    KIND = KIND
    NOUN = "load"

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._told = Followed()
        self._ticks: dict[int, Tick] = {}
        self._ended: float | None = None

    @override
    def take(self, glance: Glance) -> None:
        step = self._told.step
        self._told.take(glance.items)
        if self._told.step > step:
            self._ticks.clear()  # a search counts the seconds of its next step from 0
        for item in glance.items:
            if isinstance(item, Fact) and item.kind is FactKind.VERDICT:
                self._ended = item.at

    @override
    def course(self, run: RunView) -> Course:
        return course_of(run, self._told, self._drawn(), self._ended)

    def _drawn(self) -> tuple[Tick, ...]:
        """Seconds of which nothing was told since are not computed anew."""
        is_open = is_open_load(self._told)
        for at, second in self._told.gathered.seconds.items():
            known = self._ticks.get(at)
            if known is None or known.workers != second.workers:
                self._ticks[at] = tick_of(at, second, is_open=is_open)
        return tuple(self._ticks[at] for at in sorted(self._ticks))


class LoadBook:
    """The load profiles of one environment, and their runs."""

    def __init__(self, where: Place) -> None:
        self._place = where
        self._followers = Followers(Follower)

    @property
    def place(self) -> Place:
        return self._place

    def shelf(self, now: float) -> LoadShelf:
        """Every profile and its runs. Never raises: what cannot be read is named in it."""
        found, trouble = loads.profiles(self._place)
        if not found and not trouble:
            trouble = "this workspace has no load profiles: keelwatch init DIR writes some"
        last: dict[str, LastRun] = {}
        rows: tuple[CourseRow, ...] = ()
        try:
            with closing(open_ledger(access=Access.READ)) as store:
                rows, last = self._runs(store, now)
        except KeelwatchError as error:
            trouble = trouble or f"runs are not known: {error.message}"
        return LoadShelf(
            self._place.name, now, tuple(profile_row(one, last.get(one.name)) for one in found), rows, trouble
        )

    def course(self, run: str) -> Course:
        """Raises `UsageError` when there is no such run of a load, `SourceError` without a ledger."""
        with closing(open_ledger(access=Access.READ)) as store:
            return self._followers.of(run).read(store)

    def refuse_unarmed(self, *, armed: bool) -> None:
        """Raises `Refused` for a role or an arming that is missing."""
        allow(self._place, "load", arm=armed, how=HOW_TO_ARM)

    def start(self, profile: str, *, armed: bool) -> str:
        """Start a run of it; returns its id. Raises `Refused`, `InputError`, `NotStarted`."""
        from loadtests.instance import arguments

        self.refuse_unarmed(armed=armed)
        name = loads.sound(self._place, profile).name
        with closing(open_ledger()) as store:
            return loads.start(store, self._place, name, arguments(self._place.workspace.file, name))

    def stop(self, run: str) -> StopReport:
        return stop(run, "x on the screen of its load")

    def _runs(self, store: LedgerStore, now: float) -> tuple[tuple[CourseRow, ...], dict[str, LastRun]]:
        found = recent(store, KIND, self._place.name, now)
        return course_rows(found, lambda one: self._goes(store, one, now)), found.last

    def _goes(self, store: LedgerStore, one: RunView, now: float) -> str:
        course = self._followers.of(one.state.id).read(store)
        if not course.is_planned:
            return "asks what it may hurt first"
        return progress_words(course, course.elapsed_s(now))


def profile_row(one: Profile, last: LastRun | None) -> ProfileRow:
    stages = one.stages
    return ProfileRow(
        name=one.name,
        title=one.spec.title,
        owner=one.spec.owner,
        model=one.spec.model,
        top=max(max(stage.begin, stage.end) for stage in stages),
        length_s=sum(stage.for_s for stage in stages),
        guard=tuple(one.spec.guard.burn_rate.objectives),
        budget=one.spec.budget / 100,
        last=last,
    )
