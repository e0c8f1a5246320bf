"""What a profile asks for that its workspace does not have, or that no load can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import InputError, KeelwatchError, Problem, in_order
from keelwatch.workspace.reader import closest
from loadtests.load import PROFILES, Profile, Written, sought
from probes.flaw import Flaw

if TYPE_CHECKING:
    from keelwatch.workspace.document import Document, Loc
    from keelwatch.workspace.workspace import Workspace
    from loadtests.spec import ProfileSpec
    from probes.load import Journey

UNFIT = {
    "mail": "waits for mail, and a mailbox is no load's",
    "hook": "calls a hook, which may wait where nothing else goes on",
}


def sound(name: str, workspace: Workspace) -> tuple[Profile, list[Problem]]:
    """The profile of this name, looked at beside its workspace, and what is wrong with other files. Raises
    `UsageError` when there is none, `InputError` with all that is wrong with it."""
    found = sought(workspace.folders["loadtests"], name)
    if problems := in_order([*found.problems, *misfits(found.written, workspace)]):
        raise InputError(problems)
    return found.written[0].profile, found.others


def check_documents(documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    """Also of those that break a rule of their own what the workspace says: all of it at once."""
    found = PROFILES.examine_documents(documents)
    beside = misfits([*found.sound, *found.flawed], workspace) if workspace else []
    return in_order([*found.problems, *beside])


def misfits(profiles: Iterable[Written], workspace: Workspace) -> list[Problem]:
    """Files of journeys and objectives that cannot be read are told elsewhere: nothing is said of their names
    then."""
    journeys, objectives = _journeys(workspace), _objectives(workspace)
    flaws = [
        (one.document, flaw)
        for one in profiles
        for flaw in (
            *_locustfile(one),
            *_of_journeys(one.profile.spec, journeys),
            *_of_objectives(one.profile.spec, objectives),
        )
    ]
    return [flaw.problem(document) for document, flaw in flaws]


def _journeys(workspace: Workspace) -> Mapping[str, Journey] | None:
    from probes.load import load_folder

    try:
        return {one.name: one for one in load_folder(workspace.folders["probes"])}
    except InputError:
        return None


def _objectives(workspace: Workspace) -> frozenset[str] | None:
    from slo.load import load_folder

    try:
        return frozenset(one.name for one in load_folder(workspace.folders["slo"]))
    except KeelwatchError:
        return None


def _locustfile(written: Written) -> Iterator[Flaw]:
    file = written.profile.locustfile
    if file is not None and not file.is_file():
        found = f"no file {written.profile.spec.locustfile}"
        yield Flaw(("locustfile",), found, "a locustfile, relative to this file")


def _of_journeys(spec: ProfileSpec, known: Mapping[str, Journey] | None) -> Iterator[Flaw]:
    if known is None:
        return
    for index, share in enumerate(spec.journeys or ()):
        place: Loc = ("journeys", index, "journey")
        if share.journey not in known:
            yield _unknown(place, "journey", share.journey, known)
            continue
        yield from _unfit(place, known[share.journey], spec)
    for index, name in enumerate(spec.guard.journeys):
        if name not in known:
            yield _unknown(("guard", "journeys", index), "journey", name, known)


def _unfit(place: Loc, journey: Journey, spec: ProfileSpec) -> Iterator[Flaw]:
    for step in journey.spec.steps:
        why = UNFIT.get(step.action) or ("asks in pairs, which compares times" if step.alike else "")
        if why:
            yield Flaw(place, f"{journey.name!r}, whose step {step.title!r} {why}", "a journey of requests")
            return
    if journey.spec.as_ is not None and spec.pool is None:
        found = f"{journey.name!r}, which logs in, in a profile without `pool`"
        yield Flaw(place, found, "`pool`: accounts that only load uses")
    elif journey.spec.as_ is not None and spec.pool == journey.spec.as_.pool:
        yield Flaw(("pool",), f"{spec.pool!r}, from which probes take accounts", "a pool that only load uses")


def _of_objectives(spec: ProfileSpec, known: frozenset[str] | None) -> Iterator[Flaw]:
    if known is None:
        return
    for index, name in enumerate(spec.guard.burn_rate.objectives):
        if name not in known:
            yield _unknown(("guard", "burn_rate", "objectives", index), "objective", name, known)
    for index, one in enumerate(spec.thresholds):
        if one.objective is not None and one.objective not in known:
            yield _unknown(("thresholds", index, "objective"), "objective", one.objective, known)


def _unknown(place: Loc, what: str, name: str, known: Iterable[str]) -> Flaw:
    near = closest(name, list(known))
    return Flaw(place, f"{name!r}", f"{_a(what)} of this workspace", near or "")


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
