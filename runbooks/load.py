"""From files to runbooks, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document, read_all, unsaid
from keelwatch.workspace.errors import InputError, Problem, in_order
from keelwatch.workspace.spec_files import spec_files

if TYPE_CHECKING:
    from runbooks.spec import RunbookSpec

KEY = "runbook"


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook and where it stands."""

    spec: RunbookSpec
    file: Path

    @property
    def name(self) -> str:
        return self.spec.runbook


@dataclass(frozen=True, slots=True)
class Written:
    """A runbook with the document it was read from, for whoever has more to say about its lines."""

    runbook: Runbook
    document: Document


def load_folder(folder: Path) -> tuple[Runbook, ...]:
    """Every runbook under `folder`, by name. Files of other specs are left alone. Raises `InputError`."""
    files, problems = spec_files(folder)
    if problems:
        raise InputError(problems)
    written, problems = examine(files)
    if problems:
        raise InputError(problems)
    return tuple(sorted((one.runbook for one in written), key=lambda runbook: runbook.name))


def examine(files: Iterable[Path]) -> tuple[list[Written], list[Problem]]:
    """The runbooks of `files` that are right, and what is wrong with the others."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        read, broken = read_all(file)
        documents += filter(is_runbook, read)
        problems += broken
    flawed = {one.file for one in problems}  # what is read beside broken YAML is checked, and never run
    written, wrong = read_runbooks(documents)
    sound = [one for one in written if one.document.file not in flawed]
    return sound, in_order([*problems, *unsaid(wrong, problems)])


def is_runbook(document: Document) -> bool:
    """Also one whose first key is misspelt: it would be left out without a word."""
    from probes.flaw import misspelt

    keys = list(document.data) if isinstance(document.data, dict) else []
    return KEY in keys or ("steps" in keys and any(misspelt(key, (KEY,)) for key in keys))


def read_runbooks(documents: Sequence[Document]) -> tuple[list[Written], list[Problem]]:
    """The runbooks of these documents that are right, and what is wrong with the others.

    Keys, types and ranges of a runbook come first; what one key demands of another, once those are right.
    """
    written: list[Written] = []
    problems: list[Problem] = []
    for document in documents:
        try:
            written.append(_read(document))
        except InputError as error:
            problems += error.problems
    return written, in_order([*problems, *_repeated(documents)])


def _read(document: Document) -> Written:
    """Raises `InputError`."""
    from keelwatch.workspace.reader import parse
    from runbooks.rules import broken_rules
    from runbooks.spec import RunbookSpec

    spec = parse(document, RunbookSpec)
    problems = broken_rules(document, spec)
    if problems:
        raise InputError(problems)
    return Written(Runbook(spec, document.file), document)


def _repeated(documents: Sequence[Document]) -> list[Problem]:
    from keelwatch.workspace.reader import problem

    first: dict[str, Path] = {}
    problems = []
    for document in documents:
        name = document.data.get(KEY) if isinstance(document.data, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            found, expected = f"the runbook {name!r} again", f"a name not in {first[name]}"
            problems.append(problem(document, (KEY,), found=found, expected=expected))
        first.setdefault(name, document.file)
    return problems
