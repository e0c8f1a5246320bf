"""Experiments as Chaos Toolkit itself reads them: in a process of its own, for it imports what they name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keelwatch.runs import TOOL_VARIABLES
from keelwatch.workspace.document import Document, Loc, read_one
from keelwatch.workspace.errors import Problem, SourceError
from keelwatch.workspace.reader import problem

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject

WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one file: `data` is None where it cannot be parsed, `document` where our own reader,
    which knows lines, cannot follow. `problems` are what Chaos Toolkit finds wrong."""

    file: Path
    data: JsonObject | None
    document: Document | None
    problems: tuple[Problem, ...]

    def at(self, loc: Loc, found: str, expected: str, near: str = "") -> Problem:
        """A problem at a place of the experiment."""
        if self.document is None:
            return Problem(self.file, 1, 1, found, expected, near)
        return problem(self.document, loc, found=found, expected=expected, did_you_mean=near)


def read(files: Sequence[Path]) -> list[Told]:
    """In their order. Raises `SourceError` when Chaos Toolkit cannot be asked."""
    if not files:
        return []
    command = [sys.executable, "-P", "-m", "chaos.worker", "read", *(str(file.absolute()) for file in files)]
    try:
        done = subprocess.run(
            command,
            env={name: value for name, value in os.environ.items() if name in TOOL_VARIABLES},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=True,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"reading experiments took more than {WITHIN_S:g} s", "which module that they name hangs?"
        ) from None
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise SourceError(
            f"Chaos Toolkit cannot be asked: {type(error).__name__}", "is it installed? keelwatch doctor"
        ) from None
    return [_told(file, line) for file, line in zip(files, lines, strict=True)]


def _told(file: Path, line: Mapping[str, object]) -> Told:
    data = line.get("experiment")
    told = Told(file, cast("JsonObject", data) if isinstance(data, dict) else None, read_one(file)[0], ())
    flaws = line.get("flaws")
    problems = (
        [_problem(told, flaw) for flaw in flaws if isinstance(flaw, dict)] if isinstance(flaws, list) else []
    )
    if told.data is not None and "method" not in told.data:
        problems = [told.at((), "a file of no known kind", "an experiment, with the key method")]
    return Told(file, told.data, told.document, tuple(problems))


def _problem(told: Told, flaw: Mapping[str, object]) -> Problem:
    words, loc = str(flaw.get("words")), flaw.get("loc")
    if isinstance(loc, list):
        return told.at(tuple(loc), words, str(flaw.get("expected")), str(flaw.get("near") or ""))
    line, column = flaw.get("line"), flaw.get("column")
    if isinstance(line, int) and isinstance(column, int):
        return Problem(told.file, line, column, words, "a file that Chaos Toolkit can read")
    return Problem(told.file, 1, 1, words, "a file that Chaos Toolkit can read")


def part(document: Document, loc: Loc) -> Document:
    """What stands at `loc` as a document of its own, which knows the lines of the whole."""
    data = document.data
    for step in loc:
        data = data[step]  # type: ignore[index]  # whoever asks has seen that it is there
    size = len(loc)

    def inner(marks: Mapping[Loc, object]) -> Iterator[tuple[Loc, object]]:
        return ((place[size:], mark) for place, mark in marks.items() if place[:size] == loc)

    return Document(document.file, data, dict(inner(document.values)), dict(inner(document.keys)))  # type: ignore[arg-type]
