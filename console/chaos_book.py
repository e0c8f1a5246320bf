"""Experiments and their runs, for a screen: read from files, the ledger and the streams of runs; and what a
person tells them from there. Every method waits: none is for a thread that must not."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from chaos.bounds import bounds_of
from chaos.follow import Followed
from chaos.load import examine, experiment_files
from console import chaos
from console.owed import owed_in
from console.places import Place
from console.recent import recent
from console.roles import allow
from console.view.chaos_course import Course, course_of, progress_words
from console.view.chaos_shelf import ChaosRow, ChaosShelf, ExperimentRow, OpenRow
from console.view.last_run import LastRun
from console.view.run_story import login_of
from keelwatch.ledger import Access, LedgerStore, open_ledger
from keelwatch.runs import Position, RunView, look, stop
from keelwatch.workspace import KeelwatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.load import Experiment
    from console.chaos import DryRun
    from keelwatch.runs import StopReport

KIND = "chaos"
MOST_FOLLOWED = 8
HOW_TO_ARM = "A arms the console, for 15 minutes"

type Stamp = tuple[tuple[Path, int, int], ...]


class Follower:
    """What one run of an experiment has told, taken up where it was left."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._position = Position()
        self._told = Followed()
        self._mutex = threading.Lock()

    def read(self, store: LedgerStore) -> Course:
        """All that is new, and how it goes now. Raises `UsageError` for a run that is none of an
        experiment."""
        with self._mutex:
            while (glance := look(store, self._run, self._position)).items:
                if (kind := glance.run.state.kind) != KIND:
                    raise UsageError(f"{self._run} is a {kind} run, and no experiment", "see: keelwatch runs")
                self._told.take(glance.items)
                self._position = glance.position
            return course_of(glance.run, self._told)


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
        self._followers: dict[str, Follower] = {}
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
        runs: tuple[ChaosRow, ...] = ()
        owed: tuple[OpenRow, ...] | None = None
        try:
            with closing(open_ledger(access=Access.READ)) as store:
                runs, last = self._runs(store, now)
                owed = owed_in(store, self._place.name)
        except KeelwatchError as error:
            trouble = trouble or f"runs are not known: {error.message}"
        rows = tuple(_experiment_row(one, last.get(one.name)) for one in found)
        known = owed is not None
        return ChaosShelf(self._place.name, now, rows, runs, owed or (), trouble, owed_known=known)

    def course(self, run: str) -> Course:
        """Raises `UsageError` when there is no such run of an experiment, `SourceError` without a ledger."""
        with closing(open_ledger(access=Access.READ)) as store:
            return self._follower(run).read(store)

    def planned(self, name: str, load: str = "") -> DryRun:
        """What it would do now, asked of the real systems. Raises what `console.chaos.sound` raises."""
        return chaos.planned(self._place, chaos.sound(self._place, name), load)

    def profiles(self) -> tuple[str, ...]:
        """The loads that could run beside it; none where they cannot be read."""
        from console import loads

        try:
            return tuple(one.name for one in loads.profiles(self._place))
        except KeelwatchError:
            return ()

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

    def _follower(self, run: str) -> Follower:
        with self._mutex:
            found = self._followers.pop(run, None) or Follower(run)
            self._followers[run] = found
            while len(self._followers) > MOST_FOLLOWED:
                del self._followers[next(iter(self._followers))]
            return found

    def _runs(self, store: LedgerStore, now: float) -> tuple[tuple[ChaosRow, ...], dict[str, LastRun]]:
        found = recent(store, KIND, self._place.name, now)
        going = [
            _row(one, progress_words(self._follower(one.state.id).read(store)), one.state.started)
            for one in found.going
        ]
        ended = [_row(one.view, one.words, one.at) for one in found.ended]
        return (*going, *ended), found.last


def _experiment_row(one: Experiment, last: LastRun | None) -> ExperimentRow:
    return ExperimentRow(one.name, one.title, bounds_of(one.own), last)


def _row(one: RunView, words: str, at: float) -> ChaosRow:
    state = one.state
    return ChaosRow(state.id, state.name, one.phase.value, state.started, login_of(state.actor), words, at)
