"""From files to runbooks, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.spec_files import all_spec_files
from keelwatch.workspace.step_specs import StepSpecs

if TYPE_CHECKING:
    from runbooks.spec import RunbookSpec


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
    found = RUNBOOKS.load(all_spec_files(folder))
    return tuple(sorted((one.runbook for one in found), key=lambda runbook: runbook.name))


def examine(files: Iterable[Path]) -> tuple[list[Written], list[Problem]]:
    """The runbooks of `files` that are right, and what is wrong with the others."""
    found = RUNBOOKS.examine(files)
    return found.sound, found.problems


def _read(document: Document) -> tuple[Written | None, list[Problem]]:
    from keelwatch.workspace.reader import parse
    from runbooks.rules import broken_rules
    from runbooks.spec import RunbookSpec

    try:
        spec = parse(document, RunbookSpec)
    except InputError as error:
        return None, list(error.problems)
    return Written(Runbook(spec, document.file), document), broken_rules(document, spec)


RUNBOOKS = StepSpecs("runbook", _read)
