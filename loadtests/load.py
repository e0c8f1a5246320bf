"""From files to load profiles, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document
from keelwatch.workspace.errors import InputError, Problem, UsageError
from keelwatch.workspace.spec_files import all_spec_files, spec_files
from keelwatch.workspace.step_specs import StepSpecs
from loadtests.arrivals import Stage

if TYPE_CHECKING:
    from loadtests.spec import ProfileSpec


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile and where it stands; its locustfile is relative to `folder`."""

    spec: ProfileSpec
    file: Path

    @property
    def name(self) -> str:
        return self.spec.profile

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def locustfile(self) -> Path | None:
        return None if self.spec.locustfile is None else self.folder / self.spec.locustfile

    @property
    def stages(self) -> list[Stage]:
        """Levels in journeys per second (open) or users (closed)."""
        found: list[Stage] = []
        before = 0.0
        for one in self.spec.stages:
            level = float((one.rate if self.spec.model == "open" else one.users) or 0)
            found.append(Stage(before if one.ramp else level, level, one.for_.total_seconds()))
            before = level
        return found


@dataclass(frozen=True, slots=True)
class Written:
    """A profile with the document it was read from, for whoever has more to say about its lines."""

    profile: Profile
    document: Document


def load_folder(folder: Path) -> tuple[Profile, ...]:
    """Every profile under `folder`, by name. Files of other specs are left alone. Raises `InputError`."""
    found = PROFILES.load(all_spec_files(folder))
    return tuple(sorted((one.profile for one in found), key=lambda profile: profile.name))


def named(folder: Path, name: str) -> Profile:
    """Others may be wrong. Raises `UsageError` with the nearest name there is, `InputError` for a bad
    file."""
    found = sought(folder, name)
    if found.problems:
        raise InputError(found.problems)
    return found.written[0].profile


@dataclass(frozen=True, slots=True)
class Sought:
    """What files say of one profile, twice or more if it stands in several, and what is wrong with those;
    `others` are the problems of files that have nothing to do with it."""

    written: list[Written]
    problems: list[Problem]
    others: list[Problem]


def sought(folder: Path, name: str) -> Sought:
    """Raises `UsageError` with the nearest name there is, `InputError` for any bad file when it is in none
    that can be read: it may be there."""
    from keelwatch.workspace.reader import closest

    files, unreadable = spec_files(folder)
    found = PROFILES.examine(files)
    problems = [*unreadable, *found.problems]
    known = {one.profile.name: one for one in (*found.sound, *found.flawed)}
    if name not in known:
        if problems:
            raise InputError(problems)
        near = closest(name, known)
        there = f"there are: {', '.join(known)}" if known else "there is none yet: keelwatch load list"
        raise UsageError(f"there is no profile {name!r}", f"did you mean {near!r}?" if near else there)
    mine = [one for one in (*found.sound, *found.flawed) if one.profile.name == name]
    its = {file for one in mine for file in (one.document.file, one.profile.locustfile)}
    theirs = [one for one in problems if one.file in its]
    return Sought(mine, theirs, [one for one in problems if one.file not in its])


def examine(files: Iterable[Path]) -> tuple[list[Written], list[Problem]]:
    """The profiles of `files` that are right, and what is wrong with the others."""
    found = PROFILES.examine(files)
    return found.sound, found.problems


def _read(document: Document) -> tuple[Written | None, list[Problem]]:
    from keelwatch.workspace.reader import parse
    from loadtests.rules import broken_rules
    from loadtests.spec import ProfileSpec

    try:
        spec = parse(document, ProfileSpec)
    except InputError as error:
        return None, list(error.problems)
    profile = Profile(spec, document.file)
    theirs = _of_locustfile(document, profile) if profile.locustfile is not None else []
    return Written(profile, document), [*broken_rules(document, spec), *theirs]


def _of_locustfile(document: Document, profile: Profile) -> list[Problem]:
    from loadtests.locustfile import flaws_in, has_shape
    from probes.flaw import Flaw

    assert profile.locustfile is not None
    found = flaws_in(profile.locustfile)
    if profile.spec.model == "open" and has_shape(profile.locustfile):
        what = f"{profile.spec.locustfile!r}, whose shape of its own would end the arrivals"
        found.append(Flaw(("model",), what, "`closed`, or a locustfile without a shape").problem(document))
    return found


PROFILES = StepSpecs("profile", _read)
