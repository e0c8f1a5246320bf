"""Loads: which there are, starting one, and how a run of one stands. No click, no screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.places import Place
from keelwatch.ledger import JsonObject, LedgerStore
from keelwatch.runs import RunView
from keelwatch.workspace.errors import Problem, UsageError

if TYPE_CHECKING:
    from loadtests.follow import Followed
    from loadtests.load import Profile


@dataclass(frozen=True, slots=True)
class LoadStory:
    """A run of a load: how it stands, and all that it has told."""

    view: RunView
    told: Followed


def profiles(where: Place) -> tuple[tuple[Profile, ...], str]:
    """Those that are right, by name, and what is wrong with the files of others."""
    from keelwatch.workspace.spec_files import spec_files
    from loadtests.load import examine

    files, unread = spec_files(where.workspace.folders["loadtests"])
    sound, problems = examine(files)
    wrong = [*unread, *problems]
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    trouble = f"{wrong[0]}{more}: keelwatch check loadtests" if wrong else ""
    return tuple(sorted((one.profile for one in sound), key=lambda profile: profile.name)), trouble


def sound(where: Place, name: str) -> Profile:
    """The profile of this name, looked at beside the journeys and objectives that it names. Raises
    `UsageError` when there is none, `InputError` with all that is wrong with it."""
    return sound_beside(where, name)[0]


def sound_beside(where: Place, name: str) -> tuple[Profile, list[Problem]]:
    """The same, and what is wrong with the files of other profiles."""
    from loadtests import lint

    return lint.sound(name, where.workspace)


def require_objective(where: Place, name: str) -> None:
    """Raises `UsageError` for an objective that the workspace does not have."""
    from loadtests import thresholds
    from slo.load import load_folder

    known = [one.name for one in load_folder(where.workspace.folders["slo"])]
    thresholds.require_objective(name, known)


def outcome_of(view: RunView) -> tuple[str | None, str | None]:
    """The word of its verdict, and why; None while it goes on."""
    from console.view.run import verdict_of

    verdict = verdict_of(view)
    return (None, None) if verdict is None else (str(verdict.outcome), verdict.reason)


def start(store: LedgerStore, where: Place, profile: str, args: JsonObject) -> str:
    """A run of kind load; returns its id. Raises `NotStarted` with its own reason."""
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn

    return spawn(store, TABLE.kind("load"), profile, args, where.name, ENTRY)


def story_of(store: LedgerStore, run: str) -> LoadStory:
    """Raises `UsageError` for a run that is none of a load."""
    from keelwatch.runs import Position, look
    from loadtests.follow import Followed

    told, position = Followed(), Position()
    while True:
        glance = look(store, run, position)
        if glance.run.state.kind != "load":
            raise UsageError(f"{run} is a {glance.run.state.kind} run, and no load", "see: keelwatch runs")
        told.take(glance.items)
        position = glance.position
        if not glance.items:
            return LoadStory(glance.run, told)
