"""From files to journeys, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.secret import Secret, resolve
from keelwatch.workspace.spec_files import all_spec_files, spec_files
from keelwatch.workspace.step_specs import StepSpecs

if TYPE_CHECKING:
    from probes.spec import JourneySpec


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey and where it stands; hooks and secret files are relative to `folder`. The schemas that it
    names are part of `spec` by now."""

    spec: JourneySpec
    file: Path

    @property
    def name(self) -> str:
        return self.spec.journey

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def component(self) -> str:
        return self.spec.component

    @property
    def folder(self) -> Path:
        return self.file.parent

    def secret(self, reference: str) -> Secret:
        """Raises `SourceError`."""
        return resolve(reference, self.folder)


@dataclass(frozen=True, slots=True)
class Written:
    """A journey with the document it was read from, for whoever has more to say about its lines."""

    journey: Journey
    document: Document


def load_wanted(folder: Path, names: Sequence[str]) -> tuple[dict[str, Journey], list[Problem]]:
    """The journeys `names` (or all, when none are named) by name, and what is wrong with files that none of
    them is in. Raises `InputError` for what is wrong with theirs, and with any file when one of them is in no
    sound one: it may be there."""
    files, unreadable = spec_files(folder)
    found = JOURNEYS.examine(files)
    problems = [*unreadable, *found.problems]
    broken = {one.file for one in problems}
    known = {one.journey.name: one.journey for one in found.sound if one.document.file not in broken}
    beside = {one.journey.name: one.document.file for one in (*found.sound, *found.flawed)}
    theirs = {file for name, file in beside.items() if name in names and file in broken}
    if theirs:
        raise InputError([one for one in problems if one.file in theirs])
    if problems and not (names and known.keys() >= set(names)):
        raise InputError(problems)
    return known, problems


def load_folder(folder: Path) -> tuple[Journey, ...]:
    """Every journey under `folder`, by name. Files of other specs are left alone. Raises `InputError`."""
    return load_files(all_spec_files(folder))


def load_files(files: Iterable[Path]) -> tuple[Journey, ...]:
    """Every journey in `files`, by name. Raises `InputError` with the problems of all files."""
    return tuple(sorted((one.journey for one in JOURNEYS.load(files)), key=lambda journey: journey.name))


def examine(files: Iterable[Path]) -> tuple[list[Written], list[Problem]]:
    """The journeys of `files` that are right, and what is wrong with the others."""
    found = JOURNEYS.examine(files)
    return found.sound, found.problems


def _read(document: Document) -> tuple[Written | None, list[Problem]]:
    from keelwatch.workspace.reader import parse
    from probes.beside import with_schemas
    from probes.rules import broken_rules
    from probes.spec import JourneySpec

    whole, flaws = with_schemas(document)
    problems = [flaw.problem(document) for flaw in flaws]
    try:
        spec = parse(whole, JourneySpec)
    except InputError as error:
        return None, [*error.problems, *problems]
    return Written(Journey(spec, document.file), document), [*problems, *broken_rules(whole, spec)]


JOURNEYS = StepSpecs("journey", _read)
