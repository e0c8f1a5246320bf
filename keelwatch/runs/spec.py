"""What a run is asked to do: written once into its folder, pinned by a hash in the ledger."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keelwatch.ledger.fact import JsonObject, canonical, parse_object
from keelwatch.runs.fields import mapping, number, text
from keelwatch.runs.table import OnDeath, OnTerm
from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.paths import run_dir, state_dir


@dataclass(frozen=True, slots=True)
class RunSpec:
    """`env` names the environment acted on, `entry` the module whose `run ID` is the process,
    `created` is Unix time (s). A resumed run reads the same spec again, never the edited file."""

    id: str
    kind: str
    name: str
    args: JsonObject
    env: str
    entry: str
    actor: str
    created: float
    on_death: OnDeath
    on_term: OnTerm

    @property
    def folder(self) -> Path:
        return run_dir(self.id)

    @property
    def scope(self) -> str:
        return run_scope(self.id)

    def text(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return canonical(fields)

    def sha(self) -> str:
        return hashlib.sha256(self.text().encode()).hexdigest()


def run_scope(run: str) -> str:
    """The lease every run holds on itself: whoever raises its epoch owns the run's journal."""
    return f"run/{run}"


def new_run_id(kind: str, at: float) -> str:
    """Sorts by time and can be read aloud: `20261122-031407-probe-3fa2`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"


def run_folders() -> list[Path]:
    """Of every run whose folder is still there, oldest first."""
    folder = state_dir() / "runs"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def make_folder(kind: str) -> str:
    """A fresh run id whose folder this call made."""
    while True:
        run = new_run_id(kind, time.time())
        try:
            run_dir(run).mkdir(mode=0o700, parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise SourceError(
                f"cannot make the run's folder: {error.strerror}", f"check {state_dir()}"
            ) from None
        return run


def write_spec(spec: RunSpec) -> None:
    """Synced: a runbook must be resumable after a power cut too."""
    try:
        with (spec.folder / "spec.json").open("w") as file:
            file.write(spec.text())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(spec.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SourceError(f"cannot write the run's spec: {error.strerror}", "free some space") from None


def read_spec(run: str) -> RunSpec:
    """Raises `UsageError` when there is no such run, `SourceError` when its spec cannot be read."""
    path = run_dir(run) / "spec.json"
    try:
        found = parse_object(path.read_text())
        return RunSpec(
            id=text(found, "id"),
            kind=text(found, "kind"),
            name=text(found, "name"),
            args=mapping(found, "args"),
            env=text(found, "env"),
            entry=text(found, "entry"),
            actor=text(found, "actor"),
            created=number(found, "created"),
            on_death=OnDeath(text(found, "on_death")),
            on_term=OnTerm(text(found, "on_term")),
        )
    except FileNotFoundError:
        raise UsageError(f"there is no run {run}", "see: keelwatch runs") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"the spec of run {run} cannot be read: {error}", f"look at {path}") from None
