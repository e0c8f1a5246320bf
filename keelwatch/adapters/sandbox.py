"""The sandbox, over its control socket: what runs, what is broken, break and mend.

Knows the socket and `endpoints.json` only; it imports nothing of the sandbox itself. Every function raises
`SourceError` when the sandbox does not run, and `UsageError` when it refuses what was asked or the name
cannot be a sandbox's.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keelwatch.workspace import SourceError, UsageError, sandbox_dir

SOCKET = "control.sock"
ANSWER_SECONDS = 15.0  # clearing a `down` waits until processes have stopped or started
START_HINT = "keelwatch sandbox up"


@dataclass(frozen=True, slots=True)
class SandboxFault:
    """`amount`: a ratio 0..1 (errors), seconds (latency), else 1; `region` None is all; times in Unix s."""

    id: str
    component: str
    kind: str
    amount: float
    region: str | None
    since: float
    until: float

    @property
    def target(self) -> str:
        return f"{self.component}.{self.kind}"


@dataclass(frozen=True, slots=True)
class SandboxServer:
    """`state`: waiting, starting, ready, held (by a fault), crashed, ended."""

    name: str
    component: str
    region: str | None
    state: str
    pid: int | None
    restarts: int


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """History before `backfill_until` (Unix s) was loaded, not lived."""

    name: str
    id: str
    state: str
    started: float
    backfill_until: float
    supervisor_pid: int
    urls: Mapping[str, str]
    servers: tuple[SandboxServer, ...]
    faults: tuple[SandboxFault, ...]


def status(name: str = "main", within_s: float = ANSWER_SECONDS) -> SandboxStatus:
    """What runs, and which faults are active; a supervisor silent for `within_s` counts as not running."""
    told = _ask(name, {"do": "status"}, "status", within_s)
    try:
        servers = tuple(SandboxServer(**server) for server in told["servers"])
        rest = {field: value for field, value in told.items() if field not in {"servers", "faults"}}
        return SandboxStatus(**rest, servers=servers, faults=_faults(name, told["faults"]))
    except (AttributeError, TypeError, KeyError):
        raise _nonsense(name) from None


def set_fault(
    target: str, value: str, *, region: str = "all", for_s: float | None = None, name: str = "main"
) -> SandboxFault:
    """Break something: `billing.errors` by `100%`, `cache.latency` by `300ms`, `portal.down` by `on`; or make
    it wrong: `identity.enumeration` by `on`.

    In force on return; ends by itself after `for_s` (default 300 s). A `crash` happens once.
    """
    request = {"do": "fault-set", "target": target, "value": value, "region": region, "for_s": for_s}
    return _faults(name, _ask(name, request, "faults"))[0]


def faults(name: str = "main") -> tuple[SandboxFault, ...]:
    """Those active now."""
    return _faults(name, _ask(name, {"do": "fault-list"}, "faults"))


def clear_faults(target: str | None = None, *, name: str = "main") -> tuple[SandboxFault, ...]:
    """End all faults, or those of a component (`billing`), a target (`billing.errors`) or an id; returns
    what was ended. What a fault stopped is starting again on return."""
    return _faults(name, _ask(name, {"do": "fault-clear", "target": target}, "faults"))


def _faults(name: str, found: Any) -> tuple[SandboxFault, ...]:
    try:
        return tuple(SandboxFault(**fault) for fault in found)
    except TypeError:
        raise _nonsense(name) from None


def _ask(name: str, request: Mapping[str, object], wanted: str, within_s: float = ANSWER_SECONDS) -> Any:
    """What the supervisor answers under `wanted`: JSON, parsed by the caller before it goes any further."""
    try:
        answer = json.loads(_exchange(name, json.dumps(request).encode() + b"\n", within_s))
    except TimeoutError:
        raise SourceError(f"the sandbox {name} did not answer within {within_s:g} s", START_HINT) from None
    except OSError:
        raise SourceError(f"the sandbox {name} is not running", START_HINT) from None
    except ValueError:
        raise _nonsense(name) from None
    if answer.get("ok"):
        return answer[wanted]
    kind = UsageError if answer.get("usage") else SourceError
    raise kind(str(answer.get("error")), str(answer.get("hint", "")))


def _exchange(name: str, line: bytes, within_s: float) -> bytes:
    # Through the folder's descriptor: a unix socket's path is limited to 107 characters.
    handle = os.open(sandbox_dir(name), os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(within_s)
            client.connect(f"/proc/self/fd/{handle}/{SOCKET}")
            client.sendall(line)
            with client.makefile("rb") as answers:
                return answers.readline()
    finally:
        os.close(handle)


def _nonsense(name: str) -> SourceError:
    return SourceError(
        f"the supervisor of sandbox {name} answered something else than expected",
        "it may be of another version: keelwatch sandbox down, then up",
    )
