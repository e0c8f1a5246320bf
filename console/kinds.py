"""The kinds of spec there are: how each is told from the others, and who checks it.

A file's kind is told by its identifying key, not by its folder. Rooms that come later add a line.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document, load_all
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.reader import closest, problem

if TYPE_CHECKING:
    from keelwatch.workspace.reader import StrictModel
    from keelwatch.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SpecKind:
    """`key` identifies it; `model` and `checker` are `module:name`, loaded when needed."""

    name: str
    key: str
    folder: str
    model: str
    checker: str


KINDS = (
    SpecKind("workspace", "keelwatch", "", "keelwatch.workspace.model:WorkspaceSpec", ""),
    SpecKind("slo", "apiVersion", "slo", "slo.spec:SloSpec", "console.kinds:check_objectives"),
)

Checker = Callable[[list[Document], "Workspace | None"], list[Problem]]


def _load(target: str) -> object:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def model_of(kind: SpecKind) -> type[StrictModel]:
    model = _load(kind.model)
    assert isinstance(model, type)
    return model


def kind_of(document: Document) -> SpecKind | Problem:
    keys = list(document.data) if isinstance(document.data, dict) else []
    for kind in KINDS:
        if kind.key in keys:
            return kind
    expected = "one of the keys " + ", ".join(kind.key for kind in KINDS)
    near = next((word for key in keys if (word := closest(key, [kind.key for kind in KINDS]))), "")
    return problem(document, (), found="a file of no known kind", expected=expected, did_you_mean=near)


def check_files(files: Iterable[Path], workspace: Workspace | None) -> tuple[int, list[Problem]]:
    """How many documents were read, and every problem in them."""
    problems: list[Problem] = []
    by_kind: dict[str, list[Document]] = {}
    count = 0
    for file in files:
        try:
            documents = load_all(file)
        except InputError as error:
            problems.extend(error.problems)
            continue
        for document in documents:
            count += 1
            match kind_of(document):
                case Problem() as unknown:
                    problems.append(unknown)
                case kind:
                    by_kind.setdefault(kind.name, []).append(document)
    for kind in KINDS:
        problems.extend(_check_kind(kind, by_kind.get(kind.name, []), workspace))
    return count, sorted(problems, key=lambda one: (str(one.file), one.line, one.column))


def _check_kind(kind: SpecKind, documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    if not documents:
        return []
    if kind.name == "workspace":
        return [found for document in documents for found in _check_workspace(document)]
    checker = _load(kind.checker)
    assert callable(checker)
    found = checker(documents, workspace)
    assert isinstance(found, list)
    return found


def check_objectives(documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    """OpenSLO documents, and whether their services are components of the workspace they belong to."""
    from slo.load import read_objectives

    problems: list[Problem] = []
    try:
        read_objectives(documents)
    except InputError as error:
        problems += error.problems
    if workspace is None or not workspace.components:
        return problems
    return [*problems, *(one for document in documents for one in _unknown_service(document, workspace))]


def check_folders(workspace: Workspace) -> list[Problem]:
    """What the rooms say of their folders when a command reads them, so that `check` passes nothing that
    they refuse: an indicator in a folder that `slo` does not read, for one."""
    from slo.load import load_folder

    try:
        load_folder(workspace.folders["slo"])
    except InputError as error:
        return list(error.problems)
    return []


def _unknown_service(document: Document, workspace: Workspace) -> list[Problem]:
    match document.data:
        case {"spec": {"service": str(service)}} if service not in workspace.components:
            near = closest(service, workspace.components)
            found, expected = f"the service {service!r}", "a component of keelwatch.yaml"
            return [problem(document, ("spec", "service"), found=found, expected=expected, did_you_mean=near)]
        case _:
            return []


def _check_workspace(document: Document) -> list[Problem]:
    from keelwatch.workspace.workspace import load_workspace

    try:
        load_workspace(document.file)
    except InputError as error:
        return list(error.problems)
    return []
