"""Specs of steps, named by their first key (`journey: log-in`): read with every problem of every file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keelwatch.workspace.document import Document, read_files, unsaid
from keelwatch.workspace.errors import InputError, Problem, in_order


@dataclass(frozen=True, slots=True)
class Examined[Written]:
    """What was found in files. `flawed` can be read but not run: one key demands what another lacks, or it
    stands beside broken YAML. Of `unread` files some spec has keys, types or ranges that are wrong, or they
    are no YAML: what else is wrong there nobody can tell yet."""

    sound: list[Written]
    flawed: list[Written]
    unread: list[Path]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class StepSpecs[Written]:
    """Those that `key` names. `read` is one as written, None where keys, types or ranges are wrong, and all
    that is wrong with it: what one key demands of another comes second."""

    key: str
    read: Callable[[Document], tuple[Written | None, list[Problem]]]

    def load(self, files: Iterable[Path]) -> list[Written]:
        """Every one in `files`; specs of other kinds are left alone. Raises `InputError` with the problems of
        all files."""
        found = self.examine(files)
        if found.problems:
            raise InputError(found.problems)
        return found.sound

    def examine(self, files: Iterable[Path]) -> Examined[Written]:
        """Also those that are not right."""
        documents, problems = read_files(files)
        broken = {one.file for one in problems}  # what is read beside broken YAML is checked, and never run
        found = self.examine_documents(list(filter(self.has, documents)), broken)
        return replace(found, problems=in_order([*problems, *unsaid(found.problems, problems)]))

    def examine_documents(
        self, documents: Sequence[Document], broken: Collection[Path] = ()
    ) -> Examined[Written]:
        sound: list[Written] = []
        flawed: list[Written] = []
        unread = sorted(broken)
        problems = list(self._repeated(documents))
        for document in documents:
            written, wrong = self.read(document)
            problems += wrong
            if written is None:
                unread.append(document.file)
            else:
                (flawed if wrong or document.file in broken else sound).append(written)
        return Examined(sound, flawed, list(dict.fromkeys(unread)), in_order(problems))

    def has(self, document: Document) -> bool:
        """Also one whose first key is misspelt: it would be left out without a word."""
        from keelwatch.workspace.reader import closest

        keys = list(document.data) if isinstance(document.data, dict) else []
        return self.key in keys or ("steps" in keys and any(closest(key.lower(), [self.key]) for key in keys))

    def _repeated(self, documents: Iterable[Document]) -> Iterator[Problem]:
        from keelwatch.workspace.reader import problem

        first: dict[str, Path] = {}
        for document in documents:
            name = document.data.get(self.key) if isinstance(document.data, dict) else None
            if not isinstance(name, str):
                continue
            if name in first:
                found, expected = f"the {self.key} {name!r} again", f"a name not in {first[name]}"
                yield problem(document, (self.key,), found=found, expected=expected)
            first.setdefault(name, document.file)
