"""From what the user typed to a loaded workspace and one of its environments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelwatch.workspace.model import EnvironmentSpec
    from keelwatch.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works: a workspace, and one environment of it."""

    workspace: Workspace
    name: str
    environment: EnvironmentSpec

    @property
    def sandbox(self) -> str | None:
        """The one that the environment is bound to."""
        return self.environment.sandbox if self.environment.source == "sandbox" else None


def place(workspace: Path | None, environment: str | None) -> Place:
    """Raises `UsageError` when there is no such workspace or environment, `InputError` for a bad file."""
    from keelwatch.workspace.find import find, here
    from keelwatch.workspace.workspace import load_workspace

    loaded = load_workspace(find(workspace, here()))
    name, spec = loaded.environment(environment)
    return Place(loaded, name, spec)
