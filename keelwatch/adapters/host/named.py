"""Processes by name: those that a sandbox has told in its `endpoints.json`, each with its start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keelwatch.adapters.arguments import strict, word
from keelwatch.adapters.faults.place import sandbox_of
from keelwatch.adapters.host.waker import Member, is_alive
from keelwatch.ledger import JsonObject
from keelwatch.workspace.clock import boot_id
from keelwatch.workspace.errors import Refused, SourceError, UsageError
from keelwatch.workspace.paths import endpoints_path, state_dir

START = "keelwatch sandbox up"
KEEPER = "supervisor"  # it keeps the sandbox; it is no part of the platform
NOT_DECLARED = "its processes are not declared, and no other is ever signalled"


@dataclass(frozen=True, slots=True)
class Named:
    """A process of the sandbox `sandbox`, under the name by which its status lists it."""

    sandbox: str
    name: str
    member: Member

    @property
    def begun(self) -> float:
        """Unix time (s), to a hundredth."""
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - self.member[1] / os.sysconf("SC_CLK_TCK")
        return time.time() - age_s

    @property
    def words(self) -> str:
        return f"{self.name} (pid {self.member[0]}) of sandbox {self.sandbox}"

    def require_ours(self) -> None:
        """Raises `Refused` when we may not signal it."""
        try:
            may = os.geteuid() == 0 or _owner(self.member[0]) == os.geteuid()
        except OSError:
            return  # it has just ended
        if not may:
            raise Refused(f"{self.words} belongs to another user", "run keelwatch as the user who started it")


def named_in(args: JsonObject, *others: str) -> Named:
    """The living process that `process` names. Raises `UsageError` for an environment whose processes are
    not declared, or a name it does not have, and `SourceError` when it does not run."""
    strict(args, "process", *others)
    sandbox, name = sandbox_of(args, NOT_DECLARED), word(args, "process")
    told = told_by(sandbox)
    if name not in told:
        raise UsageError(f"sandbox {sandbox} runs no process {name!r}", "there are: " + ", ".join(told))
    found = Named(sandbox, name, told[name])
    if not is_alive(found.member):
        raise SourceError(f"{found.words} does not run now", "keelwatch sandbox status")
    return found


def told_by(sandbox: str) -> Mapping[str, Member]:
    """Its processes by name. Raises `SourceError` when it does not run."""
    try:
        document = json.loads(endpoints_path(sandbox).read_text())
        if document["boot_id"] != boot_id():
            raise FileNotFoundError
        rows = [
            (str(row["name"]), (int(row["pid"]), int(row["start_ticks"]))) for row in document["processes"]
        ]
    except FileNotFoundError:
        raise SourceError(f"the sandbox {sandbox} is not running", START) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"cannot read which processes sandbox {sandbox} has: {type(error).__name__}", START
        ) from None
    return {name: member for name, member in rows if name != KEEPER}


def note_of(mark: str) -> Path:
    """The file that a waker watches, for the hang with this mark."""
    if not mark.isalnum():
        raise UsageError(f"the argument 'mark' is none: {mark!r}")
    folder = state_dir() / "hung"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{mark}.json"


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid
