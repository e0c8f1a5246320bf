"""Load profiles and their runs, for a screen: read from files, the ledger and the streams of runs; and what a
person tells them from there. Every method waits: none is for a thread that must not."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from console import loads
from console.places import Place
from console.recent import recent
from console.roles import allow
from console.view.last_run import LastRun
from console.view.load_course import Course, Tick, course_of, is_open_load, progress_words, tick_of
from console.view.load_shelf import LoadRow, LoadShelf, ProfileRow
from console.view.run_story import login_of
from keelwatch.ledger import Access, Fact, FactKind, LedgerStore, open_ledger
from keelwatch.runs import Position, RunView, look, stop
from keelwatch.workspace import KeelwatchError, UsageError
from loadtests.follow import Followed

if TYPE_CHECKING:
    from keelwatch.runs import Glance, StopReport
    from loadtests.load import Profile

KIND = "load"
MOST_FOLLOWED = 8
HOW_TO_ARM = "A arms the console, for 15 minutes"


class Follower:
    """What one run of a load has told, taken up where it was left."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._position = Position()
        self._told = Followed()
        self._ticks: dict[int, Tick] = {}
        self._ended: float | None = None
        self._mutex = threading.Lock()

    def read(self, store: LedgerStore) -> Course:
        """All that is new, and how it goes now. Raises `UsageError` for a run that is none of a load."""
        with self._mutex:
            while (glance := look(store, self._run, self._position)).items:
                self._take(glance)
            return course_of(glance.run, self._told, self._drawn(), self._ended)

    def _take(self, glance: Glance) -> None:
        if glance.run.state.kind != KIND:
            raise UsageError(
                f"{self._run} is a {glance.run.state.kind} run, and no load", "see: keelwatch runs"
            )
        steps = len(self._told.tried)
        self._told.take(glance.items)
        if len(self._told.tried) > steps:
            self._ticks.clear()  # a search counts the seconds of its next step from 0
        self._position = glance.position
        for item in glance.items:
            if isinstance(item, Fact) and item.kind is FactKind.VERDICT:
                self._ended = item.at

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
        self._followers: dict[str, Follower] = {}
        self._mutex = threading.Lock()

    @property
    def place(self) -> Place:
        return self._place

    def shelf(self, now: float) -> LoadShelf:
        """Every profile and its runs. Never raises: what cannot be read is named in it."""
        try:
            found = loads.profiles(self._place)
        except KeelwatchError as error:
            return LoadShelf(self._place.name, now, trouble=error.message)
        trouble = "" if found else "this workspace has no load profiles: keelwatch init DIR writes some"
        last: dict[str, LastRun] = {}
        rows: tuple[LoadRow, ...] = ()
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
            return self._follower(run).read(store)

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

    def _follower(self, run: str) -> Follower:
        with self._mutex:
            found = self._followers.pop(run, None) or Follower(run)
            self._followers[run] = found
            while len(self._followers) > MOST_FOLLOWED:
                del self._followers[next(iter(self._followers))]
            return found

    def _runs(self, store: LedgerStore, now: float) -> tuple[tuple[LoadRow, ...], dict[str, LastRun]]:
        found = recent(store, KIND, self._place.name, now)
        going = [self._living_row(store, one, now) for one in found.going]
        ended = [_row(one.view, one.words, one.at) for one in found.ended]
        return (*going, *ended), found.last

    def _living_row(self, store: LedgerStore, one: RunView, now: float) -> LoadRow:
        course = self._follower(one.state.id).read(store)
        words = "asks what it may hurt first"
        if course.is_planned:
            words = progress_words(course, course.elapsed_s(now))
        return _row(one, words, one.state.started)


def _row(one: RunView, words: str, at: float) -> LoadRow:
    state = one.state
    return LoadRow(state.id, state.name, one.phase.value, state.started, login_of(state.actor), words, at)


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
