"""From files to journeys, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document, load_all
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.secret import Secret, resolve
from keelwatch.workspace.spec_files import spec_files

if TYPE_CHECKING:
    from probes.spec import JourneySpec

KEY = "journey"
FLOW_STYLE = "YAML 1.2: inside {...} and [...], quote a text that holds one of {}[],# or begins with ?"


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
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        try:
            documents += [one for one in load_all(file) if is_journey(one)]
        except InputError as error:
            problems += [explained(one) for one in error.problems]
    written, wrong = read_journeys(documents)
    return written, _in_order([*problems, *wrong])


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
        try:
            written.append(_read(document))
        except InputError as error:
            problems += error.problems
    return written, _in_order([*problems, *_repeated(documents)])


def _read(document: Document) -> Written:
    """Raises `InputError`."""
    from keelwatch.workspace.reader import parse
    from probes.beside import with_schemas
    from probes.rules import broken_rules
    from probes.spec import JourneySpec

    whole, flaws = with_schemas(document)
    problems = [flaw.problem(document) for flaw in flaws]
    try:
        spec = parse(whole, JourneySpec)
    except InputError as error:
        raise InputError([*error.problems, *problems]) from None
    problems += broken_rules(whole, spec)
    if problems:
        raise InputError(problems)
    return Written(Journey(spec, document.file), document)


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


def explained(one: Problem) -> Problem:
    """Broken YAML, with the way out where its line is in flow style: `{regex: [a-z]+}` reads like a list."""
    broken = one.found.startswith(("broken YAML", "a list or mapping as a key"))
    return replace(one, expected=FLOW_STYLE) if broken and _is_flow(one) else one


def _is_flow(one: Problem) -> bool:
    try:
        with one.file.open(encoding="utf-8", errors="replace") as file:
            line = next((text for number, text in enumerate(file, 1) if number == one.line), "")
    except OSError:
        return False
    return "{" in line[: one.column] or "[" in line[: one.column]


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda one: (str(one.file), one.line, one.column))
