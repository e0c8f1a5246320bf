"""The kinds of spec there are: how each is told from the others, and who checks it.

A file's kind is told by its identifying key, not by its folder. Rooms that come later add a line.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Document, read_files, read_one, unsaid
from keelwatch.workspace.errors import InputError, Problem, in_order
from keelwatch.workspace.reader import closest, problem
from keelwatch.workspace.spec_files import SUFFIXES, spec_files

if TYPE_CHECKING:
    from keelwatch.workspace.reader import SpecModel
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
    SpecKind("slo", "apiVersion", "slo", "slo.spec:OpenSlo", "console.kinds:check_objectives"),
    SpecKind("journey", "journey", "probes", "probes.spec:JourneySpec", "console.kinds:check_journeys"),
    SpecKind(
        "profile", "profile", "loadtests", "loadtests.spec:ProfileSpec", "loadtests.lint:check_documents"
    ),
    SpecKind("experiment", "method", "chaos", "chaos.spec:ExperimentSpec", "console.kinds:check_experiments"),
    SpecKind("runbook", "runbook", "runbooks", "runbooks.spec:RunbookSpec", "console.kinds:check_runbooks"),
)

MERGE = "<<"  # of YAML 1.1: it may hide the key that tells the kind
Checker = Callable[[list[Document], "Workspace | None"], list[Problem]]


def _load(target: str) -> object:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def model_of(kind: SpecKind) -> type[SpecModel]:
    model = _load(kind.model)
    assert isinstance(model, type)
    return model


def kind_of(document: Document) -> SpecKind | Problem:
    keys = list(document.data) if isinstance(document.data, dict) else []
    for kind in KINDS:
        if kind.key in keys:
            return kind
    if MERGE in keys:
        return problem(document, (MERGE,), found="a merge key", expected="the keys themselves, written out")
    expected = "one of the keys " + ", ".join(kind.key for kind in KINDS)
    near = next((word for key in keys if (word := closest(key, [kind.key for kind in KINDS]))), "")
    return problem(document, (), found="a file of no known kind", expected=expected, did_you_mean=near)


def check_files(files: Iterable[Path], workspace: Workspace | None) -> tuple[int, list[Problem]]:
    """How many documents were read, and every problem in them."""
    documents, unread = read_files(files)
    tools = _of_chaos_toolkit(documents, unread, workspace)
    documents = [document for document in documents if document.file not in tools]
    unread = [one for one in unread if one.file not in tools]
    problems: list[Problem] = _check_experiments(tools, workspace)
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        match kind_of(document):
            case Problem() as unknown:
                problems.append(unknown)
            case kind:
                by_kind.setdefault(kind.name, []).append(document)
    for kind in KINDS:
        problems += unsaid(_check_kind(kind, by_kind.get(kind.name, []), workspace), unread)
    return len(documents) + len(tools), in_order([*unread, *problems])


def _of_chaos_toolkit(
    documents: list[Document], unread: list[Problem], workspace: Workspace | None
) -> list[Path]:
    """The files that Chaos Toolkit reads by itself, more leniently than we do: what has its key, all JSON,
    and whatever cannot be read in the folder of experiments."""
    folder = workspace.folders["chaos"] if workspace is not None else None
    known = {document.file: kind_of(document) for document in documents}
    found: dict[Path, None] = {}
    for file in [*known, *(one.file for one in unread)]:
        kind = known.get(file)
        is_ours = isinstance(kind, SpecKind) and kind.key != "method"
        is_there = folder is not None and _place(file).is_relative_to(folder)
        if not is_ours and (isinstance(kind, SpecKind) or file.suffix == ".json" or is_there):
            found[file] = None
    return list(found)


def _check_experiments(files: list[Path], workspace: Workspace | None) -> list[Problem]:
    from chaos.lint import check
    from console.processes import TABLE

    return check(files, workspace, TABLE.verbs) if files else []


def check_experiments(documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    """Chaos Toolkit's experiments, by its own loader; and whether our extension, regions, components and
    hosts are of the workspace they belong to."""
    return _check_experiments([document.file for document in documents], workspace)


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
    """OpenSLO documents, and whether their services are components of the workspace they belong to.

    What stands in other files is read where they refer to it; problems are those of these documents alone.
    """
    from slo.load import read_objectives, refers_elsewhere

    problems: list[Problem] = []
    try:
        read_objectives(documents, _beside(documents, workspace) if refers_elsewhere(documents) else ())
    except InputError as error:
        problems += error.problems
    if workspace is None or not workspace.components:
        return problems
    return [*problems, *(one for document in documents for one in _unknown_service(document, workspace))]


def check_journeys(documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    """Journeys, and whether their components are of the workspace they belong to. What else a journey should
    not do, `probe lint` says."""
    from probes.lint import unknown_component
    from probes.load import JOURNEYS

    found = JOURNEYS.examine_documents(documents)
    flaws = [(one, flaw) for one in found.sound for flaw in unknown_component(one.journey.spec, workspace)]
    return [*found.problems, *(flaw.problem(one.document) for one, flaw in flaws)]


def check_runbooks(documents: list[Document], workspace: Workspace | None) -> list[Problem]:
    """Runbooks, and whether the workspace they belong to has their regions. What else they should not do,
    `runbook lint` says."""
    from runbooks.load import RUNBOOKS
    from runbooks.rules import unknown_regions

    found = RUNBOOKS.examine_documents(documents)
    flaws = [(one, flaw) for one in found.sound for flaw in unknown_regions(one.runbook.spec, workspace)]
    return [*found.problems, *(flaw.problem(one.document) for one, flaw in flaws)]


def _beside(documents: list[Document], workspace: Workspace | None) -> list[Document]:
    """The documents of the files around these, as far as they can be read."""
    own = {_place(document.file) for document in documents}
    around = {file for place in own for file in _siblings(place, workspace)}
    return read_files(sorted(around - own))[0]


def _siblings(place: Path, workspace: Workspace | None) -> list[Path]:
    """The files that are read together with one: of a workspace's `slo` folder all of it and nothing else,
    as for `status`; elsewhere its own folder, not those below, and the `slo` folder of the workspace."""
    specs = spec_files(workspace.folders["slo"])[0] if workspace else []
    if workspace and place.is_relative_to(workspace.folders["slo"]):
        return specs
    try:
        listed = [file for file in place.parent.iterdir() if file.suffix in SUFFIXES]
    except OSError:  # a folder whose files may be read, but not listed
        return specs
    return [*specs, *listed]


def _place(file: Path) -> Path:
    """Where `file` stands, links in the way followed but not the file itself: one name for one file."""
    return file.parent.resolve() / file.name


def check_folders(workspace: Workspace) -> list[Problem]:
    """What the rooms say of their folders when a command reads them, so that `check` passes nothing that
    they refuse: an indicator in a folder that `slo` does not read, for one."""
    from loadtests.load import load_folder as load_profiles
    from probes.load import load_folder as load_journeys
    from runbooks.load import load_folder as load_runbooks
    from slo.load import load_folder as load_objectives

    problems: list[Problem] = []
    rooms = {
        "slo": load_objectives,
        "probes": load_journeys,
        "loadtests": load_profiles,
        "runbooks": load_runbooks,
    }
    for room, load in rooms.items():
        try:
            load(workspace.folders[room])
        except InputError as error:
            problems += error.problems
    return problems


def _unknown_service(document: Document, workspace: Workspace) -> list[Problem]:
    match document.data:
        case {"spec": {"service": str(service)}} if service not in workspace.components:
            near = closest(service, workspace.components)
            found, expected = f"the service {service!r}", "a component of keelwatch.yaml"
            return [problem(document, ("spec", "service"), found=found, expected=expected, did_you_mean=near)]
        case _:
            return []


def _check_workspace(document: Document) -> list[Problem]:
    """What is wrong with a workspace, and with a file that holds more than it."""
    from keelwatch.workspace.workspace import examine

    return [*read_one(document.file)[1], *examine(document)[1]]
