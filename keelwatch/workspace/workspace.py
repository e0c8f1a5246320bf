"""A workspace as loaded: `keelwatch.yaml`, checked against itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keelwatch.workspace.document import Document, read_one, unsaid
from keelwatch.workspace.errors import InputError, Problem, UsageError
from keelwatch.workspace.model import ComponentSpec, EnvironmentSpec, WorkspaceSpec
from keelwatch.workspace.reader import closest, parse
from keelwatch.workspace.rules import broken_rules

FOLDERS = ("slo", "probes", "loadtests", "chaos", "runbooks")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as loaded. `root` is the folder of its file; spec folders are absolute."""

    file: Path
    environments: Mapping[str, EnvironmentSpec]
    components: Mapping[str, ComponentSpec]
    folders: Mapping[str, Path]

    @property
    def root(self) -> Path:
        return self.file.parent

    def environment(self, name: str | None) -> tuple[str, EnvironmentSpec]:
        """The environment called `name`, or the only one there is."""
        if name is None:
            if len(self.environments) == 1:
                return next(iter(self.environments.items()))
            raise UsageError("which environment?", "--env " + "|".join(sorted(self.environments)))
        if name not in self.environments:
            near = closest(name, self.environments)
            hint = f"did you mean {near!r}?" if near else "there are: " + ", ".join(sorted(self.environments))
            raise UsageError(f"no environment {name!r} in {self.file}", hint)
        return name, self.environments[name]


def load_workspace(file: Path) -> Workspace:
    """Raises `InputError` with every problem of the file."""
    document, problems = read_one(file)
    if document is None:
        raise InputError(problems)
    spec, broken = examine(document)
    if spec is None or problems or broken:
        raise InputError([*problems, *unsaid(broken, problems)])
    folders = {name: (file.parent / getattr(spec.specs, name)).resolve() for name in FOLDERS}
    return Workspace(file, spec.environments, spec.components, folders)


def examine(document: Document) -> tuple[WorkspaceSpec | None, list[Problem]]:
    """A `keelwatch.yaml` as far as its types are right, and every problem of it."""
    broken = broken_rules(document)
    try:
        return parse(document, WorkspaceSpec), broken
    except InputError as error:
        return None, [*error.problems, *broken]
