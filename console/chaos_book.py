"""Experiments and their runs, for a screen: read from files, the ledger and the streams of runs; and what a
person tells them from there. Every method waits: none is for a thread that must not."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, override

from chaos.bounds import bounds_of
from chaos.follow import Followed
from chaos.load import examine, experiment_files
from console import chaos
from console.followers import Followers, RunFollower
from console.owed import owed_in
from console.places import Place
from console.recent import course_rows, recent
from console.roles import HOW_TO_ARM, allow
from console.view.chaos_course import Course, course_of, progress_words
from console.view.chaos_shelf import ChaosShelf, ExperimentRow, OpenRow
from console.view.last_run import LastRun
from console.view.listed import CourseRow
from keelwatch.ledger import Access, LedgerStore, open_ledger
from keelwatch.runs import Glance, RunView, stop
from keelwatch.workspace import KeelwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.load import Experiment
    from console.chaos import DryRun
    from keelwatch.runs import StopReport

KIND = "chaos"

type Stamp = tuple[tuple[Path, int, int], ...]


class Follower(RunFollower[Course]):
    KIND = KIND
    NOUN = "experiment"

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._told = Followed()

    @override
    def take(self, glance: Glance) -> None:
        self._told.take(glance.items)

    @override
    def course(self, run: RunView) -> Course:
        return course_of(run, self._told)


class Catalogue:
    """The experiments of a folder. Chaos Toolkit reads them, in a process of its own: only when a file is
    another one than before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: Stamp | None = None
        self._found: tuple[Experiment, ...] = ()
        self._trouble = ""

    def read(self) -> tuple[tuple[Experiment, ...], str]:
        """Those that are right, by name, and what is wrong with others. Raises `SourceError` when Chaos
        Toolkit cannot be asked."""
        files, unread = experiment_files(self._folder)
        stamp = tuple((one, one.stat().st_mtime_ns, one.stat().st_size) for one in files)
        if stamp != self._stamp:
            sound, problems = examine(files)
            self._found = tuple(sorted((one for one, _ in sound), key=lambda one: one.name))
            wrong = [*unread, *problems]
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self._trouble = f"{wrong[0]}{more}: keelwatch chaos check" if wrong else ""
            self._stamp = stamp
        return self._found, self._trouble


class ChaosBook:
    """The experiments of one environment, and their runs."""

    def __init__(self, where: Place) -> None:
        self._place = where
        self._catalogue = Catalogue(where.workspace.folders["chaos"])
        self._followers = Followers(Follower)
        self._mutex = threading.Lock()

    @property
    def place(self) -> Place:
        return self._place

    def shelf(self, now: float) -> ChaosShelf:
        """Every experiment, its runs, and what is owed. Never raises: what cannot be read is named in it."""
        return self.shelf_of(*self._experiments(), now)

    def shelf_of(self, found: Sequence[Experiment], trouble: str, now: float) -> ChaosShelf:
        """The same for experiments that were read already."""
        last: dict[str, LastRun] = {}
        runs: tuple[CourseRow, ...] = ()
        owed: tuple[OpenRow, ...] | None = None
        try:
            with closing(open_ledger(access=Access.READ)) as store:
                runs, last = self._runs(store, now)
                owed = owed_in(store, self._place.name)
        except KeelwatchError as error:
            trouble = trouble or f"runs are not known: {error.message}"
        rows = tuple(_experiment_row(one, last.get(one.name)) for one in found)
        known = owed is not None
        return ChaosShelf(self._place.name, now, rows, runs, trouble, owed or (), owed_known=known)

    def course(self, run: str) -> Course:
        """Raises `UsageError` when there is no such run of an experiment, `SourceError` without a ledger."""
        with closing(open_ledger(access=Access.READ)) as store:
            return self._followers.of(run).read(store)

    def planned(self, name: str, load: str = "") -> DryRun:
        """What it would do now, asked of the real systems. Raises what `console.chaos.sound` raises."""
        return chaos.planned(self._place, chaos.sound(self._place, name), load)

    def profiles(self) -> tuple[str, ...]:
        """The loads that could run beside it."""
        from console import loads

        found, _ = loads.profiles(self._place)
        return tuple(one.name for one in found)

    def refuse_unarmed(self, *, armed: bool) -> None:
        """Raises `Refused` for a role or an arming that is missing."""
        allow(self._place, "chaos", arm=armed, how=HOW_TO_ARM)

    def start(self, found: DryRun, *, armed: bool) -> str:
        """Start a run of exactly what was planned; returns its id. Raises `Refused`, `NotStarted`."""
        from console import loads

        self.refuse_unarmed(armed=armed)
        if found.order.load:
            loads.sound(self._place, found.order.load)
        with closing(open_ledger()) as store:
            return chaos.start(store, found.order)

    def stop(self, run: str) -> StopReport:
        return stop(run, "x on the screen of its experiment")

    def _experiments(self) -> tuple[tuple[Experiment, ...], str]:
        try:
            with self._mutex:
                found, trouble = self._catalogue.read()
        except KeelwatchError as error:
            return (), error.message
        except OSError as error:
            return (), f"the experiments cannot be read: {error.strerror}"
        return found, trouble or ("" if found else "this workspace has no experiments: see docs/chaos.md")

    def _runs(self, store: LedgerStore, now: float) -> tuple[tuple[CourseRow, ...], dict[str, LastRun]]:
        found = recent(store, KIND, self._place.name, now)

        def goes(one: RunView) -> str:
            return progress_words(self._followers.of(one.state.id).read(store))

        return course_rows(found, goes), found.last


def _experiment_row(one: Experiment, last: LastRun | None) -> ExperimentRow:
    return ExperimentRow(one.name, one.title, bounds_of(one.own), last)
