"""From what is on record to a place that journeys can go to: a run and its undo find the same one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelwatch.workspace.entrance import Entrance, entrance_of
from keelwatch.workspace.workspace import Workspace, load_workspace


@dataclass(frozen=True, slots=True)
class Place:
    """`sandbox` names another sandbox than the environment does; empty where it does not."""

    workspace: Path
    environment: str
    sandbox: str = ""

    def find(self) -> tuple[Workspace, Entrance]:
        """Raises `InputError` for a bad workspace, `SourceError` when its sandbox does not run."""
        workspace = load_workspace(self.workspace)
        name, spec = workspace.environment(self.environment)
        if self.sandbox:
            spec = spec.model_copy(update={"sandbox": self.sandbox})
        return workspace, entrance_of(name, spec, workspace.root)
