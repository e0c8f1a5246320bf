"""From files to journeys, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document, read_all, unsaid
from keelwatch.workspace.errors import InputError, Problem, in_order
from keelwatch.workspace.secret import Secret, resolve
from keelwatch.workspace.spec_files import spec_files

if TYPE_CHECKING:
    from probes.spec import JourneySpec

KEY = "journey"


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


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in files. `flawed` can be read but not run: one key demands what another lacks, or it
    stands beside broken YAML. Of `unread` files some journey has keys, types or ranges that are wrong, or
    they are no YAML: what else is wrong there nobody can tell yet."""

    sound: list[Written]
    flawed: list[Written]
    unread: list[Path]
    problems: list[Problem]


def load_wanted(folder: Path, names: Sequence[str]) -> tuple[dict[str, Journey], list[Problem]]:
    """The journeys `names` (or all, when none are named) by name, and what is wrong with files that none of
    them is in. Raises `InputError` for what is wrong with theirs, and with any file when one of them is in no
    sound one: it may be there."""
    files, unreadable = spec_files(folder)
    found = examine_all(files)
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
    files, problems = spec_files(folder)
    if problems:
        raise InputError(problems)
    return load_files(files)


def load_files(files: Iterable[Path]) -> tuple[Journey, ...]:
    """Every journey in `files`, by name. Raises `InputError` with the problems of all files."""
    written, problems = examine(files)
    if problems:
        raise InputError(problems)
    return tuple(sorted((one.journey for one in written), key=lambda journey: journey.name))


def examine(files: Iterable[Path]) -> tuple[list[Written], list[Problem]]:
    """The journeys of `files` that are right, and what is wrong with the others."""
    found = examine_all(files)
    return found.sound, found.problems


def examine_all(files: Iterable[Path]) -> Examined:
    """Also those that are not right."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        read, broken = read_all(file)
        documents += filter(is_journey, read)
        problems += broken
    flawed = {one.file for one in problems}  # what is read beside broken YAML is checked, and never run
    sound: list[Written] = []
    beside: list[Written] = []
    unread = sorted(flawed)
    wrong = _repeated(documents)
    for document in documents:
        written, broken = _read(document)
        wrong += broken
        if written is None:
            unread.append(document.file)
        else:
            (beside if broken or document.file in flawed else sound).append(written)
    every = in_order([*problems, *unsaid(in_order(wrong), problems)])
    return Examined(sound, beside, list(dict.fromkeys(unread)), every)


def is_journey(document: Document) -> bool:
    """Also one whose first key is misspelt: it would be left out without a word."""
    from probes.flaw import misspelt

    keys = list(document.data) if isinstance(document.data, dict) else []
    return KEY in keys or ("steps" in keys and any(misspelt(key, (KEY,)) for key in keys))


def read_journeys(documents: Sequence[Document]) -> tuple[list[Written], list[Problem]]:
    """The journeys of these documents that are right, and what is wrong with the others.

    Keys, types and ranges of a journey come first; what one key demands of another, once those are right.
    """
    written: list[Written] = []
    problems: list[Problem] = []
    for document in documents:
        found, wrong = _read(document)
        problems += wrong
        if found is not None and not wrong:
            written.append(found)
    return written, in_order([*problems, *_repeated(documents)])


def _read(document: Document) -> tuple[Written | None, list[Problem]]:
    """The journey, None where keys, types or ranges are wrong, and all that is wrong with it."""
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


def _repeated(documents: Sequence[Document]) -> list[Problem]:
    from keelwatch.workspace.reader import problem

    first: dict[str, Path] = {}
    problems = []
    for document in documents:
        name = document.data.get(KEY) if isinstance(document.data, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            found, expected = f"the journey {name!r} again", f"a name not in {first[name]}"
            problems.append(problem(document, (KEY,), found=found, expected=expected))
        first.setdefault(name, document.file)
    return problems
